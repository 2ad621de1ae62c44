-- How many letters there are.
SELECT count(*) FROM dead_letters;
