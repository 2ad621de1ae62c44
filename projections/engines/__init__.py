"""Replay on other engines than this process: partitions, partial results, and who works them."""
