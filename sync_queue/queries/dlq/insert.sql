-- Store one dead letter, unless its outcome stands here already or its letter was deleted.
INSERT INTO dead_letters (
    job_id, scene_id, job_data, error_type, error_message, stack_trace, retry_count, failed_at,
    stream, seq
)
SELECT
    :job_id, :scene_id, :job_data, :error_type, :error_message, :stack_trace, :retry_count,
    :failed_at, :stream, :seq
WHERE NOT EXISTS (SELECT 1 FROM deleted_letters WHERE stream = :stream AND seq = :seq)
ON CONFLICT (stream, seq) WHERE stream IS NOT NULL AND seq IS NOT NULL DO NOTHING;
