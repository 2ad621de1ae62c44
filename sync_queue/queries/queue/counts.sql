-- How many jobs are due, scheduled (and when the first of them is due) and leased, and whether the queue is paused.
SELECT (SELECT count(*) FROM jobs WHERE leased_by IS NULL AND due_at_us <= ?1),
       (SELECT count(*) FROM jobs WHERE leased_by IS NULL AND due_at_us > ?1),
       (SELECT min(due_at_us) FROM jobs WHERE leased_by IS NULL AND due_at_us > ?1),
       (SELECT count(*) FROM jobs WHERE leased_by IS NOT NULL),
       EXISTS (SELECT 1 FROM meta WHERE name = 'paused')
