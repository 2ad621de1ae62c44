-- Which of some outcomes of a stream (a JSON list of seqs) no letter, there or deleted, tells of.
SELECT value FROM json_each(:seqs)
WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE stream = :stream AND seq = value)
  AND NOT EXISTS (SELECT 1 FROM deleted_letters WHERE stream = :stream AND seq = value);
