"""Leaving a step of the file system out at one place of the code: the mutations of crash tests."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from tests.support.model_filesystem import ModelFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


@contextmanager
def left_out(operation: str, within: str) -> Iterator[None]:
    """Let every file system in memory do nothing at a step, where the code that is named calls it.

    Args:
        operation: A method of `ModelFileSystem`: ``sync`` of a file, ``sync_folder``, ``truncate``.
        within: The qualified name of a function, such as ``LogView.sync``.
    """
    step = getattr(ModelFileSystem, operation)
    count = 0

    def perhaps(fs: ModelFileSystem, *arguments: Any) -> None:
        nonlocal count
        if _is_within(within):
            fs.alive()
            count += 1
        else:
            step(fs, *arguments)

    with patch.object(ModelFileSystem, operation, perhaps):
        yield
    if not count:
        raise LookupError(f"{within} never calls {operation}: nothing was left out")


def _is_within(name: str) -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_qualname == name:
            return True
        frame = frame.f_back
    return False
