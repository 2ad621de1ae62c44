-- The dead letter is gone, so it cannot be enqueued again.
DELETE FROM retry_marks WHERE mark = ?
