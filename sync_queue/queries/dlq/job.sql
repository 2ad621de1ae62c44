-- One letter's job, and whether it was put back from the log without it.
SELECT job_data, job_data IS NULL AND stream IS NOT NULL FROM dead_letters WHERE id = :id;
