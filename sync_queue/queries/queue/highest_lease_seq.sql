-- The highest seq at which a stream was leased what it holds.
SELECT max(lease_seq) FROM jobs WHERE leased_by = ?
