-- What the queue knows of one stream.
SELECT stream, next_seq, next_dead, looked_seq, told_end FROM acknowledged WHERE stream = ?
