-- Give no job an id up to this one, from the row on that the first job ever made.
UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'jobs'
