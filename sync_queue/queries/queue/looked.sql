-- Remember up to where the log of a stream was compared with the queue.
INSERT INTO acknowledged (stream, next_seq, looked_seq) VALUES (?, 0, ?)
ON CONFLICT (stream) DO UPDATE SET looked_seq = max(looked_seq, excluded.looked_seq)
