"""The event log as a stranger reads it: with nothing of ours but the names of files and fields."""

from __future__ import annotations

import io
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import zstandard

if TYPE_CHECKING:
    from pathlib import Path

_Line = tuple[bytes, int]
_SEGMENT = re.compile(r"(?:again-)*(\d{20})\.jsonl(\.zst)?")


@dataclass(frozen=True)
class Outcome:
    """A recorded attempt.

    Attributes:
        place: Its stream and seq.
        how: As the handlers tell it: ``succeeded/high``, ``skipped``, ``failed/PermanentError``.
        is_end: Whether its job has ended with it.
        is_dead: Whether its job died.
        event: All of its line.
    """

    place: tuple[str, int]
    how: str
    is_end: bool
    is_dead: bool
    event: dict[str, Any]

    @property
    def attempt(self) -> tuple[int, int]:
        """The job and the number of its run."""
        return self.event["job_id"], self.event["attempt"]


@dataclass
class Log:
    """All lines that a log has ever held.

    Attributes:
        outcomes: The recorded attempts, each place once.
        lost: What is wrong such that something is missing.
        twice: What is there twice.
        torn: How many torn ends of lines lie aside.
        queue_ids: The queues that the streams were opened for.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    torn: int = 0
    queue_ids: set[str] = field(default_factory=set)


def read_log(events: Path, archive: Path) -> Log:
    """Read a log, and those of its segments that were removed and archived."""
    log = Log()
    lines: dict[tuple[str, int], _Line] = {}
    for folder in sorted([*events.glob("*"), *archive.glob("*")]):
        for path in sorted(folder.iterdir()):
            if ".torn-" in path.name:
                log.torn += 1
            match = _SEGMENT.fullmatch(path.name)
            if match is not None:
                _read_segment(path, folder.name, int(match[1]), lines, log)
    seqs: dict[str, set[int]] = defaultdict(set)
    for (stream, seq), (text, _) in sorted(lines.items()):
        seqs[stream].add(seq)
        event = json.loads(text)
        if event["event"] == "stream.opened":
            log.queue_ids.add(event["queue_id"])
        if event["event"].startswith("job."):
            log.outcomes.append(_outcome((stream, seq), event))
    for stream, there in seqs.items():
        missing = set(range(max(there) + 1)) - there
        if missing:
            log.lost.append(f"stream {stream} lacks seq {sorted(missing)}")
    return log


def _read_segment(
    path: Path, stream: str, segment: int, lines: dict[tuple[str, int], _Line], log: Log
) -> None:
    here: set[int] = set()
    for number, text in enumerate(_text(path).split(b"\n")[:-1], 1):
        try:
            event = json.loads(text)
            place = event["stream"], event["seq"]
        except (ValueError, TypeError, KeyError):
            log.lost.append(f"line {number} of {path.name} in {stream} is none: {text[:200]!r}")
            continue
        if place[0] != stream:
            log.lost.append(f"line {number} of {path.name} in {stream} is of {place[0]}")
        line = text, segment  # a segment may be there plain, compressed and archived
        if place[1] in here or lines.get(place, line) != line:
            log.twice.append(f"seq {place[1]} of {stream} is there twice ({path.name})")
        here.add(place[1])
        lines[place] = line


def _text(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix != ".zst":
        return data
    decompressor = zstandard.ZstdDecompressor()
    with decompressor.stream_reader(io.BytesIO(data), read_across_frames=True) as reader:
        return reader.read()


def _outcome(place: tuple[str, int], event: dict[str, Any]) -> Outcome:
    what = event["event"].removeprefix("job.")
    more = {"succeeded": event.get("confidence", "high"), "failed": event.get("error_type")}
    how = f"{what}/{more[what]}" if what in more else what
    is_dead = bool(event.get("to_dlq", False))
    return Outcome(place, how, what != "failed" or is_dead, is_dead, event)
