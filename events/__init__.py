"""Bytes: events, their lines, and the append-only log that holds them."""
