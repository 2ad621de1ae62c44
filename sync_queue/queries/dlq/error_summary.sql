-- How many letters each error type has.
SELECT error_type, count(*) FROM dead_letters GROUP BY error_type;
