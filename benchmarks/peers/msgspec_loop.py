"""A loop that somebody writes for this one question, with msgspec: FILE [PROCESSES]."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

import msgspec

from benchmarks.peers.answers import answer, arguments, line_blocks, over_ranges
from benchmarks.totals import from_groups


class Line(msgspec.Struct, gc=False):
    """What of a line is looked at."""

    event: str = ""
    error_type: str | None = None
    duration_ns: int = 0


def groups(
    path: str, part: tuple[int, int]
) -> tuple[Counter[tuple[str, str | None]], Counter[str]]:
    """Count and sum the lines of a range."""
    decode_lines = msgspec.json.Decoder(Line).decode_lines
    counts: Counter[tuple[str, str | None]] = Counter()
    took: Counter[str] = Counter()
    for block in line_blocks(path, part):
        lines = decode_lines(block)
        counts.update([(line.event, line.error_type) for line in lines])
        for line in lines:
            took[line.event] += line.duration_ns
    return counts, took


def main() -> None:
    """Print the totals."""
    path, processes = arguments()
    found = over_ranges(groups, path, processes)
    counts = sum((each for each, _ in found), Counter())
    took = sum((each for _, each in found), Counter())
    totals = from_groups((event, error, n, 0) for (event, error), n in counts.items())
    totals.duration_ns = took["job.succeeded"] + took["job.failed"]
    answer(asdict(totals))


if __name__ == "__main__":
    main()
