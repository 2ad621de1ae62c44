"""Blocks of native lines to neutral tallies, in C where it was built: the hot path of every replay.

What it takes, `events.codec.decode` takes too, and reads alike; whatever is unusual is handed back.
`docs/explanation/kernel.md` explains it to whoever must maintain it.
"""
