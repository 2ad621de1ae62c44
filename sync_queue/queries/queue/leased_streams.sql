-- The streams that hold leases.
SELECT DISTINCT leased_by FROM jobs WHERE leased_by IS NOT NULL ORDER BY leased_by
