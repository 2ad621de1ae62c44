"""One line after the other, as a mapping says: what the fast way must equal."""
