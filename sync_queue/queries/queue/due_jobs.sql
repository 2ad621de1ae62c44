-- The first due jobs, as they will be once leased.
SELECT id, kind, scene_id, data, job_key, attempt + 1, enqueued_at_us, due_at_us, failures, not_found, losses,
       ?, retried_from
FROM jobs INDEXED BY waiting_by_due
WHERE leased_by IS NULL AND due_at_us <= ?
ORDER BY due_at_us, id
LIMIT ?
