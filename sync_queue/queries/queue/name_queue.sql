-- Give the queue its random id, once.
INSERT INTO meta (name, value) VALUES ('queue_id', ?) ON CONFLICT DO NOTHING
