from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from events.filesystem import RealFileSystem
from projections.fold import Fold
from projections.placing import lies_on_log
from projections.reading import read_stream
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import line, opened, succeeded

if TYPE_CHECKING:
    from projections.entry import Entry

FS = RealFileSystem()
GARBAGE = b"not json\n"


@dataclass
class Log:
    """One stream's folder."""

    data: object

    def write(self, *lines: bytes, first: int = 0):
        return append(segment(self.data, first=first), *lines)

    def overwrite(self, *lines: bytes, first: int = 0):
        segment(self.data, first=first).write_bytes(b"".join(lines))

    def entry(self) -> Entry:
        fold = Fold()
        for _ in read_stream(fold, "a", self.folder, FS):
            pass
        return fold.entry("a")

    @property
    def folder(self):
        return segment(self.data).parent

    def holds(self, entry: Entry) -> bool:
        return lies_on_log(entry, self.folder, FS)


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path)


def wide(line: bytes) -> bytes:
    """A line of 200 bytes, so that another may stand at its place and end at the same byte."""
    return line[:-2].ljust(198) + line[-2:]


BEGIN = (opened(0, "e0"), succeeded(1), succeeded(2))


def test_the_fold_of_a_log_lies_on_it_and_on_what_it_grows_to(log):
    log.write(*BEGIN)
    entry = log.entry()

    assert log.holds(entry)
    log.write(opened(3, "e1"), succeeded(4))
    assert log.holds(entry)
    log.write(succeeded(5), first=5)
    assert log.holds(entry)


@pytest.mark.parametrize(
    "last",
    [
        (succeeded(2), succeeded(1)),
        (GARBAGE, b"\n", b"  \r\n"),
        (succeeded(5, duration_ns=-1),),
        (succeeded(4), succeeded(3)),
        (line("worker.started", None),),
        (succeeded(7, "b"),),
        (b"x" * 1_100_000 + b"\n",),
        (b'"' + b"x" * 1_000_000 + b'"\n',) * 3,
    ],
    ids=["repeats", "nothing", "invalid", "order", "no number", "other", "too long", "long"],
)
def test_whatever_line_is_the_last(log, last):
    log.write(*BEGIN, *last)
    entry = log.entry()
    assert log.holds(entry)
    log.write(succeeded(8))
    assert log.holds(entry)


@pytest.mark.parametrize("last", [b"\n", GARBAGE * 10_000, succeeded(1)])
def test_the_last_seq_may_stand_in_an_earlier_segment(log, last):
    log.write(*BEGIN)
    log.write(last, first=3)
    assert log.holds(log.entry())


def test_only_invalid_lines_may_have_been_read(log):
    log.write(GARBAGE)
    assert log.holds(log.entry())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_place_is_in_the_uncompressed_text(log, suffix):
    log.write(*BEGIN, b"x" * 1_100_000 + b"\n", b"y" * 1_100_000 + b"\n", succeeded(3))
    entry = log.entry()
    path = log.write(succeeded(4))
    compress(path, suffix, keep=True)
    assert log.holds(entry)
    path.unlink()
    assert log.holds(entry)

    packed = path.with_name(path.name + suffix)
    packed.write_bytes(packed.read_bytes()[:50])
    assert not log.holds(entry), "damaged"


def test_a_log_that_was_cut(log):
    log.write(*BEGIN)
    entry = log.entry()
    log.overwrite(*BEGIN[:2])
    assert not log.holds(entry)
    log.overwrite(*BEGIN[:2], b"x" * 500)
    assert not log.holds(entry), "in the midst of a line"


def test_a_log_that_is_gone(log):
    log.write(*BEGIN)
    entry = log.entry()
    log.write(succeeded(3), first=3)
    segment(log.data).unlink()
    assert not log.holds(entry)
    assert not lies_on_log(entry, log.folder / "none", FS)
    assert not lies_on_log(entry, segment(log.data, first=3), FS)


def test_a_backup_that_was_written_on_by_another_process(log):
    """Of the same lengths, so that even the offset is the end of a line of that number."""
    log.write(opened(0, "e0"), succeeded(1), opened(2, "e1"), succeeded(3))
    entry = log.entry()
    log.overwrite(opened(0, "e0"), succeeded(1), opened(2, "f1"), succeeded(3))
    assert not log.holds(entry)


def test_a_backup_that_was_written_on_within_the_last_epoch(log):
    log.write(*BEGIN, wide(succeeded(3)))
    entry = log.entry()
    log.overwrite(*BEGIN, wide(succeeded(3, at=9)))
    assert not log.holds(entry)


def test_an_epoch_that_the_entry_does_not_know(log):
    log.write(*BEGIN, wide(line("x", "a", 3)), succeeded(4))
    entry = log.entry()
    log.overwrite(*BEGIN, wide(opened(3, "e1")), succeeded(4))
    assert not log.holds(entry)


@pytest.mark.parametrize(
    "other",
    [succeeded(9), succeeded(9, duration_ns=-1), succeeded(2, at=8)],
    ids=["seq", "invalid", "newer"],
)
def test_a_line_that_the_entry_does_not_know(log, other):
    log.write(*BEGIN, b"x" * 199 + b"\n", succeeded(3))
    entry = log.entry()
    assert log.holds(entry)
    log.overwrite(*BEGIN, wide(other), succeeded(3))
    assert not log.holds(entry)


def test_an_outcome_where_the_entry_has_none(log):
    log.write(opened(0, "e0"), wide(line("x", "a", 1)))
    entry = log.entry()
    log.overwrite(opened(0, "e0"), wide(succeeded(1)))
    assert not log.holds(entry)


@pytest.mark.parametrize("other", [opened(0, "f0"), line("stream.opened", "a", 0), GARBAGE])
def test_the_last_epoch_has_to_be_opened_where_it_says(log, other):
    many = [succeeded(n) for n in range(1, 1000)]
    log.write(wide(opened(0, "e0")), *many)
    entry = log.entry()
    assert log.holds(entry)
    log.overwrite(wide(other), *many)
    assert not log.holds(entry)


def test_an_epoch_may_be_opened_in_an_earlier_segment(log):
    log.write(opened(0, "e0"), succeeded(1))
    log.write(succeeded(2), first=2)
    entry = log.entry()
    assert log.holds(entry)
    segment(log.data).unlink()
    assert not log.holds(entry), "the opening went with its segment"


def test_without_a_place_it_lies_nowhere(log):
    log.write(*BEGIN)
    fold = Fold()
    fold.lines(b"".join(BEGIN))
    assert not log.holds(fold.entry("a"))


def test_the_last_seq_has_to_stand_somewhere(log):
    log.write(succeeded(0), wide(succeeded(1)), GARBAGE * 8000)
    entry = log.entry()
    assert log.holds(entry)
    log.overwrite(succeeded(0), b" " * 199 + b"\n", GARBAGE * 8000)
    assert not log.holds(entry)


def test_what_cannot_be_read_says_nothing(log):
    log.write(*BEGIN)
    fs = FaultyFileSystem(faults={("open_read", 1): 24})
    with pytest.raises(OSError, match="Too many open files"):
        lies_on_log(log.entry(), log.folder, fs)
