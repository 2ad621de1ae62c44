-- Remove a job whose run ended for good, if it is still this lease.
DELETE FROM jobs WHERE id = ? AND attempt = ? AND leased_by = ? AND lease_seq <= ?
