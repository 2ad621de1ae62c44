-- Our event log as DuckDB views:
--
--   events    every event once, with all fields of the format
--   outcomes  how each attempt ended
--   stats     one row: counts, named as in stats.json, and times in seconds
--   errors    failures by error type
--
-- Where the log is. Segments that were compressed (.gz, .zst) are read too.
CREATE OR REPLACE MACRO event_log() AS 'data/events/*/*.jsonl*';

-- A line that stands there twice counts once: stream and seq say which line it is. Lines without
-- these two count each. Times are UTC. ignore_errors is left out on purpose: an invalid line ends the
-- query and is named, where else it would be passed over without a word.
CREATE OR REPLACE VIEW events AS
SELECT * REPLACE (
    timezone('UTC', timestamp) AS timestamp,
    timezone('UTC', retry_at) AS retry_at
)
FROM read_ndjson(event_log(), columns = {
    event: 'VARCHAR', v: 'BIGINT', stream: 'VARCHAR', seq: 'BIGINT',
    timestamp: 'TIMESTAMPTZ', level: 'VARCHAR',
    job_id: 'BIGINT', kind: 'VARCHAR', scene_id: 'BIGINT', attempt: 'BIGINT',
    duration_ns: 'BIGINT', duration: 'DOUBLE', wait_ns: 'BIGINT', warnings: 'BIGINT',
    confidence: 'VARCHAR', error_type: 'VARCHAR', error: 'VARCHAR', to_dlq: 'BOOLEAN',
    retry_at: 'TIMESTAMPTZ', policy: 'VARCHAR', exception: 'JSON',
    trace_id: 'VARCHAR', span_id: 'VARCHAR', epoch: 'VARCHAR', queue_id: 'VARCHAR',
    host: 'VARCHAR', pid: 'BIGINT', version: 'VARCHAR'
})
QUALIFY stream IS NULL OR row_number() OVER (PARTITION BY stream, seq) = 1;

-- What a missing key stands for, as docs/reference/formats.md says it.
CREATE OR REPLACE VIEW outcomes AS
SELECT * REPLACE (
    coalesce(duration_ns, CAST(round(duration * 1e9) AS BIGINT), 0) AS duration_ns,
    coalesce(warnings, 0) AS warnings,
    CASE WHEN event = 'job.succeeded' THEN coalesce(confidence, 'high') END AS confidence,
    CASE WHEN event = 'job.failed' THEN coalesce(error_type, 'unknown') END AS error_type,
    event = 'job.failed' AND coalesce(to_dlq, false) AS to_dlq
)
FROM events
WHERE event IN ('job.succeeded', 'job.failed', 'job.skipped');

CREATE OR REPLACE VIEW stats AS
SELECT
    count(*) FILTER (event != 'job.skipped') AS jobs_processed,
    count(*) FILTER (event = 'job.succeeded') AS jobs_succeeded,
    count(*) FILTER (event = 'job.failed') AS jobs_failed,
    count(*) FILTER (to_dlq) AS jobs_to_dlq,
    count(*) FILTER (event = 'job.failed' AND NOT to_dlq) AS jobs_retried,
    count(*) FILTER (event = 'job.skipped') AS jobs_skipped,
    count(*) FILTER (event = 'job.succeeded' AND attempt > 1) AS jobs_recovered,
    count(*) FILTER (warnings > 0) AS jobs_with_warnings,
    count(*) FILTER (confidence = 'high') AS high_confidence_matches,
    count(*) FILTER (confidence != 'high') AS low_confidence_matches,
    coalesce(sum(took), 0) AS total_processing_time_ns,
    coalesce(sum(took) / count(took) / 1e9, 0) AS avg_processing_time,
    quantile_disc(took, 0.5) / 1e9 AS latency_p50,
    quantile_disc(took, 0.9) / 1e9 AS latency_p90,
    quantile_disc(took, 0.99) / 1e9 AS latency_p99,
    max(took) / 1e9 AS latency_max,
    quantile_disc(waited, 0.5) / 1e9 AS waiting_p50,
    quantile_disc(waited, 0.9) / 1e9 AS waiting_p90,
    quantile_disc(waited, 0.99) / 1e9 AS waiting_p99,
    max(waited) / 1e9 AS waiting_max,
    min(timestamp) AS session_start,
    max(timestamp) AS as_of
FROM (
    SELECT *, -- a skipped attempt adds no time
           CASE WHEN event != 'job.skipped' THEN duration_ns END AS took,
           CASE WHEN event != 'job.skipped' THEN wait_ns END AS waited
    FROM outcomes
);

CREATE OR REPLACE VIEW errors AS
SELECT error_type, count(*) AS attempts, count(*) FILTER (to_dlq) AS dead,
       max(timestamp) AS last_at, max_by(error, timestamp) AS last_error
FROM outcomes
WHERE event = 'job.failed'
GROUP BY error_type
ORDER BY attempts DESC, error_type;
