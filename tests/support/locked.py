"""Asking about a lock, which no code of ours does: whoever wants one takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.filesystem import try_lock

if TYPE_CHECKING:
    from pathlib import Path


def is_locked(path: Path) -> bool:
    """Whether anybody holds the lock, this process included; found out by taking it."""
    held = try_lock(path)
    if held is None:
        return True
    held.release()
    return False
