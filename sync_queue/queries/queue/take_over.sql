-- Move one lease to the stream of the worker that took over.
UPDATE jobs SET leased_by = ?, lease_seq = ?
WHERE id = ? AND attempt = ? AND leased_by = ?
