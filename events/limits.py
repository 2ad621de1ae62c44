"""Bounds that all floors share, so that what one of them takes no other one refuses."""

from __future__ import annotations

from typing import Final

MAX_INTEGER: Final = 2**63 - 1
"""The largest count, number, sum of nanoseconds, and integer that SQLite keeps exactly."""
MAX_LINE_BYTES: Final = 1 << 20
"""Longest line that is read or written, in bytes, its line end included."""
MAX_DEPTH: Final = 200
"""Deepest nesting of objects and lists in a JSON text.

A fixed bound, since parsers give up where the stack happens to end: what one thread or machine
wrote, another one must be able to read.
"""
