-- What the queue knows of the other files of its data folder, so that it is noticed when one of
-- them is older than the others.
CREATE TABLE acknowledged (
    stream TEXT PRIMARY KEY,
    next_seq INTEGER NOT NULL, -- outcomes of the stream below it were applied
    next_dead INTEGER NOT NULL DEFAULT 0, -- dead letters of the stream below it were stored
    looked_seq INTEGER NOT NULL DEFAULT 0, -- what its log holds below it was compared already
    told_end INTEGER -- where the log ended when it was told that it ends before next_seq
) WITHOUT ROWID;

-- 'unmarked': a queue of before knows nothing of its logs, until a worker has looked at them.
INSERT INTO meta (name, value)
SELECT 'unmarked', '1' WHERE EXISTS (SELECT 1 FROM meta WHERE name = 'queue_id');
