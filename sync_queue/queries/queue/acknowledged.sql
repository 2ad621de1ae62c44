-- What the queue knows of every stream.
SELECT stream, next_seq, next_dead, looked_seq, told_end FROM acknowledged ORDER BY stream
