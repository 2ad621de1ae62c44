"""Holds truth, log, queue, dead letters and stats against one another, when all is done."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from tests.faults.harness.handler import TRIES
from tests.faults.harness.log import Log, Outcome, read_log
from tests.faults.harness.plan import KILL
from tests.faults.harness.stores import Stores, read_stores
from tests.faults.harness.truth import Truth
from tests.faults.harness.watching import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TOLD = "told"
"""File with what was told, so that a folder that was kept can be audited again."""
WORKER_LOST = "failed/WorkerLost"
MAX_LOSSES = 3


class Told(msgspec.Struct):
    """What was told to the harness, and what it did.

    Attributes:
        added: Scenes of jobs whose enqueueing was acknowledged.
        unsure: Scenes of calls that were killed: all of a call are there, or none.
        killed: Processes that were killed, and how many jobs each could lease.
    """

    added: list[int] = []
    unsure: list[list[int]] = []
    killed: dict[str, int] = {}


@dataclass
class Audit:
    """What was found.

    Attributes:
        outcomes: How many the log holds.
        torn: How many torn ends of lines were laid aside.
        lost: A sentence for each thing that is missing.
        twice: One for each thing that is there too often.
    """

    outcomes: int
    torn: int
    lost: list[str]
    twice: list[str]


def audit(folder: Path) -> Audit:
    """Compare everything; nobody works, and the queue was drained."""
    told = msgspec.json.decode((folder / TOLD).read_bytes(), type=Told)
    truth = Truth(folder)
    truth.read()
    data = folder / "D"
    log = read_log(data / "events", folder / ARCHIVE)
    stores = read_stores(data)
    found = Audit(len(log.outcomes), log.torn, [*log.lost], [*log.twice, *truth.repeated])
    if len(log.queue_ids) > 1:
        found.lost.append(f"the queue was taken for another one: {sorted(log.queue_ids)}")
    _Comparison(log, stores, truth, told, found).compare()
    stats = data / "stats.json"
    if stats.exists():
        compare_stats(json.loads(stats.read_bytes()), log.outcomes, found)
    elif log.outcomes:
        found.lost.append("there is no stats.json")
    return found


class _Comparison:
    def __init__(self, log: Log, stores: Stores, truth: Truth, told: Told, found: Audit) -> None:
        self._outcomes = log.outcomes
        self._by_place = {each.place: each for each in log.outcomes}
        self._stores = stores
        self._truth = truth
        self._told = told
        self._lost = found.lost
        self._twice = found.twice

    def compare(self) -> None:
        self._queue_is_empty()
        self._attempts_are_recorded_once()
        self._jobs_end_once()
        self._scenes_have_their_jobs()
        self._outcomes_are_what_was_done()
        self._what_was_done_is_recorded()
        self._tries_are_counted()
        self._letters_are_the_dead()
        self._killing_jobs_are_ended()

    def _queue_is_empty(self) -> None:
        for job, attempt, stream in self._stores.waiting:
            self._lost.append(
                f"job {job} (attempt {attempt}, leased by {stream}) is still in the queue"
            )

    def _attempts_are_recorded_once(self) -> None:
        for attempt, places in _grouped((o.attempt, o.place) for o in self._outcomes).items():
            if len(places) > 1:
                self._twice.append(f"(job, attempt) {attempt} has outcomes at {places}")

    def _jobs_end_once(self) -> None:
        ends = Counter(each.attempt[0] for each in self._outcomes if each.is_end)
        for job in range(1, self._stores.added + 1):
            if ends[job] != 1:
                bucket = self._twice if ends[job] else self._lost
                bucket.append(f"job {job} has {ends[job]} ends")
        unknown = sorted(job for job in ends if not 1 <= job <= self._stores.added)
        if unknown:
            self._twice.append(f"jobs {unknown} were never added, and have ended")

    def _scenes_have_their_jobs(self) -> None:
        """Each that was added is one job, and one more for each retry of its dead letter."""
        jobs: dict[int, set[int]] = defaultdict(set)
        for each in self._outcomes:
            jobs[each.event["scene_id"]].add(each.attempt[0])
        again = Counter(
            self._by_place[place].event["scene_id"]
            for place in {*self._stores.deleted, *self._stores.pending}
            if place in self._by_place
        )
        added = set(self._told.added)
        for scenes in self._told.unsure:
            there = [scene for scene in scenes if scene in jobs]
            if there and len(there) < len(scenes):
                self._lost.append(f"of one killed enqueueing only {there} of {scenes} are there")
            added.update(there)
        for scene in sorted(added | jobs.keys()):
            wanted = (scene in added) + again[scene]
            if len(jobs[scene]) != wanted:
                bucket = self._lost if len(jobs[scene]) < wanted else self._twice
                bucket.append(f"scene {scene} has jobs {sorted(jobs[scene])}, wanted {wanted}")

    def _outcomes_are_what_was_done(self) -> None:
        for each in self._outcomes:
            if each.how == WORKER_LOST:
                continue
            run = self._truth.runs.get(each.attempt)
            if run is None or (run.how, run.scene) != (each.how, each.event["scene_id"]):
                self._lost.append(
                    f"(job, attempt) {each.attempt} is recorded as {each.how} of scene "
                    f"{each.event['scene_id']} at {each.place}; done was {run}"
                )

    def _what_was_done_is_recorded(self) -> None:
        recorded = {each.attempt for each in self._outcomes if each.how != WORKER_LOST}
        cut: Counter[str] = Counter()
        for attempt, run in self._truth.runs.items():
            if attempt in recorded:
                continue
            cut[run.process] += 1
            if run.process not in self._told.killed:
                self._lost.append(
                    f"(job, attempt) {attempt} was run by {run.process}, which was not killed "
                    f"({run}), and is not recorded"
                )
        for process, count in cut.items():
            most = self._told.killed.get(process, count)
            if count > most:
                self._lost.append(
                    f"{count} runs of {process} are not recorded, which leased {most} at most"
                )

    def _tries_are_counted(self) -> None:
        failures: Counter[int] = Counter()
        for each in sorted(self._outcomes, key=lambda each: each.attempt):
            job, attempt = each.attempt
            if each.how == WORKER_LOST:
                if attempt - failures[job] < MAX_LOSSES:
                    self._lost.append(f"job {job} was given up at attempt {attempt}")
                continue
            failures[job] += each.how.startswith("failed")
            is_last = each.how == "failed/PermanentError" or failures[job] >= TRIES
            if each.how.startswith("failed") and is_last != each.is_dead:
                self._lost.append(
                    f"job {job} has failed {failures[job]} times at attempt {attempt} "
                    f"({each.how}), and is {'dead' if each.is_dead else 'tried again'}"
                )

    def _letters_are_the_dead(self) -> None:
        dead = {each.place: each for each in self._outcomes if each.is_dead}
        letters = Counter(letter.place for letter in self._stores.letters)
        letters.update(self._stores.deleted)
        for place, each in dead.items():
            if place not in letters:
                self._lost.append(f"job {each.attempt[0]} died at {place}, and has no letter")
        for place, count in letters.items():
            if place not in dead:
                self._lost.append(f"there is a letter of {place}, where nothing has died")
            if count > 1:
                self._twice.append(f"there are {count} letters of {place}")
        failed = Counter(o.attempt[0] for o in self._outcomes if o.how.startswith("failed"))
        for letter in self._stores.letters:
            if letter.place not in dead:
                continue
            event, job = dead[letter.place].event, dead[letter.place].attempt[0]
            wanted = letter.place, event["scene_id"], job, event["error_type"], failed[job]
            if letter != wanted:
                self._lost.append(f"{letter} should be {wanted}")

    def _killing_jobs_are_ended(self) -> None:
        killed = Counter(job for (job, _), run in self._truth.runs.items() if run.do == KILL)
        for job, times in killed.items():
            if times > MAX_LOSSES:
                self._twice.append(f"job {job}, which kills its worker, was run {times} times")


def compare_stats(stats: Mapping[str, Any], outcomes: Iterable[Outcome], found: Audit) -> None:
    """Count the outcomes with nothing of ours, and hold stats.json against that."""
    counted: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    moments: list[str] = []
    for each in outcomes:
        event, what = each.event, each.how.partition("/")[0]
        moments.append(event["timestamp"])
        counted["jobs_with_warnings"] += event.get("warnings", 0) > 0
        if what == "skipped":
            counted["jobs_skipped"] += 1
            continue
        counted["jobs_processed"] += 1
        counted[f"jobs_{what}"] += 1
        counted["total_processing_time_ns"] += event["duration_ns"]
        if what == "failed":
            counted["jobs_to_dlq" if each.is_dead else "jobs_retried"] += 1
            errors[event["error_type"]] += 1
        else:
            counted["jobs_recovered"] += event["attempt"] > 1
            confidence = "high" if each.how == "succeeded/high" else "low"
            counted[f"{confidence}_confidence_matches"] += 1
    wanted: dict[str, Any] = {name: counted[name] for name in _COUNTERS}
    wanted |= dict.fromkeys(("invalid_lines", "duplicates", "gaps"), 0)
    wanted |= {"errors_by_type": dict(errors), "as_of": max(moments, default=None)}
    for name, value in wanted.items():
        if stats[name] != value:
            is_more = isinstance(value, int) and stats[name] > value
            bucket = found.twice if is_more else found.lost
            bucket.append(f"stats.json says {name} = {stats[name]!r}, the log {value!r}")


_COUNTERS = (
    *("jobs_processed", "jobs_succeeded", "jobs_failed", "jobs_to_dlq", "jobs_skipped"),
    *("jobs_retried", "jobs_recovered", "jobs_with_warnings", "total_processing_time_ns"),
    *("high_confidence_matches", "low_confidence_matches"),
)


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups
