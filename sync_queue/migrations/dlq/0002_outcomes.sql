-- A letter's identity is the outcome that ended its job; what was deleted is remembered by it.
ALTER TABLE dead_letters ADD COLUMN stream TEXT;
ALTER TABLE dead_letters ADD COLUMN seq INTEGER;
CREATE INDEX IF NOT EXISTS idx_error_type ON dead_letters (error_type);
CREATE UNIQUE INDEX idx_outcome ON dead_letters (stream, seq)
    WHERE stream IS NOT NULL AND seq IS NOT NULL;

CREATE TABLE deleted_letters (
    stream TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (stream, seq)
) WITHOUT ROWID;

-- A trigger, because whatever deletes a letter, a person with the sqlite3 shell too, must leave its
-- outcome behind: recovery reads the log again and would insert the letter a second time.
CREATE TRIGGER remember_deleted AFTER DELETE ON dead_letters
WHEN old.stream IS NOT NULL AND old.seq IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO deleted_letters (stream, seq) VALUES (old.stream, old.seq);
END;

-- This file's own name, with which the queue marks the jobs retried from it.
CREATE TABLE identity (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    dlq_id TEXT NOT NULL
);
INSERT INTO identity (only_one, dlq_id) VALUES (1, lower(hex(randomblob(16))));
