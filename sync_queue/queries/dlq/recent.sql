-- The newest letters, for a glance; within one time the highest id first.
SELECT id, job_id, scene_id, error_type, error_message, failed_at
FROM dead_letters
ORDER BY failed_at DESC, id DESC
LIMIT :limit;
