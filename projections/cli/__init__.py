"""The `syncstats` command: the composition root, and the only place that prints."""
