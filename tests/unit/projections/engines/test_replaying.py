from __future__ import annotations

import io
import os
from dataclasses import replace

import pytest

from projections.choosing import Choice
from projections.engines import partitions
from projections.engines.planning import plan
from projections.engines.replaying import replay_on
from projections.entry import FOLD_VERSION
from projections.errors import SourceError, StrictError
from projections.replay import NATIVE_CHOICE, replay
from tests.support.engines import Here, replay_here
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, succeeded
from tests.support.pruned_logs import prune_to

AUTO = Choice("auto", None, "auto")


def fold(*paths, choice=NATIVE_CHOICE, **options):
    return replay([str(p) for p in paths], stdin=io.BytesIO(), choice=choice, **options)


@pytest.fixture
def many(tmp_path, monkeypatch):
    """Two streams over six files, cut into many partitions."""
    monkeypatch.setattr(partitions, "LEAST_BYTES", 256)
    for n in range(6):
        lines = [succeeded(n % 3 * 50 + i, "ab"[n // 3]) for i in range(50)]
        (tmp_path / "many").mkdir(exist_ok=True)
        append(tmp_path / "many" / f"{n}.jsonl", *lines)
    return tmp_path / "many"


def test_many_partitions_give_the_same_bytes(many):
    engine = Here(workers=4)

    assert replay_here(engine, many).snapshot.to_bytes() == fold(many).snapshot.to_bytes()
    assert engine.partitions >= 16
    assert not engine.refolded


def test_only_the_files_of_a_stream_that_was_read_twice_in_part_are_folded_again(many):
    compress(many / "0.jsonl")
    append(many / "9.jsonl", *[succeeded(n, "a") for n in range(40, 60)])
    compress(many / "9.jsonl", ".zst")
    engine = Here(workers=4)

    assert replay_here(engine, many).snapshot == fold(many).snapshot
    (task,) = engine.refolded
    assert task.streams == {"a"}
    names = {piece.path.name for piece in task.pieces}
    assert {"0.jsonl.gz", "9.jsonl.zst"} <= names
    assert "4.jsonl" not in names


def test_streams_of_folders_that_share_no_file_are_folded_again_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(partitions, "LEAST_BYTES", 64)
    for data in ("one", "two"):
        for stream in ("a", "b"):
            start = 0 if data == "one" else 1
            append(
                segment(tmp_path / data, stream),
                *[succeeded(n, stream) for n in range(start, start + 3)],
            )
    engine = Here()
    paths = (tmp_path / "one", tmp_path / "two")

    assert replay_here(engine, *paths).snapshot == fold(*paths).snapshot
    assert sorted(map(sorted, (task.streams for task in engine.refolded))) == [["a"], ["b"]]


def test_a_fork_within_one_partition_is_refused_as_it_is_by_one_process(tmp_path):
    append(segment(tmp_path / "one"), opened(0, "e0"), succeeded(1))
    append(segment(tmp_path / "two"), opened(0, "e1"), succeeded(1))
    paths = (tmp_path / "one", tmp_path / "two")
    with pytest.raises(SourceError) as alone:
        fold(*paths)

    engine = Here()
    with pytest.raises(SourceError, match="two histories of stream 'a'") as there:
        replay_here(engine, *paths)
    assert str(there.value) == str(alone.value)
    assert engine.partitions == 1


def test_what_was_pruned_counts_once_also_where_its_segments_are_still_there(tmp_path):
    for first in (0, 3, 6):
        append(segment(tmp_path, first=first), *[succeeded(first + n) for n in range(3)])
    whole = fold(tmp_path).snapshot
    prune_to(tmp_path, 6, leave=True)

    for path in (tmp_path, tmp_path / "events", tmp_path / "events" / "a"):
        assert replay_here(Here(), path).snapshot == whole == fold(path).snapshot


def test_a_damaged_file_is_named_as_by_one_process_and_once(tmp_path, monkeypatch):
    append(tmp_path / "a.jsonl", succeeded(0), b"no JSON\n")
    (tmp_path / "b.jsonl.gz").write_bytes(b"\x1f\x8bno gzip")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError) as alone:
        fold("a.jsonl", "b.jsonl.gz")
    problems = []

    with pytest.raises(SourceError) as there:
        replay_here(Here(), "a.jsonl", "b.jsonl.gz", problem=problems.append)
    assert str(there.value) == str(alone.value)
    assert str(there.value).startswith("b.jsonl.gz cannot be decompressed")
    assert len(problems) == 1


def test_a_file_that_went_away_is_named_as_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    append(tmp_path / "a.jsonl", succeeded(0))
    todo = plan(["a.jsonl"], NATIVE_CHOICE)
    (tmp_path / "a.jsonl").unlink()

    with pytest.raises(SourceError, match=r"^a\.jsonl cannot be read: No such file"):
        replay_on(Here(), todo)


def test_workers_may_run_in_another_folder(tmp_path, monkeypatch):
    append(tmp_path / "a.jsonl", succeeded(0), b"no JSON\n")
    monkeypatch.chdir(tmp_path)
    todo = plan(["a.jsonl"], NATIVE_CHOICE)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    problems = []

    replayed, read = replay_on(Here(), todo, problem=problems.append)
    assert replayed.snapshot.total().jobs_succeeded == 1
    assert read == len(succeeded(0)) + 8
    assert [each.source for each in problems] == ["a.jsonl"]


def test_a_worker_of_another_version_is_refused(tmp_path, monkeypatch):
    append(tmp_path / "a.jsonl", succeeded(0))
    fold_partition = Here.fold
    monkeypatch.setattr(
        Here, "fold", lambda *args: replace(fold_partition(*args), version=FOLD_VERSION + 1)
    )
    with pytest.raises(SourceError, match=f"its fold is version {FOLD_VERSION + 1}"):
        replay_here(Here(), tmp_path / "a.jsonl")


def test_invalid_lines_are_told_with_their_numbers_the_first_ones_one_by_one(many):
    append(many / "2.jsonl", *[b"no JSON %d\n" % n for n in range(30)], b"no end")
    alone, there, unsaid = [], [], []
    fold(many, problem=alone.append)

    replay_here(Here(workers=4), many, problem=there.append, unsaid=unsaid.append)
    assert there == alone[:20]
    assert unsaid == [len(alone) - 20]


def test_an_invalid_line_ends_a_strict_replay_with_the_words_of_one_process(many):
    append(many / "2.jsonl", b"no JSON\n")
    with pytest.raises(StrictError) as alone:
        fold(many, strict=True)
    with pytest.raises(StrictError) as there:
        replay_here(Here(workers=4), many, strict=True)

    assert str(there.value) == str(alone.value)


def test_an_invalid_line_ends_a_strict_replay_after_more_unfinished_lines_than_are_kept(tmp_path):
    for n in range(25):
        append(tmp_path / f"{n:02d}.jsonl", b"no end")
    append(tmp_path / "99.jsonl", b"no JSON\n")

    with pytest.raises(StrictError, match=r"99\.jsonl, line 1"):
        replay_here(Here(), tmp_path, strict=True)


def test_rotated_files_of_another_programs_log_are_read_as_one(tmp_path):
    start = (
        b'{"severity":"INFO","ts":"2026-11-24T13:00:00Z","pid":1,"tid":"t","class":"S","jid":"5f",'
    )
    log = tmp_path / "sidekiq.log"
    append(tmp_path / "sidekiq.log.1", start + b'"msg":"start","lvl":"INFO"}\n')
    append(log, b'{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}\n' * 2, b"no JSON\n")
    append(segment(tmp_path), succeeded(0))
    alone, there = ([], []), ([], [])
    paths = (tmp_path, log, tmp_path / "sidekiq.log.1")
    whole = fold(*paths, choice=AUTO, problem=alone[0].append, told=alone[1].append)

    replayed = replay_here(
        Here(), *paths, choice=AUTO, problem=there[0].append, told=there[1].append
    )
    assert replayed.snapshot.to_bytes() == whole.snapshot.to_bytes()
    assert there == alone
    assert there[1]


def test_a_log_in_no_known_format_is_refused_as_by_one_process(tmp_path):
    append(tmp_path / "app.log", b'{"a":1}\n')
    with pytest.raises(SourceError) as alone:
        fold(tmp_path / "app.log", choice=AUTO)
    with pytest.raises(SourceError) as there:
        replay_here(Here(), tmp_path / "app.log", choice=AUTO)
    assert str(there.value) == str(alone.value)


@pytest.mark.parametrize("known", ["log", "event log"])
def test_logs_in_no_known_format_are_left_out_beside_what_is_known(tmp_path, known):
    for name in ("bad", "worse"):
        append(tmp_path / name, b"noise\n")
    good = tmp_path / ("good" if known == "log" else "events")
    append(good if known == "log" else segment(tmp_path), succeeded(0))
    paths = (tmp_path / "bad", good, tmp_path / "worse")
    told = []

    replayed = replay_here(Here(), *paths, choice=AUTO, told=told.append)
    alone = fold(*paths, choice=AUTO)
    assert replayed.unknown == alone.unknown == (str(tmp_path / "bad"), str(tmp_path / "worse"))
    assert replayed.snapshot.to_bytes() == alone.snapshot.to_bytes()
    assert told == ([f"{good}: native lines"] if known == "log" else [])


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_what_only_one_process_can_read_is_refused(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    with pytest.raises(SourceError, match="only this process can read"):
        plan([name], NATIVE_CHOICE)


def test_nothing_to_read_gives_nothing(tmp_path):
    (tmp_path / "events").mkdir()
    (tmp_path / "queue.db").touch()
    engine = Here()

    assert replay_here(engine, tmp_path).snapshot.to_bytes() == fold(tmp_path).snapshot.to_bytes()
    assert engine.partitions == 0


def test_bytes_of_files_are_told_as_they_are_worked(many):
    told = []
    todo = plan([str(many)], NATIVE_CHOICE)
    replay_on(Here(workers=4), todo, progress=told.append)

    assert len(told) > 1
    assert sum(told) == todo.stored == sum(p.stat().st_size for p in many.iterdir())


def test_a_url_of_a_file_is_a_path(tmp_path):
    append(tmp_path / "a.jsonl", failed(0))

    assert replay_here(Here(), f"file://{tmp_path}/*.jsonl").snapshot.total().jobs_failed == 1
