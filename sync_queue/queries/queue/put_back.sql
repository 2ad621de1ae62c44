-- Let a job that has no outcome wait again, if it is still this lease and its key does not wait again.
UPDATE OR IGNORE jobs
SET leased_by = NULL, lease_seq = NULL, attempt = attempt - ?, losses = losses + ?
WHERE id = ? AND attempt = ? AND leased_by = ?
