"""Durable jobs: the queue and the dead letters, each one SQLite file."""
