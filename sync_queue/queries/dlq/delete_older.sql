-- Delete what died before a time; letters without a time stay.
DELETE FROM dead_letters WHERE failed_at < :before;
