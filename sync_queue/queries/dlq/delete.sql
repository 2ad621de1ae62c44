-- Delete one letter; a trigger remembers its outcome.
DELETE FROM dead_letters WHERE id = :id;
