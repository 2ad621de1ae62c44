"""Logs that grow, read on from where the last run left off; positions and stats in one file."""
