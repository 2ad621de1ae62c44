-- One whole letter.
SELECT
    id, job_id, scene_id, error_type, error_message, retry_count, failed_at, stream, seq,
    job_data IS NULL AND stream IS NOT NULL, stack_trace, job_data
FROM dead_letters
WHERE id = :id;
