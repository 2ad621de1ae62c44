-- Let a job whose run failed wait for a later one, if it is still this lease and its key does not wait again.
UPDATE OR IGNORE jobs
SET leased_by = NULL, lease_seq = NULL, losses = 0,
    due_at_us = ?, failures = failures + ?, not_found = not_found + ?
WHERE id = ? AND attempt = ? AND leased_by = ? AND lease_seq <= ?
