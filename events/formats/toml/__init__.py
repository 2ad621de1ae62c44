"""Mappings read from TOML files."""
