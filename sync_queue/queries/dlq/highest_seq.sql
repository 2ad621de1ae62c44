-- The highest outcome of a stream that a letter, there or deleted, tells of; null for none.
SELECT max(seq) FROM (
    SELECT max(seq) AS seq FROM dead_letters WHERE stream = :stream AND seq IS NOT NULL
    UNION ALL
    SELECT max(seq) FROM deleted_letters WHERE stream = :stream
);
