-- The dead letters that were enqueued again and may still be there.
SELECT mark FROM retry_marks ORDER BY mark
