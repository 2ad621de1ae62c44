-- Letters without their jobs, newest first; of one error type, or of all where :error_type is null.
SELECT
    id, job_id, scene_id, error_type, error_message, retry_count, failed_at, stream, seq,
    job_data IS NULL AND stream IS NOT NULL
FROM dead_letters
WHERE :error_type IS NULL OR coalesce(nullif(error_type, ''), 'unknown') = :error_type
ORDER BY failed_at DESC, id DESC
LIMIT :limit;
