-- Lease jobs, given by a JSON list of ids, to a stream.
UPDATE jobs SET attempt = attempt + 1, leased_by = ?, lease_seq = ?
WHERE id IN (SELECT value FROM json_each(?))
