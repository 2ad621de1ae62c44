-- Whether a letter is there.
SELECT 1 FROM dead_letters WHERE id = :id;
