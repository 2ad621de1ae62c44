-- The queue's random id.
SELECT value FROM meta WHERE name = 'queue_id'
