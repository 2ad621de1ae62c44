-- Store one dead letter, unless its outcome stands here already or its letter was deleted.
-- One that was put back from the log is given its job.
INSERT INTO dead_letters (
    job_id, scene_id, job_data, error_type, error_message, stack_trace, retry_count, failed_at,
    stream, seq
)
SELECT
    :job_id, :scene_id, :job_data, :error_type, :error_message, :stack_trace, :retry_count,
    :failed_at, :stream, :seq
WHERE NOT EXISTS (SELECT 1 FROM deleted_letters WHERE stream = :stream AND seq = :seq)
ON CONFLICT (stream, seq) WHERE stream IS NOT NULL AND seq IS NOT NULL
DO UPDATE SET job_data = excluded.job_data, retry_count = excluded.retry_count
WHERE dead_letters.job_data IS NULL AND excluded.job_data IS NOT NULL;
