-- The table as the known predecessor made it, so that its file starts here and goes on from here.
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: a retry is marked by it
    job_id INTEGER,
    scene_id INTEGER,
    job_data BLOB,                        -- JSON; in a predecessor's rows a pickled dict
    error_type TEXT,
    error_message TEXT,
    stack_trace TEXT,
    retry_count INTEGER,
    failed_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP -- UTC, YYYY-MM-DD HH:MM:SS[.ffffff]
);
CREATE INDEX IF NOT EXISTS idx_failed_at ON dead_letters (failed_at);
CREATE INDEX IF NOT EXISTS idx_scene_id ON dead_letters (scene_id);
