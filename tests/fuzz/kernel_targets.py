"""What is fuzzed of the kernel: it, its stand-in and the fold make the same of any lines."""

from __future__ import annotations

from tests.support.kernel_lines import by_columns, folded, with_kernel, without_kernel

STREAM = "a"


def kernel(data: bytes) -> None:
    """Any lines, folded as one block and as two, in a stream's folder and from anywhere."""
    lines = [text + b"\n" for text in data.split(b"\n")]
    half = len(lines) // 2
    for folder in (None, STREAM):
        for blocks in ([b"".join(lines)], [b"".join(lines[:half]), b"".join(lines[half:])]):
            by_line = folded(blocks, without_kernel, folder=folder)
            assert folded(blocks, with_kernel, folder=folder) == by_line, "the kernel differs"
            assert folded(blocks, by_columns, folder=folder) == by_line, "columns differ"
