"""What is fuzzed of the compiled kernel: it and the Python code make the same of any lines."""

from __future__ import annotations

from tests.support.kernel_lines import folded

STREAM = "a"


def kernel(data: bytes) -> None:
    """Any lines, folded as one block and as two, in a stream's folder and from anywhere."""
    lines = [text + b"\n" for text in data.split(b"\n")]
    half = len(lines) // 2
    for folder in (None, STREAM):
        for blocks in ([b"".join(lines)], [b"".join(lines[:half]), b"".join(lines[half:])]):
            by_kernel = folded(blocks, pure=False, folder=folder)
            assert by_kernel == folded(blocks, pure=True, folder=folder), "the kernel differs"
