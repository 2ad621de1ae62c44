"""The fields of `SyncStats`, how it is copied, and what is no time."""

from __future__ import annotations

import dataclasses
import math
import pickle
from copy import copy, deepcopy
from typing import TYPE_CHECKING, Final

from worker.stats import SyncStats

if TYPE_CHECKING:
    from collections.abc import Callable

NINE: Final = [
    "jobs_processed",
    "jobs_succeeded",
    "jobs_failed",
    "jobs_to_dlq",
    "total_processing_time",
    "session_start",
    "errors_by_type",
    "high_confidence_matches",
    "low_confidence_matches",
]
"""The fields that its first readers know, in their order."""
LATER: Final = ["jobs_skipped", "jobs_retried", "jobs_recovered", "jobs_with_warnings"]
"""The counts that came after them."""
COUNTS: Final = [*NINE[:4], *NINE[7:], *LATER]


def _pickled(stats: SyncStats) -> SyncStats:
    again: SyncStats = pickle.loads(pickle.dumps(stats))
    return again


COPIES: Final[list[Callable[[SyncStats], SyncStats]]] = [
    SyncStats.copy,
    copy,
    deepcopy,
    _pickled,
    dataclasses.replace,
]
NO_TIMES: Final[list[tuple[object, type[Exception]]]] = [
    (math.nan, ValueError),
    (math.inf, ValueError),
    (-math.inf, ValueError),
    (-0.001, ValueError),
    (-1, ValueError),
    ("1", TypeError),
    (None, TypeError),
    (True, TypeError),
    (1j, TypeError),
    ([], TypeError),
]
"""What is refused as a time, and how."""
