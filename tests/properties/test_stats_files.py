"""A random program of records, saves, loads, merges and copies, beside a model of it.

The model knows every single record: an object is a list of them, each with the files that it is in;
a file is what it is made of. A save brings each record that is not in the file yet.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import os
import pickle
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker import error_counts
from worker.stats import SyncStats

if TYPE_CHECKING:
    from collections.abc import Iterator

OBJECTS = st.integers(0, 1)
FILES = st.sampled_from(["plain.json", "folder/one.json", "two.json"])
RECORDS = st.tuples(
    st.sampled_from(["", "", *"ABCDEF", "unknown"]),
    st.sampled_from([0, 1, 93, 10**6, 3 * 10**9]),
)
Record = tuple[str, int]
Generation = int
# All plain files are one for an object, being known by their path, until it finds that one gone.
PLAIN: Generation = 0
COPIES = {
    "method": SyncStats.copy,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda stats: pickle.loads(pickle.dumps(stats)),
    "replace": dataclasses.replace,
}


@dataclasses.dataclass
class ModelObject:
    """An object: its start, its records, and the file generations that each is in."""

    start: float = math.inf
    records: list[tuple[Record, set[Generation]]] = dataclasses.field(default_factory=list)

    def copied(self) -> list[tuple[Record, set[Generation]]]:
        return [(record, set(files)) for record, files in self.records]


@dataclasses.dataclass
class ModelFile:
    """A file as it was made once: a later one of the same name is another generation."""

    generation: Generation
    start: float = math.inf
    records: Counter[Record] = dataclasses.field(default_factory=Counter)


def recorded(stats: SyncStats, record: Record) -> None:
    error_type, time_ns = record
    if error_type:
        stats.record_failure(error_type, time_ns / 10**9, to_dlq=time_ns > 99)
    else:
        stats.record_success(time_ns / 10**9, "high" if time_ns else None)


def stats_of(start: float, records: Counter[Record]) -> SyncStats:
    stats = SyncStats(session_start=start)
    for record in records.elements():
        recorded(stats, record)
    return stats


class Program:
    """Objects and files, and the model of them, changed step by step."""

    def __init__(self, folder: Path, *, plain: bool) -> None:
        self.folder = folder
        self.objects = [SyncStats.zero() for _ in range(2)]
        self.models = [ModelObject() for _ in range(2)]
        self.files: dict[str, ModelFile] = {}
        self.generations = 0
        if plain:
            self.leave_plain_file()

    def new_file(self, name: str) -> ModelFile:
        self.generations += 1
        self.files[name] = ModelFile(self.generations)
        return self.files[name]

    def leave_plain_file(self) -> None:
        """A plain file, as another program leaves it."""
        content = '{"jobs_processed": 1, "jobs_succeeded": 1, "total_processing_time": 0, '
        content += '"session_start": 5, "low_confidence_matches": 1}'
        (self.folder / "plain.json").write_text(content)
        self.files["plain.json"] = ModelFile(PLAIN, 5.0, Counter({("plain", 0): 1}))

    def another_plain_file(self) -> None:
        """Another one in its place, after each object has met its absence and so forgot the first.

        (One that did not takes it for the same file: it has nothing else to know it by.)
        """
        for i in range(len(self.objects)):
            self.lose("plain.json", "gone")
            self.save(i, "plain.json", 1)
        self.leave_plain_file()

    def record(self, i: int, record: Record) -> None:
        recorded(self.objects[i], record)
        self.models[i].records.append((record, set()))

    def start_anew(self, i: int, start: float) -> None:
        self.objects[i], self.models[i] = SyncStats(session_start=start), ModelObject(start)

    def save(self, i: int, name: str, times: int) -> None:
        before = self.objects[i].copy()
        for _ in range(times):
            self.objects[i].save_to_file(self.folder / name)
        assert self.objects[i] == before, "the object's own counts stay"
        if name == "plain.json" and name not in self.files:
            for _, files in self.models[i].records:
                files.discard(PLAIN)
        file = self.files.get(name) or self.new_file(name)
        file.start = min(file.start, self.models[i].start)
        for record, files in self.models[i].records:
            if file.generation not in files:
                files.add(file.generation)
                file.records[record] += 1

    def load(self, i: int, name: str) -> None:
        self.objects[i] = SyncStats.load_from_file(self.folder / name)
        file = self.files.get(name)
        if file is None:
            self.objects[i].session_start = math.inf
            self.models[i] = ModelObject()
        else:
            records = [(record, {file.generation}) for record in file.records.elements()]
            self.models[i] = ModelObject(file.start, records)

    def merge(self, i: int, j: int, k: int, plus: bool) -> None:
        a, b = self.objects[i], self.objects[j]
        start = min(self.models[i].start, self.models[j].start)
        both = self.models[i].copied() + self.models[j].copied()
        if len(both) > 200:
            return
        self.objects[k] = a + b if plus else a.merge(b)
        self.models[k] = ModelObject(start, both)

    def copy(self, i: int, j: int, way: str) -> None:
        twin = COPIES[way](self.objects[i])
        model = ModelObject(self.models[i].start, self.models[i].copied())
        self.objects[j], self.models[j] = twin, model

    def lose(self, name: str, how: str) -> None:
        """A file is deleted, emptied, or damaged; what objects have saved there, it had once."""
        if self.files.pop(name, None) is None:
            return
        if how == "gone":
            (self.folder / name).unlink()
        else:
            (self.folder / name).write_text({"empty": "", "damaged": '{"jobs_failed": null}'}[how])

    def swap(self) -> None:
        """Files with an id are known wherever they are."""
        files = self.files
        if not {"folder/one.json", "two.json"} <= files.keys():
            return
        one, two = self.folder / "folder/one.json", self.folder / "two.json"
        three = self.folder / "three.json"
        one.rename(three)
        two.rename(one)
        three.rename(two)
        files["two.json"], files["folder/one.json"] = files["folder/one.json"], files["two.json"]

    def compare(self) -> None:
        for stats, model in zip(self.objects, self.models, strict=True):
            records = Counter(record for record, _ in model.records)
            assert without_plain(stats, records) == stats_of(model.start, records)
        for name, file in self.files.items():
            records = Counter(file.records)
            loaded = SyncStats.load_from_file(self.folder / name)
            assert without_plain(loaded, records) == stats_of(file.start, records)


def without_plain(stats: SyncStats, records: Counter[Record]) -> SyncStats:
    """Take the plain file's job away from both sides: it has no duration that could be recorded."""
    plain = SyncStats(1, 1, low_confidence_matches=1)
    for _ in range(records.pop(("plain", 0), 0)):
        stats = stats.minus(plain)
    return stats


# How often each step comes. The names are drawn first, each from one list: strategies that are
# joined would be taken apart again, and the seldom steps of many kinds be most of all.
WEIGHTS = {
    "nothing": 1,  # first: what a failing program's other steps are shrunk to
    "record": 4,
    "save": 5,
    "load": 4,
    "merge": 3,
    "copy": 4,
    "start_anew": 1,
    "lose": 1,
    "swap": 1,
    "another_plain_file": 1,
}
NAMES = st.sampled_from([name for name, weight in WEIGHTS.items() for _ in range(weight)])
ARGUMENTS: dict[str, tuple[st.SearchStrategy[object], ...]] = {
    "record": (OBJECTS, RECORDS),
    "save": (OBJECTS, FILES, st.integers(1, 2)),
    "load": (OBJECTS, FILES),
    "merge": (OBJECTS, OBJECTS, OBJECTS, st.booleans()),
    "copy": (OBJECTS, OBJECTS, st.sampled_from(sorted(COPIES))),
    "start_anew": (OBJECTS, st.floats(1, 9)),
    "lose": (FILES, st.sampled_from(["gone", "gone", "empty", "damaged"])),
    "swap": (),
    "another_plain_file": (),
    "nothing": (),
}
STEPS = NAMES.flatmap(lambda name: st.tuples(st.just(name), *ARGUMENTS[name]))


@pytest.fixture(scope="module")
def _small_and_quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(error_counts, "MAX_ERROR_TYPES", 2)
        # What is synced when is not the question here, and it is slow.
        patch.setattr(os, "fsync", lambda _: None)
        patch.setattr(os, "fdatasync", lambda _: None)
        yield


@pytest.mark.usefixtures("_small_and_quick")
@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(STEPS, min_size=40, max_size=40))
def test_each_record_is_once_in_each_file_that_it_was_saved_to(plain, steps):
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Path(folder), plain=plain)
        for name, *arguments in steps:
            if name != "nothing":
                getattr(program, name)(*arguments)
                program.compare()
