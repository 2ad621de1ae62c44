-- Remember up to where the outcomes of a stream were applied, and its dead letters stored.
INSERT INTO acknowledged (stream, next_seq, next_dead) VALUES (?, ?, ?)
ON CONFLICT (stream) DO UPDATE
SET next_seq = max(next_seq, excluded.next_seq), next_dead = max(next_dead, excluded.next_dead)
