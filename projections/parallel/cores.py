"""How many processors there are for us."""

from __future__ import annotations

import os


def cores() -> int:
    """How many this process may use; how many there are, where the system does not tell."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
