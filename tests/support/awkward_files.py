"""Files with all that may be in the way of whoever reads them in parts."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import zstandard

from projections.replay import replay
from tests.support.log_folders import append, compress
from tests.support.outcome_lines import failed, opened, succeeded

if TYPE_CHECKING:
    from pathlib import Path


def awkward_files(folder: Path) -> Path:
    """Write invalid lines, lines again, no end, a gzip file, and one of two Zstandard frames."""
    folder.mkdir()
    for n in range(8):
        lines = [succeeded(n * 400 + i, "a") for i in range(400)]
        append(folder / f"{n}.jsonl", *lines)
    append(folder / "2.jsonl", b"no JSON\n", *[succeeded(i, "a") for i in range(395, 405)])
    append(folder / "7.jsonl", *[failed(None, None)] * 7, opened(0, "e", "b"), b"no end")
    compress(folder / "3.jsonl", ".gz")
    half = (folder / "4.jsonl").read_bytes()
    cut = half.index(b"\n", len(half) // 2) + 1
    frames = zstandard.compress(half[:cut]) + zstandard.compress(half[cut:])
    append(folder / "4.jsonl.zst", frames)
    (folder / "4.jsonl").unlink()
    return folder


def alone(*paths: Path) -> bytes:
    """What a replay in this process makes of files."""
    return replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot.to_bytes()
