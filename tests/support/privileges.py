"""Take root's privilege over files' permissions away from a child process, for tests run as root.

A process of user 0 gets at exec what its bounding set holds (capabilities(7)); without the two
capabilities below the permissions of a file hold for it as for any owner.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def as_permissions_say() -> Callable[[], None] | None:
    """A ``preexec_fn``; None where this process has no such privilege."""
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl  # loaded before the fork

    def drop() -> None:
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "a capability cannot be dropped")

    return drop
