-- One whole letter.
SELECT
    id, job_id, scene_id, error_type, error_message, retry_count, failed_at, stream, seq,
    stack_trace, job_data
FROM dead_letters
WHERE id = :id;
