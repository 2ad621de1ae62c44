-- Tell workers to take no jobs.
INSERT INTO meta (name, value) VALUES ('paused', '1') ON CONFLICT DO NOTHING
