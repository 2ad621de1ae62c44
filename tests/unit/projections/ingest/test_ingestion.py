from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from events.filesystem import REAL
from events.follow.record import FileRecord
from events.log.reader import Block, Overlong
from projections.choosing import SAMPLE_BYTES
from projections.cli.formats import choice_of
from projections.errors import SaveError
from projections.ingest.ingestion import Ingestion
from projections.ingest.state import State, StateStore
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


class FakeWatch:
    """Gives what it is told to, and knows how far each log was given."""

    def __init__(self, files: tuple[FileRecord, ...] = ()) -> None:
        self.files = {file.log: file for file in files}
        self.next: list[Read] = []
        self.synced = 0
        self.searched_us: int | None = None

    def put(self, log: str, *lines: bytes, path: str | None = None) -> None:
        before = self.files.get(log) or FileRecord(log=log, path=path or log, device=1, inode=7)
        data = b"".join(lines)
        self.files[log] = replace_offset(before, before.offset + len(data))
        self.next.append(Read(log, Path(path or log), Block(before.offset, data)))

    def look(self):
        given, self.next = self.next, []
        yield from given

    def records(self):
        return list(self.files.values())

    def sync(self):
        self.synced += 1


def replace_offset(record: FileRecord, offset: int) -> FileRecord:
    return FileRecord(
        log=record.log, path=record.path, device=record.device, inode=record.inode, offset=offset
    )


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
    first.watch.files["/a"] = FileRecord(log="/a", path="/a.1", inode=7, offset=old.offset)

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


def test_lines_without_a_known_format_are_given_up_and_left_to_a_later_run(run):
    first = run(AUTO)
    for _ in range(3):
        first.take("/a", UNKNOWN * (SAMPLE_BYTES // len(UNKNOWN) // 2))
    first.take("/a", DONE)

    assert len(first.told) == 1
    assert "/a: its lines are in no format that is known" in first.told[0]
    assert first.ingestion.unrecognised == ["/a"]
    assert not first.ingestion.recognised
    assert first.save().files[0].offset == 0
    assert first.total.jobs_processed == 0


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
    first.watch.next.append(Read("/a", Path("/a"), Overlong(0, 2_000_000)))
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
