-- Add a job, unless one with its key waits.
INSERT INTO jobs (scene_id, kind, data, job_key, due_at_us, enqueued_at_us, retried_from)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
