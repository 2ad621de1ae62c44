-- Take off what waits by how much the clock was set back since it was added. A retry beyond the latest time (second) is due now (first).
UPDATE jobs
SET due_at_us = CASE
        WHEN failures + not_found > 0 AND due_at_us > ?2 THEN ?1
        ELSE max(?1, due_at_us - (enqueued_at_us - ?1))
    END,
    enqueued_at_us = min(enqueued_at_us, ?1)
WHERE leased_by IS NULL AND due_at_us > ?1
  AND (enqueued_at_us > ?1 OR (failures + not_found > 0 AND due_at_us > ?2))
