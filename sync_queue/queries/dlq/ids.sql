-- Ids of the letters of one error type, or of all where :error_type is null, oldest first.
SELECT id FROM dead_letters
WHERE :error_type IS NULL OR coalesce(nullif(error_type, ''), 'unknown') = :error_type
ORDER BY id;
