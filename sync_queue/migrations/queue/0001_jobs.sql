-- Jobs that wait or are leased; a job that has ended is no longer here.
-- Times are microseconds since 1970-01-01 UTC.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: an old log must not end a new job
    kind TEXT NOT NULL,
    scene_id INTEGER,
    data TEXT NOT NULL, -- JSON, ASCII only
    job_key TEXT,
    enqueued_at_us INTEGER NOT NULL,
    due_at_us INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0, -- number of the newest run
    failures INTEGER NOT NULL DEFAULT 0,
    not_found INTEGER NOT NULL DEFAULT 0,
    losses INTEGER NOT NULL DEFAULT 0, -- how often in a row its worker died
    leased_by TEXT, -- a stream; NULL unless leased
    lease_seq INTEGER, -- the stream's next seq when it was leased
    retried_from TEXT -- mark of the dead letter that it retries
);

-- The order in which jobs are claimed; the id, which every index ends with, breaks ties.
CREATE INDEX waiting_by_due ON jobs (due_at_us) WHERE leased_by IS NULL;

-- A key is unique while its job waits.
CREATE UNIQUE INDEX waiting_by_key ON jobs (job_key) WHERE job_key IS NOT NULL AND leased_by IS NULL;

-- What a stream holds, and from which seq its log is to be read when it died.
CREATE INDEX leased_by_stream ON jobs (leased_by, lease_seq) WHERE leased_by IS NOT NULL;

-- Streams that hold a job which must run alone: nearly always empty, so it costs nothing.
CREATE INDEX leased_alone ON jobs (leased_by) WHERE leased_by IS NOT NULL AND losses > 0;

-- Dead letters that were enqueued again, until the dead letter is gone.
CREATE TABLE retry_marks (
    mark TEXT PRIMARY KEY,
    job_id INTEGER NOT NULL
) WITHOUT ROWID;

-- 'queue_id': which queue this is; 'paused': there while workers take no jobs.
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
