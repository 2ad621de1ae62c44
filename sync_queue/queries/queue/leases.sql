-- The jobs that a stream holds.
SELECT id, kind, scene_id, data, job_key, attempt, enqueued_at_us, due_at_us, failures, not_found, losses,
       lease_seq, retried_from
FROM jobs
WHERE leased_by = ?
ORDER BY lease_seq, id
