-- Bring what is known of a stream's dead letters back to what there are, unless it has grown since.
UPDATE acknowledged SET next_dead = ? WHERE stream = ? AND next_dead = ?
