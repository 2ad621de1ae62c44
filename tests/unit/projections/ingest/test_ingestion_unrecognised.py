"""An ingestion of logs whose format is to be recognised: what is held, and where it goes."""

from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise
from zlib import crc32

import pytest
from msgspec.structs import replace

from events.log.reader import Block
from projections.choosing import SAMPLE_BYTES
from projections.cli.formats import choice_of
from projections.ingest.standard_input import Given
from tests.support.ingesting import AUTO
from tests.unit.projections.test_intake import DONE, FAIL, WHY, in_docker

UNKNOWN = b'{"x":1}\n'


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
    sizes = []
    tracemalloc.start()
    try:
        for begin in (20, 170, 320):
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
            come_and_go(range(begin, begin + 150))
            first.told.clear()
    finally:
        tracemalloc.stop()
    # What others leave running in this process may grow once; what is kept of each grows each time.
    assert min(later - size for size, later in pairwise(sizes)) < 50_000, "150 of each"
    assert first.total.jobs_processed == 940


def test_a_log_that_was_read_by_a_mapping_is_recognised_anew_where_it_ended(run, tmp_path):
    mapping = tmp_path / "m.toml"
    mapping.write_text('name = "m"\n[[outcomes]]\nis = "succeeded"\nwhen = { x = 1 }\n')
    run(choice_of(None, mapping, None)).take("/a", UNKNOWN).save()
    again = run(AUTO, "e1")
    state = again.take("/a", UNKNOWN).save()

    assert "/a: its format was m" in again.told[0]
    assert [file.offset for file in state.files] == [len(UNKNOWN)]
    assert again.take("/a", DONE).total.jobs_succeeded == 2
