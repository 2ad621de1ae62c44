-- Whether a stream holds any lease.
SELECT EXISTS (SELECT 1 FROM jobs WHERE leased_by = ?)
