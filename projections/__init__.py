"""Meaning: what the events add up to, and the command that shows it."""
