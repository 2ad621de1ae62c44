"""Outcomes read from any files, to be exported."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from events.filesystem import RealFileSystem
from events.formats.export.exporter import Exporter
from events.formats.presets import load_preset
from projections.errors import SourceError
from projections.exporting import Exporting
from tests.support.lines import event_line, outcome_line
from tests.support.log_folders import append, compress, segment


def read(*paths: object, stdin: bytes = b""):
    """The ids of the jobs that were written, the problems, and the export itself."""
    problems: list[str] = []
    exporting = Exporting(
        [str(path) for path in paths],
        Exporter(load_preset("ecs")),
        stdin=io.BytesIO(stdin),
        fs=RealFileSystem(),
        problem=lambda found: problems.append(str(found)),
    )
    lines = b"".join(exporting).splitlines()
    return [json.loads(line)["event"]["id"] for line in lines], problems, exporting


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    first = event_line(0, "a", "stream.opened", epoch="e") + outcome_line(1, "a")
    append(segment(data), first + outcome_line(2, "a", "job.skipped"))
    compress(segment(data), ".zst")
    append(segment(data, "a", 3), outcome_line(3, "a") + outcome_line(4, "a"))
    append(segment(data, "b"), outcome_line(70, "b"))
    return data


def test_a_data_folder_gives_the_outcomes_of_all_its_streams(data):
    ids, problems, exporting = read(data)
    assert (ids, problems) == (["1", "3", "4", "70"], [])
    assert (exporting.written, exporting.left_out, exporting.pruned) == (4, 1, 0)


def test_an_outcome_is_written_once_wherever_it_stands(data, tmp_path):
    copy = tmp_path / "copy.jsonl"
    copy.write_bytes(outcome_line(4, "a") + outcome_line(5, "a") + outcome_line(5, "a"))
    assert read(data, copy, "-", stdin=outcome_line(70, "b"))[0] == ["1", "3", "4", "70", "5"]


def test_lines_without_stream_are_each_one():
    line = json.dumps({"event": "job.succeeded", "timestamp": "2026-01-01T00:00:00Z", "job_id": 9})
    assert read("-", stdin=f"{line}\n{line}\n".encode())[0] == ["9", "9"]


def test_what_is_invalid_is_told_with_its_place_and_passed_over(data):
    path = segment(data, "b")
    append(path, b"no json\n\n" + outcome_line(5, "a") + b'{"event":"job.failed"}\n')
    loose = {"event": "job.failed", "timestamp": "2026-01-01T00:00:00Z"}
    append(path, json.dumps(loose).encode() + b"\n" + b"x" * (1 << 21) + b"\n")
    append(path, outcome_line(71, "b") + b'{"event":"job.')
    ids, problems, _ = read(data / "events" / "b")
    assert ids == ["70", "71"]
    begin = len(outcome_line(70, "b"))
    assert problems[0] == f"{path}, line 2, byte {begin}: not JSON: Expecting value (character 1)"
    assert [problem.split(", ")[1] for problem in problems] == [
        f"line {number}" for number in (2, 4, 5, 6, 7, 9)
    ]
    for problem, reason in zip(
        problems[1:],
        (
            "the line is of stream 'a', the folder of 'b'",
            "an outcome without timestamp",
            "an outcome without stream and seq in the folder of 'b'",
            "more than the limit of 1 MiB",
            "the last line is incomplete",
        ),
        strict=True,
    ):
        assert reason in problem


def test_events_that_are_no_outcomes_may_stand_anywhere(data):
    append(segment(data, "b"), b'{"event":"hello"}\n')
    assert read(data / "events" / "b")[1] == []


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".xz"])
def test_a_damaged_file_ends_the_export_with_its_name(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(b"no such format")
    with pytest.raises(SourceError, match=rf"a\.jsonl\{suffix} cannot be decompressed"):
        read(path)


def test_a_file_that_cannot_be_read_is_told(data):
    class Failing(RealFileSystem):
        def open_read(self, path):
            if path.suffix == ".zst":
                raise PermissionError(13, "Permission denied", str(path))
            return super().open_read(path)

    exporting = Exporting(
        [str(data)], Exporter(load_preset("ecs")), stdin=io.BytesIO(), fs=Failing()
    )
    with pytest.raises(SourceError, match=r"\.jsonl\.zst cannot be read: Permission denied"):
        next(iter(exporting))


def test_a_pipe_is_read(tmp_path):
    import os
    import threading

    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=Path.write_bytes, args=(path, outcome_line(1)))
    writer.start()
    assert read(path)[0] == ["1"]
    writer.join()
