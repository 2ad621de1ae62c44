"""A log that is written by four programs and rotated all the time, at a smaller size.

`python -m tests.support.following.long_run` is the full one: 1,000,000 lines, 50 rotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.following.long_run import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
def test_all_that_was_written_is_counted(tmp_path: Path):
    done = run(tmp_path, lines=60_000, rotations=8, kills=2, copytruncate=False)
    assert done.counted == done.written == done.held
    assert (done.missing, done.twice) == (0, 0)


@pytest.mark.slow
def test_all_that_copytruncate_left_is_counted(tmp_path: Path):
    done = run(tmp_path, lines=60_000, rotations=8, kills=2, copytruncate=True)
    assert (done.missing, done.twice) == (0, 0)
    assert done.held <= done.counted <= done.written
