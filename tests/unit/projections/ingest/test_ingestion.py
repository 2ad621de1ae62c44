from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from events.filesystem import REAL
from events.log.reader import Block, Overlong
from projections.cli.formats import choice_of
from projections.errors import SaveError
from projections.ingest.standard_input import Given
from tests.support.fake_watch import Read
from tests.support.ingesting import AUTO
from tests.support.outcome_lines import failed, succeeded
from tests.unit.projections.test_intake import DONE, FAIL, OTHER, WHY

NATIVE = choice_of(None, None, None)


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
