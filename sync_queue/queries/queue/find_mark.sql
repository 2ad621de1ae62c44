-- Whether a dead letter was enqueued again already.
SELECT EXISTS (SELECT 1 FROM retry_marks WHERE mark = ?)
