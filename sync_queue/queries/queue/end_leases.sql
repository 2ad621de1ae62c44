-- Remove jobs, given by a JSON list of ids, whose same run ended for good, as far as they are still leases from before.
DELETE FROM jobs NOT INDEXED
WHERE id IN (SELECT value FROM json_each(?)) AND attempt = ? AND leased_by = ? AND lease_seq <= ?
