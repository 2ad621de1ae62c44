"""The append-only log: a folder of streams, a stream a folder of segments of JSON lines."""
