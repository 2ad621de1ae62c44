-- What the queue knows of every stream.
SELECT stream, next_seq, next_dead, told_end FROM acknowledged ORDER BY stream
