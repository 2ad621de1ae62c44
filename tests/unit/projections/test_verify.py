from __future__ import annotations

import json
from typing import Any

import pytest

from events.filesystem import RealFileSystem
from projections.errors import ProjectionError, SnapshotError
from projections.replay import replay
from projections.runner import Runner
from projections.verification import Gap
from projections.verify import verify
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, skipped, succeeded

LINES = (opened(0, "e0"), succeeded(1), failed(2), skipped(3))


@pytest.fixture
def data(tmp_path):
    append(segment(tmp_path), *LINES)
    append(segment(tmp_path, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    Runner(tmp_path).rebuild()
    return tmp_path


def change(data, stream: str, **changes: Any) -> None:
    """Change an entry of stats.json, and let all else agree with it."""
    path = data / "stats.json"
    content = json.loads(path.read_bytes())
    entry = content["streams"][stream]
    for name, value in changes.items():
        if name in entry["stats"]:
            if isinstance(value, int):
                content[name] += value - entry["stats"][name]
            else:
                content[name] = value
            entry["stats"][name] = value
        elif name in entry["position"]:
            entry["position"][name] = value
        else:
            if name in content:
                content[name] += value - entry[name]
            entry[name] = value
    path.write_text(json.dumps(content))


def test_what_is_right(data):
    found = verify(data)

    assert found.ok
    assert found.has_snapshot
    assert (found.differences, found.gaps) == ((), ())
    assert (found.attempts, found.behind, found.streams) == (3, 0, 2)
    assert (found.invalid_lines, found.incomplete_lines, found.duplicates) == (0, 0, 0)


def test_what_was_written_since_is_behind_and_no_difference(data):
    append(segment(data), succeeded(4), skipped(5), opened(6, "e1"), b"unfin")
    append(segment(data, "c"), succeeded(0, "c"))
    found = verify(data)

    assert found.ok
    assert found.behind == 3, "attempts, skipped ones too"
    assert (found.incomplete_lines, found.streams) == (1, 3)


def test_over_segments_and_their_compression(data):
    append(segment(data, first=4), succeeded(4))
    segment(data, first=5).touch()
    append(segment(data, "b"), succeeded(2, "b"))
    compress(segment(data))
    compress(segment(data, "b"), ".zst")
    found = verify(data)

    assert found.ok
    assert found.behind == 2
    Runner(data).rebuild()
    assert verify(data).behind == 0


def test_each_byte_is_read_once(data):
    append(segment(data), succeeded(4))
    read = []
    verify(data, progress=read.append)

    assert sum(read) == sum(path.stat().st_size for path in data.rglob("*.jsonl"))


def test_problems_are_told_once(data):
    append(segment(data), b"bad\n")
    Runner(data).rebuild()
    append(segment(data), b"worse\n", b"unfin")
    told = []
    found = verify(data, problem=told.append)

    assert [(p.reason.split(":")[0], p.incomplete) for p in told] == [
        ("not JSON", False),
        ("not JSON", False),
        (told[2].reason, True),
    ]
    assert (found.invalid_lines, found.incomplete_lines) == (2, 1)
    assert found.ok


def test_gaps_are_told_with_their_ends(data):
    append(segment(data), succeeded(6), succeeded(9))
    Runner(data).rebuild()
    found = verify(data)

    assert not found.ok
    assert found.differences == ()
    assert found.gaps == (Gap("a", 4, 5), Gap("a", 7, 8))
    assert str(found.gaps[0]) == "stream 'a': 2 lines are missing, seq 4 to 5"
    assert str(Gap("a", 3, 3)) == "stream 'a': 1 line is missing, seq 3 to 3"


def test_duplicates_are_told_and_no_fault(data):
    append(segment(data), succeeded(1))
    Runner(data).rebuild()

    assert verify(data).duplicates == 1
    assert verify(data).ok


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"jobs_with_warnings": 2}, "jobs_with_warnings is 2 in stats.json, 0 in the log"),
        ({"jobs_recovered": 1}, "jobs_recovered is 1 in stats.json, 0 in the log"),
        ({"duplicates": 3}, "duplicates is 3 in stats.json, 0 in the log"),
        ({"epoch": "e9", "epochs": [["e9", 0]]}, "does not hold that place"),
        ({"offset": 10_000}, "(byte 10000 of segment 0), the log does not hold that place"),
        ({"offset": 30}, "does not hold that place"),
        ({"segment": 7}, "does not hold that place"),
        ({"segment": None, "offset": None}, "does not say up to which place"),
    ],
)
def test_differences_say_what_differs(data, changes, why):
    change(data, "a", **changes)
    found = verify(data)

    assert not found.ok
    (difference,) = found.differences
    assert difference.startswith("stream 'a': ")
    assert why in difference


def test_many_differences_are_told_in_part(data):
    before = json.loads((data / "stats.json").read_bytes())
    segment(data).write_bytes(
        LINES[0] + LINES[1].replace(b"100000000", b"900000000") + LINES[2] + LINES[3]
    )
    found = verify(data)

    assert "total_processing_time is 0.3 in stats.json, 1.1 in the log" in found.differences[0]
    assert found.differences[0].endswith("more")
    assert json.loads((data / "stats.json").read_bytes()) == before, "nothing is mended"


def test_errors_are_told_by_their_type(data):
    text = segment(data).read_bytes()
    segment(data).write_bytes(text.replace(b"PlexNotFound", b"PlexNotFOUND"))

    assert (
        "errors_by_type.PlexNotFound is 1 in stats.json, None in the log"
        in verify(data).differences[0]
    )


def test_a_stream_that_the_log_does_not_have(data):
    segment(data, "b").unlink()
    segment(data, "b").parent.rmdir()
    found = verify(data)

    assert found.differences == (
        "stream 'b': stats.json counts it up to seq 2, the log has no such stream",
    )
    assert found.behind == 0


def test_what_stats_json_should_not_hold_makes_nothing_behind(data):
    """How far it is behind is told by the log, not by what it claims."""
    segment(data, "b").unlink()
    append(segment(data), succeeded(4))

    assert verify(data).behind == 1


def test_without_stats_json_all_is_behind(data):
    (data / "stats.json").unlink()
    found = verify(data)

    assert found.ok
    assert not found.has_snapshot
    assert found.behind == 4


def test_without_a_log(tmp_path):
    found = verify(tmp_path)

    assert found.ok
    assert (found.streams, found.attempts) == (0, 0)


def test_stream_folders_without_lines_are_nothing(data):
    segment(data, "c").touch()
    (data / "events" / "d").mkdir()
    found = verify(data)

    assert found.ok
    assert found.attempts == 3


def test_loose_lines_in_stats_json_are_of_no_stream(data):
    loose = data / "x"
    loose.write_bytes(succeeded(None, None))
    with loose.open("rb") as stdin:
        (data / "stats.json").write_bytes(replay([str(loose)], stdin=stdin).snapshot.to_bytes())

    assert "the log has no such stream" in verify(data).differences[0]


def test_a_stats_json_that_cannot_be_believed_is_no_ground_for_a_check(data):
    (data / "stats.json").write_text("{")
    with pytest.raises(SnapshotError, match="damaged"):
        verify(data)


def test_a_log_that_cannot_be_read_to_its_end(data):
    packed = compress(segment(data))
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(ProjectionError, match="stream 'a' cannot be read to its end"):
        verify(data)


def test_beside_a_writer_that_goes_on(data):
    """The log grows, rotates and is compressed while it is checked."""

    class Working(RealFileSystem):
        seq = 4

        def open_read(self, path):
            append(segment(data, first=4), succeeded(self.seq))
            self.seq += 1
            if segment(data).exists() and self.seq == 7:
                compress(segment(data))
            return super().open_read(path)

    found = verify(data, fs=Working())
    assert found.ok
    assert found.behind >= 0
