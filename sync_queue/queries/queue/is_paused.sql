-- Whether workers are told to take no jobs.
SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'paused')
