-- Remember that a dead letter was enqueued again.
INSERT INTO retry_marks (mark, job_id) VALUES (?, ?)
