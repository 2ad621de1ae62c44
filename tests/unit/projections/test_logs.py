"""Replay of logs that other programs wrote."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma

import pytest
import zstandard

from projections.cli.formats import choice_of
from projections.entry import LOOSE
from projections.errors import SourceError, StrictError
from projections.replay import replay
from tests.support.data_folders import a_log, write_log
from tests.support.outcome_lines import succeeded
from tests.support.project import ROOT
from tests.unit.projections.test_intake import DONE, FAIL, WHY, in_docker

SAMPLE = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()
ERRORS = {"PlexNotFound": 5, "PermanentError": 3}


def fold(*paths, format_="sidekiq", wrapped=None, stdin=b"", **options):
    return replay(
        [str(path) for path in paths],
        stdin=io.BytesIO(stdin),
        choice=choice_of(format_, None, wrapped),
        **options,
    ).snapshot


def counts(snapshot):
    stats = snapshot.total()
    return stats.jobs_processed, stats.jobs_succeeded, stats.jobs_failed, stats.errors_by_type


@pytest.mark.parametrize("format_", ["sidekiq", "auto"])
@pytest.mark.parametrize(
    ("suffix", "compress"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".bz2", bz2.compress),
        (".xz", lzma.compress),
        (".zst", zstandard.ZstdCompressor().compress),
    ],
)
def test_a_log_of_sidekiq_in_any_form(tmp_path, format_, suffix, compress):
    log = tmp_path / f"log{suffix}"
    log.write_bytes(compress(SAMPLE))

    assert counts(fold(log, format_=format_)) == (60, 52, 8, ERRORS)


@pytest.mark.parametrize("format_", ["sidekiq", "auto"])
def test_standard_input(format_):
    told = []
    snapshot = fold("-", format_=format_, stdin=SAMPLE, told=told.append)

    assert counts(snapshot) == (60, 52, 8, ERRORS)
    assert set(snapshot.streams) == {LOOSE}
    assert told == ([] if format_ == "sidekiq" else ["standard input: sidekiq lines"])


def test_a_log_that_was_wrapped_is_recognised_and_told_once(tmp_path):
    log, told = tmp_path / "log", []
    log.write_bytes(b"".join(map(in_docker, SAMPLE.splitlines(keepends=True))))

    assert counts(fold(log, format_="auto", told=told.append)) == (60, 52, 8, ERRORS)
    assert told == [f"{log}: sidekiq lines in docker's wrapping"]


def test_rotated_files_are_one_log_the_oldest_first(tmp_path):
    lines = SAMPLE.splitlines(keepends=True)
    cut = lines.index(next(line for line in lines if b'"msg":"fail"' in line)) + 1
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"".join(lines[:5])))
    (tmp_path / "app.log.1").write_bytes(b"".join(lines[5:cut]))
    (tmp_path / "app.log").write_bytes(b"".join(lines[cut:]))
    named = [tmp_path / name for name in ("app.log", "app.log.1", "app.log.2.gz")]
    told = []

    assert counts(fold(*named, format_="auto", told=told.append)) == (60, 52, 8, ERRORS)
    assert told == [f"{tmp_path / 'app.log'}: sidekiq lines"]


def test_a_log_and_what_is_being_made_of_it_count_once(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    archive = tmp_path / "app.log.gz"
    for text in (SAMPLE, SAMPLE[:1000]):
        archive.write_bytes(gzip.compress(text))
        assert counts(fold(tmp_path / "app.log", archive))[0] == 60
    archive.write_bytes(gzip.compress(SAMPLE)[:-9])
    assert counts(fold(tmp_path / "app.log", archive))[0] == 60
    for text in (DONE + SAMPLE, SAMPLE + DONE):
        archive.write_bytes(gzip.compress(text))
        assert counts(fold(tmp_path / "app.log", archive))[0] == 121


def test_a_rotated_file_that_begins_like_the_current_one_counts_too(tmp_path):
    (tmp_path / "app.log.1").write_bytes(DONE)
    (tmp_path / "app.log").write_bytes(DONE + DONE)

    assert counts(fold(tmp_path / "app.log", tmp_path / "app.log.1"))[0] == 3


def test_lines_of_different_logs_do_not_meet(tmp_path):
    (tmp_path / "a.log").write_bytes(FAIL)
    (tmp_path / "b.log").write_bytes(WHY)

    assert counts(fold(tmp_path / "a.log", tmp_path / "b.log"))[3] == {"unknown": 1}


def test_what_is_recognised_in_no_line_is_refused(tmp_path):
    (tmp_path / "x").write_text('{"a": 1}\n')

    with pytest.raises(SourceError, match=r"x are in no format.*--format.*--mapping"):
        fold(tmp_path / "x", format_="auto")
    with pytest.raises(SourceError, match="standard input"):
        fold("-", format_="auto", stdin=b"words\n")


def test_logs_of_no_known_format_are_left_out_beside_others(tmp_path):
    for name, text in (("bad", b"noise\n"), ("good", DONE), ("worse", b"noise\n")):
        (tmp_path / name).write_bytes(text)
    told = []
    found = replay(
        [str(tmp_path / name) for name in ("bad", "good", "worse")],
        stdin=io.BytesIO(),
        choice=choice_of("auto", None, None),
        told=told.append,
    )
    assert found.snapshot.total().jobs_succeeded == 1
    assert found.unknown == (str(tmp_path / "bad"), str(tmp_path / "worse"))
    assert told == [f"{tmp_path / 'good'}: sidekiq lines"]


def test_an_event_log_is_known_beside_a_log_that_is_not(tmp_path):
    write_log(tmp_path / "data", *a_log())
    (tmp_path / "bad").write_text("noise\n")
    found = replay(
        [str(tmp_path / "data"), str(tmp_path / "bad")],
        stdin=io.BytesIO(),
        choice=choice_of("auto", None, None),
    )
    assert found.unknown == (str(tmp_path / "bad"),)
    assert found.snapshot.total().jobs_processed > 0


def test_nothing_needs_no_format(tmp_path):
    (tmp_path / "x").touch()

    told = []
    assert fold(tmp_path / "x", format_="auto", told=told.append).streams == {}
    assert fold("-", format_="auto", stdin=b"\n", told=told.append).streams == {}
    assert told == []


def test_a_later_file_of_a_log_may_show_its_format(tmp_path):
    (tmp_path / "app.log.1").write_text('{"a": 1}\n')
    (tmp_path / "app.log").write_bytes(DONE)

    snapshot = fold(tmp_path / "app.log", tmp_path / "app.log.1", format_="auto")
    assert snapshot.total().jobs_succeeded == 1


def test_invalid_and_unfinished_lines_are_told_with_their_places(tmp_path):
    log, problems = tmp_path / "log", []
    log.write_bytes(DONE + b"words\n" + DONE + b"more words\n" + b"{")
    snapshot = fold(log, problem=problems.append)

    assert [(p.line, p.offset, p.incomplete) for p in problems] == [
        (2, len(DONE), False),
        (4, 2 * len(DONE) + 6, False),
        (5, 2 * len(DONE) + 17, True),
    ]
    assert (snapshot.invalid_lines, snapshot.total().jobs_succeeded) == (2, 2)
    with pytest.raises(StrictError, match="log, line 2"):
        fold(log, strict=True)


def test_an_event_log_is_not_read_as_another_programs(tmp_path):
    write_log(tmp_path / "data", *a_log())

    with pytest.raises(SourceError, match=r"a stream of an event log.*--format native or auto"):
        fold(tmp_path / "data")
    with pytest.raises(SourceError, match="a stream of an event log"):
        fold(tmp_path / "data", format_="native", wrapped="docker")
    native = fold(tmp_path / "data", format_="native")
    assert fold(tmp_path / "data", format_="auto") == native
    assert native.total().jobs_processed > 0


def test_files_of_different_formats_beside_an_event_log(tmp_path):
    write_log(tmp_path / "data", *a_log())
    (tmp_path / "mine.jsonl").write_bytes(succeeded(0, "z"))
    (tmp_path / "theirs.jsonl").write_bytes(SAMPLE)
    snapshot = fold(
        tmp_path / "data", tmp_path / "mine.jsonl", tmp_path / "theirs.jsonl", format_="auto"
    )

    assert snapshot.streams["z"].stats.jobs_succeeded == 1
    assert snapshot.streams[LOOSE].stats.jobs_processed == 60
    assert len(snapshot.streams) > 2


def test_a_damaged_file_is_told_and_ends_the_replay(tmp_path):
    log = tmp_path / "log.gz"
    log.write_bytes(gzip.compress(SAMPLE)[:-9])

    for format_ in ("sidekiq", "auto"):
        with pytest.raises(SourceError, match=r"log.gz cannot be decompressed"):
            fold(log, format_=format_)


@pytest.mark.parametrize("before", [b"\0" * 3000, b"\0" * (3 << 20), b"\xef\xbb\xbf"])
@pytest.mark.parametrize("format_", ["sidekiq", "native"])
def test_zero_bytes_and_a_mark_before_the_first_line_are_passed_over(tmp_path, before, format_):
    log = tmp_path / "log"
    log.write_bytes(before + (DONE if format_ == "sidekiq" else succeeded(0)))
    snapshot = fold(log, format_=format_)
    assert (counts(snapshot)[:2], snapshot.invalid_lines) == ((1, 1), 0)


@pytest.mark.parametrize("zeros", [(1 << 20) - 3, (2 << 20) + 5])
def test_a_log_that_begins_with_a_long_hole_shows_its_format_all_the_same(tmp_path, zeros):
    log, text, problems = tmp_path / "log", bytes(zeros) + DONE + b"words\n", []
    log.write_bytes(text)
    for path, stdin in ((log, b""), ("-", text)):
        snapshot = fold(path, format_="auto", stdin=stdin, problem=problems.append)
        assert snapshot.total().jobs_succeeded == 1
    assert [each.offset for each in problems] == [zeros + len(DONE)] * 2


def test_half_a_wrapped_line_at_the_end_is_told_as_incomplete_and_not_counted(tmp_path):
    log, found = tmp_path / "c.log", []
    log.write_bytes(in_docker(DONE) + in_docker(DONE[:30]))
    replayed = replay(
        [str(log)],
        stdin=io.BytesIO(),
        choice=choice_of("sidekiq", None, "docker"),
        strict=True,
        problem=found.append,
    )
    assert counts(replayed.snapshot)[:2] == (1, 1)
    assert (replayed.incomplete_lines, replayed.snapshot.invalid_lines) == (1, 0)
    assert [(each.source, each.offset) for each in found] == [(str(log), len(in_docker(DONE)))]
