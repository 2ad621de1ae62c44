-- Whether a stream may claim now: not while the queue is paused, nor while it holds a job that must run alone.
SELECT NOT EXISTS (SELECT 1 FROM meta WHERE name = 'paused')
   AND NOT EXISTS (
       SELECT 1 FROM jobs INDEXED BY leased_alone
       WHERE leased_by = ? AND leased_by IS NOT NULL AND losses > 0
   )
