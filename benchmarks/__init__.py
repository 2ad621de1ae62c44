"""How fast things are, measured; not part of the tests."""
