from __future__ import annotations

import gc
import json
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

import pytest
from msgspec.structs import replace

from events.filesystem import REAL
from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from projections.choosing import SAMPLE_BYTES
from projections.cli.formats import choice_of
from projections.errors import SaveError
from projections.ingest.ingestion import Ingestion
from projections.ingest.standard_input import Given
from projections.ingest.state import State
from projections.ingest.store import StateStore
from tests.support.held_clock import HeldClock
from tests.support.ingesting import AUTO, SIDEKIQ
from tests.support.outcome_lines import failed, succeeded
from tests.unit.projections.test_intake import DONE, FAIL, OTHER, WHY, in_docker

NATIVE = choice_of(None, None, None)
UNKNOWN = b'{"x":1}\n'


@dataclass
class Read:
    log: str
    path: Path
    block: Block | Overlong
    text: object
    before: FileRecord | None = None


class FakeWatch:
    """Gives what it is told to, and knows how far each log was given."""

    def __init__(self, files: tuple[FileRecord, ...] = ()) -> None:
        self.files = {file.log: file for file in files}
        self.text_of = {file.log: object() for file in files}
        self.next: list[Read] = []
        self.synced = 0
        self.searched_us: int | None = None

    def put(self, log: str, *lines: bytes, path: str | None = None) -> None:
        before = self.files.get(log) or FileRecord(log=log, path=path or log, device=1, inode=7)
        data = b"".join(lines)
        end, crc = before.offset + len(data), crc32(data, before.crc)
        path = path or before.path
        self.files[log] = replace(before, path=path, offset=end, crc=crc)
        text = self.text_of.setdefault(log, object())
        self.next.append(Read(log, Path(path), Block(before.offset, data), text, before))

    def move(self, log: str, other: str, path: str | None = None) -> None:
        """Let the file of one log become one of another."""
        self.files[other] = replace(self.files.pop(log), log=other, path=path or other)
        self.text_of[other] = self.text_of.pop(log)

    def look(self):
        given, self.next = self.next, []
        yield from given

    def texts(self):
        self.text_of = {log: self.text_of[log] for log in self.files}
        return [(self.text_of[log], file) for log, file in self.files.items()]

    def sync(self):
        self.synced += 1


class Run:
    """One run over the state that the last one saved."""

    def __init__(self, store, choice, epoch="e0"):
        state = store.load() or State("ingest-1")
        self.told, self.problems = [], []
        self.watch = FakeWatch(state.files)
        self.store = store
        self.ingestion = Ingestion(
            self.watch,
            store,
            state,
            choice,
            epoch=epoch,
            told=self.told.append,
            problem=self.problems.append,
        )

    def take(self, log, *lines, path=None):
        self.watch.put(log, *lines, path=path)
        for _ in self.ingestion.look():
            pass
        return self

    def save(self):
        self.ingestion.save()
        return self.store.load()

    @property
    def total(self):
        return self.ingestion.snapshot().total()


@pytest.fixture
def run(tmp_path):
    store = StateStore(tmp_path / "state", fs=REAL, clock=HeldClock())
    return lambda choice=SIDEKIQ, epoch="e0": Run(store, choice, epoch)


def test_lines_of_all_logs_count_under_one_stream_with_where_they_end(run):
    first = run()
    first.take("/a", DONE, OTHER).take("/b", DONE)
    state = first.save()
    entry = state.entries["ingest-1"]

    assert first.ingestion.lines == 3
    assert (entry.seen, entry.epochs, entry.stats.jobs_succeeded) == (((0, 3),), (("e0", 0),), 2)
    assert {file.log: file.offset for file in state.files} == {
        "/a": len(DONE + OTHER),
        "/b": len(DONE),
    }
    assert state.logs["/a"].format == "sidekiq"


def test_the_next_run_notes_its_part_with_its_first_line(run):
    run().take("/a", DONE).save()
    idle = run(epoch="e1").save()
    again = run(epoch="e2").take("/a", DONE).save()

    assert idle.entries["ingest-1"].epochs == (("e0", 0),)
    assert again.entries["ingest-1"].epochs == (("e0", 0), ("e2", 1))
    assert again.entries["ingest-1"].stats.jobs_succeeded == 2


def test_what_waits_is_shown_as_it_stands_and_settled_by_the_next_run(run):
    state = run().take("/a", DONE, FAIL).save()
    assert state.entries["ingest-1"].stats.errors_by_type == {"unknown": 1}
    assert state.settled is not None
    assert state.settled.stats.jobs_failed == 0

    again = run(epoch="e1")
    assert again.total.errors_by_type == {"unknown": 1}
    state = again.take("/a", WHY).save()
    assert state.entries["ingest-1"].stats.errors_by_type == {"PlexNotFound": 1}
    assert state.settled is None
    assert state.logs["/a"].waiting is None


def test_what_waits_in_a_log_without_new_lines_is_kept(run):
    run().take("/a", FAIL).save()
    run(epoch="e1").take("/b", DONE).save()
    third = run(epoch="e2")

    assert third.total.jobs_processed == 2
    assert third.take("/a", WHY).total.errors_by_type == {"PlexNotFound": 1}


def test_what_is_on_the_disk_is_saved_and_nothing_twice(run):
    first = run()
    first.take("/a", DONE)
    first.save()
    assert first.watch.synced == 1
    first.store.path.unlink()
    first.ingestion.save()
    assert (first.watch.synced, first.store.path.exists()) == (1, False)
    first.take("/a", OTHER)
    first.ingestion.save()
    assert (first.watch.synced, first.store.path.exists()) == (2, True)


def test_another_place_of_a_file_is_saved_without_lines(run):
    first = run()
    first.take("/a", DONE)
    first.save()
    old = first.watch.files["/a"]
    first.watch.files["/a"] = replace(old, path="/a.1")

    assert first.save().files[0].path == "/a.1"


def test_when_files_were_searched_for_is_saved_with_something_else_and_at_the_end(run):
    first = run()
    first.watch.searched_us = 5
    assert first.take("/a", DONE).save().searched_us == 5
    first.watch.searched_us = 6
    assert first.save().searched_us == 5
    first.ingestion.finish("/b")  # no effect on the state
    assert first.save().searched_us == 5
    assert first.take("/a", DONE).save().searched_us == 6
    first.watch.searched_us = 7
    first.ingestion.save(last=True)
    assert first.store.load().searched_us == 7


def test_a_state_that_cannot_be_saved_is_saved_later(run, monkeypatch):
    first = run()
    first.take("/a", DONE)
    with monkeypatch.context() as patched:
        patched.setattr(type(REAL), "replace_file", refuse)
        with pytest.raises(SaveError, match="state cannot be saved: full"):
            first.ingestion.save()

    assert first.save().entries["ingest-1"].stats.jobs_succeeded == 1


def refuse(*_):
    raise OSError(28, "full")


def test_our_own_lines_count_by_their_numbers(run):
    lines = (succeeded(0), failed(1), succeeded(None, None))
    run(NATIVE).take("/a", *lines).save()
    state = run(NATIVE, "e1").take("/b", *lines).save()

    assert state.entries["a"].seen == ((0, 2),)
    assert state.entries["a"].duplicates == 2
    assert state.entries["ingest-1"].epochs == (("e0", 0), ("e1", 1))
    assert state.entries["ingest-1"].stats.jobs_succeeded == 2


def test_invalid_lines_are_told_by_their_files(run):
    first = run()
    first.take("/a", DONE, b"words\n", path="a.1")

    assert [str(problem).partition(":")[0] for problem in first.problems] == [
        f"a.1, byte {len(DONE)}"
    ]
    assert first.ingestion.snapshot().invalid_lines == 1


def test_a_format_is_recognised_and_remembered(run):
    first = run(AUTO)
    first.take("/a", in_docker(DONE))
    state = first.save()
    again = run(AUTO, "e1")
    again.take("/a", in_docker(b'{"x":1}\n'), in_docker(DONE))

    assert first.told == ["/a: sidekiq lines in docker's wrapping"]
    assert (state.logs["/a"].format, state.logs["/a"].wrapping) == ("sidekiq", "docker")
    assert again.told == []
    assert again.total.jobs_succeeded == 2


def test_lines_that_show_no_format_yet_are_not_consumed(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN, path="/a.1").take("/b", DONE)
    state = first.save()

    assert first.ingestion.unrecognised == ["/a"]
    assert {file.log: file.offset for file in state.files} == {"/a": 0, "/b": len(DONE)}
    assert set(state.logs) == {"/b"}
    first.take("/a", DONE)
    assert first.told == ["/b: sidekiq lines", "/a: sidekiq lines"]
    state = first.save()
    assert state.entries["ingest-1"].seen == ((0, 3),)
    assert {file.log: file.offset for file in state.files}["/a"] == len(UNKNOWN + DONE)


@pytest.mark.parametrize(
    ("times", "unknown"),
    [
        (3, b'{"x":"%b"}\n' % (b"x" * (SAMPLE_BYTES // 3))),
        (1, UNKNOWN * 200),
        (200, UNKNOWN),
        (200, b"words\n\n \n"),
    ],
)
def test_lines_without_a_known_format_are_given_up_and_left_to_a_later_run(run, times, unknown):
    first = run(AUTO)
    for number in range(times):
        assert not first.told, f"200 lines or a MiB are looked at, not {number} reads"
        first.take("/a", unknown)
    first.take("/a", DONE)

    assert len(first.told) == 1
    assert "/a: its lines are in no format that is known" in first.told[0]
    assert first.ingestion.unrecognised == ["/a"]
    assert not first.ingestion.recognised
    assert first.save().files[0].offset == 0
    assert first.total.jobs_processed == 0


def test_a_log_that_others_write_to_as_well_is_not_given_up_for_its_first_lines(run):
    """Of syslog's lines only those count that are objects: there may be few in the first MiB."""
    first = run(AUTO)
    first.take("/a", b"Nov 24 12:00:00 host cron[1]: words\n" * 300)
    first.take("/a", b"Nov 24 12:00:00 host app[1]: " + DONE)

    assert first.told == ["/a: sidekiq lines in syslog's wrapping"]
    assert first.total.jobs_succeeded == 1


def test_who_waits_for_a_format_is_told_once_after_ten_seconds(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN).take("/blank", b"\n")
    first.ingestion.tell_overdue(5 * 10**9)
    first.ingestion.tell_overdue(14 * 10**9)
    assert first.told == []
    for _ in range(2):
        first.ingestion.tell_overdue(15 * 10**9)
    assert len(first.told) == 1
    assert "/a: its lines are in no format that is known" in first.told[0]
    assert "--mapping" in first.told[0]
    assert first.take("/a", DONE).total.jobs_succeeded == 1


def test_lines_of_all_unknown_logs_together_are_bounded(run):
    first = run(AUTO)
    line = b'{"x":"%b"}\n' % (b"x" * 900_000)
    for number in range(19):
        first.take(f"/{number}", line)
    first.take("/9", UNKNOWN).take("/0", DONE)

    assert [text.partition(":")[0] for text in first.told] == ["/0"]
    assert first.total.jobs_processed == 0
    first.take("/1", DONE, b"1" * 160_000 + b"\n")
    assert first.total.jobs_processed == 1
    assert {file.log for file in first.save().files if not file.offset} == {
        f"/{number}" for number in range(19) if number != 1
    }


@pytest.mark.parametrize("goes_on", [False, True])
def test_held_lines_count_when_their_file_becomes_one_of_a_known_log(run, goes_on):
    first = run(AUTO)
    first.take("/known", DONE).take("/a", UNKNOWN)
    del first.watch.files["/known"]
    first.watch.move("/a", "/known", "/known.1")
    if goes_on:
        first.take("/known", DONE)
    state = first.save()

    assert first.ingestion.lines == 2 + goes_on
    assert first.ingestion.unrecognised == []
    assert [file.offset for file in state.files] == [len(UNKNOWN) + goes_on * len(DONE)]


def test_held_lines_go_to_another_unknown_log_with_their_file(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN)
    first.watch.move("/a", "/b")
    assert [file.offset for file in first.save().files] == [0]
    assert first.ingestion.unrecognised == ["/b"]
    first.take("/b", DONE)
    state = first.save()

    assert first.told == ["/b: sidekiq lines"]
    assert state.entries["ingest-1"].seen == ((0, 2),)
    assert [file.offset for file in state.files] == [len(UNKNOWN + DONE)]


def test_held_lines_that_move_and_show_their_format_at_once(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN)
    first.watch.move("/a", "/b")
    first.take("/b", DONE)
    state = first.save()

    assert first.told == ["/b: sidekiq lines"]
    assert state.entries["ingest-1"].seen == ((0, 2),)


def test_a_file_that_was_given_up_is_passed_over_wherever_it_moves_and_read_later(run):
    first = run(AUTO)
    first.take("/b", DONE)
    first.take("/a", UNKNOWN * 200)
    assert len(first.told) == 2
    del first.watch.files["/b"]
    first.watch.move("/a", "/b", "/b.1")
    first.take("/b", DONE)
    state = first.save()

    assert first.ingestion.lines == 1
    assert [(file.log, file.path, file.offset) for file in state.files] == [("/b", "/b.1", 0)]
    assert first.ingestion.unrecognised == ["/a"]


def test_files_that_hold_the_same_are_told_apart_by_their_logs(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN).take("/b", UNKNOWN)
    first.save()
    first.take("/b", DONE).take("/a", b"\n")
    state = first.save()

    assert first.told == ["/b: sidekiq lines"]
    assert {file.log: file.offset for file in state.files} == {"/a": 0, "/b": len(UNKNOWN + DONE)}


def test_standard_input_is_no_file_that_could_have_moved(run):
    first = run(AUTO)
    first.take("/a", UNKNOWN, DONE)
    first.ingestion.take(Given(Block(0, UNKNOWN)))
    first.watch.files["/a"] = replace(
        first.watch.files["/a"], offset=len(UNKNOWN), crc=crc32(UNKNOWN)
    )
    first.save()

    assert first.ingestion.lines == 2
    assert first.ingestion.unrecognised == ["-"]


def test_a_log_that_nobody_knows_any_more_is_forgotten_and_what_waits_in_it_counts(run):
    first = run(AUTO)
    first.take("/a", DONE, FAIL).take("/b", FAIL).take("/c", UNKNOWN)
    assert set(first.save().logs) == {"/a", "/b"}
    del first.watch.files["/a"], first.watch.files["/c"]
    state = first.save()

    assert set(state.logs) == {"/b"}
    assert first.ingestion.unrecognised == []
    assert state.settled.stats.jobs_failed == 1
    assert state.entries["ingest-1"].stats.jobs_failed == 2
    assert first.take("/b", WHY).save().settled is None


def test_memory_does_not_grow_with_logs_that_came_and_went(run):
    first = run(AUTO)

    def come_and_go(numbers):
        for number in numbers:
            first.take(f"/{number}", DONE, FAIL).take(f"/u{number}", UNKNOWN)
            first.save()
            first.watch.files.clear()
        first.save()

    come_and_go(range(20))
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        come_and_go(range(20, 320))
        first.told.clear()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert grown < 100_000, "300 of each"
    assert first.total.jobs_processed == 640


def test_what_waited_on_an_earlier_standard_input_counts_as_it_stands(run):
    first = run()
    first.ingestion.take(Given(Block(0, FAIL)))
    assert first.save().settled is not None
    again = run(epoch="e1")
    again.ingestion.take(Given(Block(0, WHY)))
    state = again.save()

    assert state.settled is None
    assert state.entries["ingest-1"].stats.errors_by_type == {"unknown": 1}


def test_another_format_takes_what_comes_and_settles_what_waits(run):
    run().take("/a", FAIL).take("/b", FAIL).save()
    again = run(NATIVE, "e1")

    assert sorted(again.told) == [
        "/a: native lines from here on, sidekiq lines before",
        "/b: native lines from here on, sidekiq lines before",
    ]
    assert again.total.errors_by_type == {"unknown": 2}
    state = again.take("/a", succeeded(None, None)).save()
    assert state.settled is None
    assert state.entries["ingest-1"].stats.jobs_processed == 3
    assert state.logs["/a"].format == "native"
    assert run(NATIVE, "e2").told == []


def test_a_log_that_was_read_by_a_mapping_is_recognised_anew_where_it_ended(run, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text('name = "m"\n[[outcomes]]\nis = "succeeded"\nwhen = { x = 1 }\n')
    run(choice_of(None, mapping, None)).take("/a", UNKNOWN).save()
    again = run(AUTO, "e1")
    state = again.take("/a", UNKNOWN).save()

    assert "/a: its format was m" in again.told[0]
    assert [file.offset for file in state.files] == [len(UNKNOWN)]
    assert again.take("/a", DONE).total.jobs_succeeded == 2


def test_the_end_of_standard_input_settles_it(run):
    first = run()
    first.take("-", FAIL)
    first.ingestion.finish("-")
    first.watch.files.clear()
    state = first.save()

    assert (state.settled, state.logs) == (None, {})
    assert state.entries["ingest-1"].stats.errors_by_type == {"unknown": 1}


def test_segments_of_an_event_log_are_ours_whatever_was_said(run):
    path = f"/data/events/a/{0:020d}.jsonl"
    first = run(AUTO)
    first.take(path, succeeded(0))
    state = first.save()

    assert (first.told, state.logs) == ([], {})
    assert state.entries["a"].stats.jobs_succeeded == 1


def test_a_line_that_is_too_long_counts_as_one(run):
    first = run()
    first.watch.next.append(Read("/a", Path("/a"), Overlong(0, 2_000_000), object()))
    first.take("/a", DONE)

    assert first.ingestion.lines == 2
    assert first.ingestion.snapshot().streams["ingest-1"].seen == ((0, 2),)
    assert first.ingestion.snapshot().invalid_lines == 1


def test_a_state_is_a_json_object_that_says_where_to_go_on(run):
    first = run()
    first.take("/a", FAIL)
    first.save()
    data = json.loads(first.store.path.read_bytes())

    assert data["jobs_failed"] == 1
    assert data["ingest"]["stream"] == "ingest-1"
    assert data["ingest"]["version"] == 1
    assert set(data["ingest"]) == {"version", "stream", "files", "logs", "settled"}
