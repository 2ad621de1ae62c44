"""Lines that tell more of an outcome of another line."""
