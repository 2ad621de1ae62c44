-- The lowest and the highest seq at which a stream was leased what it holds.
SELECT (SELECT min(lease_seq) FROM jobs WHERE leased_by = ?1),
       (SELECT max(lease_seq) FROM jobs WHERE leased_by = ?1)
