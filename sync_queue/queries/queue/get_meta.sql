-- A named value of the queue as a whole.
SELECT value FROM meta WHERE name = ?
