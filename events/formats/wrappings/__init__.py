"""What other programs put around a line: a container's or the system's log."""
