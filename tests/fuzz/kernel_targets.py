"""What is fuzzed of the kernel: it, its stand-in and the fold make the same of any lines."""

from __future__ import annotations

from tests.support.kernel_lines import by_columns, folded, with_kernel, without_kernel
from tests.support.outcome_lines import succeeded

STREAM = "a"
JUMPING = b"".join(succeeded(1000 + 2 * n, STREAM) for n in range(300))
"""So many short runs that what follows is joined, where it is much of this kind."""


def kernel(data: bytes) -> None:
    """Any lines, folded as one block and as two, in a stream's folder and from anywhere."""
    lines = [text + b"\n" for text in data.split(b"\n")]
    half = len(lines) // 2
    for folder in (None, STREAM):
        for blocks in (
            [b"".join(lines)],
            [b"".join(lines[:half]), b"".join(lines[half:])],
            [JUMPING + b"".join(lines)],
        ):
            by_line = folded(blocks, without_kernel, folder=folder)
            assert folded(blocks, with_kernel, folder=folder) == by_line, "the kernel differs"
            assert folded(blocks, by_columns, folder=folder) == by_line, "columns differ"
