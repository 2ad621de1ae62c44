"""The same loop with orjson and dictionaries: FILE [PROCESSES]."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import orjson

from benchmarks.peers.answers import answer, arguments, over_ranges
from benchmarks.totals import Totals


def totals_of(path: str, part: tuple[int, int]) -> Totals:
    """Add up the lines of a range."""
    loads, totals, errors = orjson.loads, Totals(), Counter[str]()
    begin, end = part
    with Path(path).open("rb", buffering=1 << 20) as file:
        file.seek(begin)
        left = end - begin
        for line in file:
            left -= len(line)
            found = loads(line)
            event = found["event"]
            if event == "job.succeeded":
                totals.succeeded += 1
                totals.duration_ns += found["duration_ns"]
            elif event == "job.failed":
                totals.failed += 1
                totals.duration_ns += found["duration_ns"]
                errors[found["error_type"]] += 1
            elif event == "job.skipped":
                totals.skipped += 1
            else:
                totals.other += 1
            if left <= 0:
                break
    totals.errors = dict(errors)
    return totals


def main() -> None:
    """Print the totals."""
    path, processes = arguments()
    whole = Totals()
    errors: Counter[str] = Counter()
    for found in over_ranges(totals_of, path, processes):
        whole.succeeded += found.succeeded
        whole.failed += found.failed
        whole.skipped += found.skipped
        whole.other += found.other
        whole.duration_ns += found.duration_ns
        errors.update(found.errors)
    whole.errors = dict(errors)
    answer(asdict(whole))


if __name__ == "__main__":
    main()
