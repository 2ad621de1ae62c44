-- Let workers take jobs again.
DELETE FROM meta WHERE name = 'paused'
