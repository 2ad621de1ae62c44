-- One letter's job.
SELECT job_data FROM dead_letters WHERE id = :id;
