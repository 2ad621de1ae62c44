-- What the queue knows of one stream.
SELECT stream, next_seq, next_dead, told_end FROM acknowledged WHERE stream = ?
