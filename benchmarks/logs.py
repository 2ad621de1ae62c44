"""Makes the logs that are measured: native lines of one stream, the same for the same seed."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.totals import Totals, from_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STREAM = "nas-1-x7f2"
_VERSION = 1  # of what is made: part of the files' names
_BLOCK = 10_000  # lines
_START = datetime(2026, 11, 24, tzinfo=UTC)
_KINDS = ("metadata", "cover", "performers", "markers")
_ERRORS = ("PlexNotFound", "TransientError", "PermanentError", "HandlerTimeout", "OSError")
_SHARES = {"succeeded": 88, "failed": 8, "skipped": 2, "other": 2}

_HEAD = '"v":1,"stream":"' + STREAM + '","seq":%d,"timestamp":"%s.%06dZ","level":"%s"'
_OUTCOME = ',"job_id":%d,"kind":"%s","scene_id":%d,"attempt":%d,"duration_ns":%d,"wait_ns":%d'
_SUCCEEDED = '{"event":"job.succeeded",' + _HEAD + _OUTCOME + ',"confidence":"%s"}\n'
_SKIPPED = '{"event":"job.skipped",' + _HEAD + _OUTCOME + "}\n"
_FAILED = (
    '{"event":"job.failed",'
    + _HEAD
    + _OUTCOME
    + ',"error_type":"%s","error":"no item for /media/library/%d/film.mkv","to_dlq":%s}\n'
)
_OTHER = (
    '{"event":"batch.summary",'
    + _HEAD
    + ',"processed":%d,"succeeded":%d,"failed":%d,"rate":%.1f}\n'
)
_OPENED = '{"event":"stream.opened",' + _HEAD + ',"epoch":"%016x","pid":4242}\n'


def blocks(lines: int, seed: int, totals: Totals) -> Iterator[bytes]:
    """Give the lines of a log, many at once.

    Args:
        lines: How many.
        seed: Which log.
        totals: Takes what the lines add up to, as they are made.
    """
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    kinds = chance.choices(tuple(_SHARES), tuple(_SHARES.values()), k=9973)
    now, micros = _START, 0
    for begin in range(0, lines, _BLOCK):
        made = []
        for seq in range(begin, min(begin + _BLOCK, lines)):
            micros += chance.randrange(200_000)
            if micros >= 1_000_000 or not seq:
                now += timedelta(seconds=bool(seq))
                moment, micros = now.isoformat()[:19], micros % 1_000_000
            kind = kinds[seq % len(kinds)] if seq else "opened"
            level = "warning" if kind == "failed" else "info"
            head = (seq, moment, micros, level)
            made.append(_line(kind, head, chance, totals))
        yield "".join(made).encode()


def _line(kind: str, head: tuple[int, str, int, str], chance: random.Random, totals: Totals) -> str:
    seq = head[0]
    if kind in {"opened", "other"}:
        totals.other += 1
        if kind == "opened":
            return _OPENED % (*head, chance.getrandbits(64))
        return _OTHER % (*head, 100, 95, 5, 40 + chance.random() * 10)
    attempt = 1 + (seq % 17 == 0)
    took, waited = int(chance.expovariate(1e-9)) + 1_000_000, int(chance.expovariate(1e-10))
    values = (*head, seq, _KINDS[seq & 3], seq % 20_011, attempt, took, waited)
    if kind == "skipped":
        totals.skipped += 1
        return _SKIPPED % values
    totals.duration_ns += took
    if kind == "succeeded":
        totals.succeeded += 1
        return _SUCCEEDED % (*values, "low" if seq % 11 == 0 else "high")
    error = _ERRORS[took % len(_ERRORS)]
    totals.failed += 1
    totals.errors[error] = totals.errors.get(error, 0) + 1
    return _FAILED % (*values, error, seq % 977, "true" if seq % 5 == 0 else "false")


def make_log(folder: Path, lines: int, seed: int) -> tuple[Path, Totals]:
    """Make a log, or find that it was made; give its file and what it adds up to."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"v{_VERSION}-{lines}-{seed}.jsonl"
    known = path.with_suffix(".totals")
    if known.exists():
        return path, from_dict(json.loads(known.read_bytes()))
    totals = Totals()
    with path.open("wb") as file:
        for block in blocks(lines, seed, totals):
            file.write(block)
    known.write_text(json.dumps(asdict(totals)))
    return path, totals


def compress(path: Path, suffixes: Sequence[str] = (".gz", ".zst")) -> dict[str, Path]:
    """Make the same log as .gz and .zst, as our worker and gzip make them; by suffix."""
    import zstandard

    ways = {
        ".gz": lambda data: gzip.compress(data, 6, mtime=0),
        ".zst": zstandard.ZstdCompressor(level=3).compress,
    }
    packed = {suffix: path.with_name(path.name + suffix) for suffix in suffixes}
    for suffix, target in packed.items():
        if not target.exists():
            half = target.with_name(target.name + ".half")
            half.write_bytes(ways[suffix](path.read_bytes()))
            half.replace(target)
    return packed
