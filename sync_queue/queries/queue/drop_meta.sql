-- Forget a named value of the queue as a whole.
DELETE FROM meta WHERE name = ?
