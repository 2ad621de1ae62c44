"""How fast other programs' lines are folded through a mapping, beside loops written for one format.

Called as ``python -m benchmarks.formats``.

Each hand-written loop decodes into a struct that has just what its format needs, and makes the same
stats as the fold: counts, sums, histograms, errors, newest time. Both ways work the same blocks in
turn, on one core; times are of the processor, and their ratio is what counts on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
from msgspec import UNSET, Meta, UnsetType

from benchmarks.calling import add, ended
from events.clock import to_us
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Translator
from projections.fold import Fold
from projections.foreign_sums import tally_sums
from worker.stats import SyncStats
from worker.tally import OutcomeTally

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.mapping import Mapping

BLOCK_BYTES = 1 << 20
_START = datetime(2026, 11, 24, 13, tzinfo=UTC)
_WORKERS = ["MyApp.SyncWorker", "MyApp.MailWorker", "MyApp.CleanupWorker"]
_ERRORS = ["RuntimeError", "DBConnection.ConnectionError", "Plex.NotFound"]


class Case(NamedTuple):
    """One format: its lines in blocks, and the two ways of folding them."""

    name: str
    blocks: list[bytes]
    ours: Callable[[list[bytes]], SyncStats]
    by_hand: Callable[[list[bytes]], SyncStats]


def blocks_of(lines: list[bytes]) -> list[bytes]:
    """Cut lines into blocks as a reader does."""
    blocks, block, size = [], [], 0
    for line in lines:
        block.append(line)
        size += len(line)
        if size >= BLOCK_BYTES:
            blocks.append(b"".join(block))
            block, size = [], 0
    return [*blocks, b"".join(block)]


def _moment(number: int) -> str:
    return (_START + timedelta(milliseconds=number)).isoformat().replace("+00:00", "Z")


def oban_lines(count: int, seed: int) -> list[bytes]:
    """Lines as Oban's logger writes them: half of them tell of a start."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    lines = []
    for number in range(count):
        failed = chance.random() < 0.05
        line = {
            "time": _moment(number),
            "level": "info",
            "source": "oban",
            "event": "job:exception" if failed else "job:stop",
            "args": {"id": number, "path": f"/media/films/{number}.mkv"},
            "attempt": 1 + (chance.random() < 0.1),
            "id": number,
            "max_attempts": 20,
            "meta": {},
            "queue": "default",
            "state": "failure" if failed else "success",
            "tags": [],
            "worker": chance.choice(_WORKERS),
            "duration": chance.randrange(100, 3_000_000),
            "queue_time": chance.randrange(100, 100_000),
        }
        if failed:
            line["error"] = f"** ({chance.choice(_ERRORS)}) no item for scene {number}"
        lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return lines


def ecs_lines(count: int, seed: int) -> list[bytes]:
    """Lines as ECS loggers write them, nested."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets
    lines = []
    for number in range(count):
        failed = chance.random() < 0.05
        line = {
            "@timestamp": _moment(number),
            "log.level": "info",
            "message": "job finished",
            "ecs": {"version": "8.11.0"},
            "service": {"name": "sync", "version": "1.2.3", "environment": "production"},
            "event": {
                "action": "sync",
                "outcome": "failure" if failed else "success",
                "duration": chance.randrange(100_000, 3_000_000_000),
            },
        }
        if failed:
            line["error"] = {"type": chance.choice(_ERRORS), "message": f"no item {number}"}
        lines.append(json.dumps(line, separators=(",", ":")).encode() + b"\n")
    return lines


_Micros = Annotated[int, Meta(ge=0, le=9_000_000_000_000_000)]
_Moment = Annotated[datetime, Meta(tz=True)]


class _Oban(msgspec.Struct, gc=False):
    event: str = ""
    state: str = ""
    time: _Moment | UnsetType = UNSET
    duration: _Micros = 0
    queue_time: _Micros | UnsetType = UNSET
    error: str = "unknown"
    attempt: int = 0


class _EcsEvent(msgspec.Struct, gc=False):
    outcome: str = ""
    duration: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0


class _EcsError(msgspec.Struct, gc=False):
    type: str = "unknown"


class _Ecs(msgspec.Struct, gc=False, rename={"time": "@timestamp"}):
    time: _Moment | UnsetType = UNSET
    event: _EcsEvent | UnsetType = UNSET
    error: _EcsError | UnsetType = UNSET


def _add(stats: SyncStats, tally: OutcomeTally, moments: list[datetime]) -> None:
    tally.failed = len(tally.latency_ns) - tally.succeeded
    tally.high = tally.succeeded
    tally.retried = tally.failed - tally.to_dlq
    tally.time_ns = sum(tally.latency_ns)
    if moments:
        tally.earliest_us = to_us(min(moments))
        to_us(max(moments))
    stats.add(tally)


def oban_by_hand(blocks: list[bytes]) -> SyncStats:  # noqa: C901 - branches as somebody writes them by hand: calls would slow the peer down
    """Fold Oban's lines, the whole error text for its type."""
    decode = msgspec.json.Decoder(_Oban).decode
    stats = SyncStats.zero()
    for block in blocks:
        tally = OutcomeTally()
        latency, waiting, errors = tally.latency_ns, tally.waiting_ns, tally.errors
        moments = []
        for line in block.split(b"\n"):
            if not line:
                continue
            try:
                found = decode(line)
            except ValueError:
                continue
            state = found.state
            if state == "success" and found.event == "job:stop":
                tally.succeeded += 1
                if found.attempt > 1:
                    tally.recovered += 1
            elif state in {"failure", "discard"}:
                if state == "discard":
                    tally.to_dlq += 1
                errors[found.error] = errors.get(found.error, 0) + 1
            else:
                if state in {"cancelled", "snoozed"}:
                    tally.skipped += 1
                continue
            latency.append(found.duration * 1000)
            if found.queue_time is not UNSET:
                waiting.append(found.queue_time * 1000)
            if found.time is not UNSET:
                moments.append(found.time)
        _add(stats, tally, moments)
    return stats


def ecs_by_hand(blocks: list[bytes]) -> SyncStats:
    """Fold ECS lines."""
    decode = msgspec.json.Decoder(_Ecs).decode
    stats = SyncStats.zero()
    for block in blocks:
        tally = OutcomeTally()
        latency, errors = tally.latency_ns, tally.errors
        moments = []
        for line in block.split(b"\n"):
            if not line:
                continue
            try:
                found = decode(line)
            except ValueError:
                continue
            event = found.event
            if event is UNSET:
                continue
            if event.outcome == "success":
                tally.succeeded += 1
            elif event.outcome == "failure":
                name = "unknown" if found.error is UNSET else found.error.type
                errors[name] = errors.get(name, 0) + 1
            else:
                continue
            latency.append(event.duration)
            if found.time is not UNSET:
                moments.append(found.time)
        _add(stats, tally, moments)
    return stats


OBAN_WITHOUT_REGEX = """
name = "oban"
[[outcomes]]
is = "succeeded"
when = { event = "job:stop", state = "success" }
[[outcomes]]
is = "failed"
when = { state = "failure" }
[[outcomes]]
is = "dead"
when = { state = "discard" }
[[outcomes]]
is = "skipped"
when = { state = ["cancelled", "snoozed"] }
[fields]
timestamp = "time"
duration = { field = "duration", unit = "us" }
wait = { field = "queue_time", unit = "us" }
error_type = "error"
attempt = "attempt"
"""
ECS_WITHOUT_REGEX = """
name = "ecs"
[[outcomes]]
is = "succeeded"
when = { "event.outcome" = "success" }
[[outcomes]]
is = "failed"
when = { "event.outcome" = "failure" }
[fields]
timestamp = "@timestamp"
duration = { field = "event.duration", unit = "ns" }
error_type = "error.type"
"""


def through(mapping: Mapping) -> Callable[[list[bytes]], SyncStats]:
    """Make the fold of lines through a mapping, by way of sums."""

    def fold_blocks(blocks: list[bytes]) -> SyncStats:
        stats = SyncStats.zero()
        translator = Translator(mapping)
        for block in blocks:
            stats.add(tally_sums(translator.sums(block))[0])
        return stats

    return fold_blocks


def by_outcomes(mapping: Mapping) -> Callable[[list[bytes]], SyncStats]:
    """Make the fold of lines through a mapping, with an object for each outcome."""

    def fold_blocks(blocks: list[bytes]) -> SyncStats:
        fold = Fold()
        translator = Translator(mapping)
        for block in blocks:
            fold.foreign("s", translator.lines(block), lines=block.count(b"\n"))
        return fold.entry("s").stats

    return fold_blocks


def timed(work: Callable[[list[bytes]], SyncStats], blocks: list[bytes]) -> float:
    """Processor time of one run, in seconds."""
    begin = time.process_time()
    work(blocks)
    return time.process_time() - begin


def all_cases(lines: int, seed: int) -> list[Case]:
    """Make the lines of all formats; the two ways of folding them have to find the same."""
    oban = blocks_of(oban_lines(lines, seed))
    ecs = blocks_of(ecs_lines(lines, seed))
    cases = [
        Case("oban", oban, through(parse_mapping(OBAN_WITHOUT_REGEX, "oban")), oban_by_hand),
        Case("ecs", ecs, through(parse_mapping(ECS_WITHOUT_REGEX, "ecs")), ecs_by_hand),
        Case(
            "oban, objects",
            oban,
            by_outcomes(parse_mapping(OBAN_WITHOUT_REGEX, "oban")),
            oban_by_hand,
        ),
        Case(
            "ecs, objects", ecs, by_outcomes(parse_mapping(ECS_WITHOUT_REGEX, "ecs")), ecs_by_hand
        ),
        Case("oban preset", oban, through(load_preset("oban")), oban_by_hand),
        Case("ecs preset", ecs, through(load_preset("ecs")), ecs_by_hand),
    ]
    for case in cases:
        if case.ours(case.blocks).jobs_processed != case.by_hand(case.blocks).jobs_processed:
            raise SystemExit(f"{case.name}: the two ways differ")
        if "preset" not in case.name and case.ours(case.blocks) != case.by_hand(case.blocks):
            raise SystemExit(f"{case.name}: the two ways differ")
    return cases


def speeds(case: Case, lines: int, rounds: int) -> tuple[float, float, float]:
    """Lines a second by hand and through the mapping, and the ratio; medians of rounds."""
    pairs = [
        (timed(case.by_hand, case.blocks), timed(case.ours, case.blocks)) for _ in range(rounds)
    ]
    by_hand, ours = (lines / median(times) for times in zip(*pairs, strict=True))
    return by_hand, ours, median(hand / ours_s for hand, ours_s in pairs)


def main() -> int:
    """Print a line for each format."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.formats", description=__doc__)
    add(parser, "--lines", 100_000, "lines of each format")
    add(parser, "--rounds", 9, "how often each way is run")
    add(parser, "--seed", 7, "of everything random", int)
    args = parser.parse_args()
    for case in all_cases(args.lines, args.seed):
        by_hand, ours, ratio = speeds(case, args.lines, args.rounds)
        print(  # noqa: T201 - a program that prints a table
            f"{case.name:13} by hand {by_hand:9,.0f} lines/s, "
            f"by mapping {ours:9,.0f} lines/s: {ratio:.0%}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(ended("benchmarks.formats", main))
