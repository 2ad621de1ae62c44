"""A sealed segment is compressed: its text stays, wherever that dies or is broken off."""

from __future__ import annotations

import errno
import tracemalloc

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.sealing import (
    HOUSEKEEPING_LOCK,
    SealingStoppedError,
    compress_segment,
    sealed_segments,
)
from events.log.segment import list_segments, segment_name
from events.log.stream import LOCK_NAME
from tests.support.lines import outcome_line
from tests.support.sealed_segments import PACKED, PLAIN, TEXT, Steps, names, sealed, text


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / PLAIN).write_bytes(TEXT)
    (tmp_path / "s" / segment_name(2000)).write_bytes(outcome_line(2000))
    return tmp_path / "s"


def test_all_but_the_last_are_sealed(folder):
    (folder / segment_name(3000)).touch()
    assert [s.first_seq for s in sealed_segments(folder, RealFileSystem())] == [0, 2000]
    for path in folder.iterdir():
        path.unlink()
    assert sealed_segments(folder, RealFileSystem()) == []


def test_the_text_stays_and_takes_less_room(folder):
    size = (folder / PLAIN).stat().st_size
    saved = compress_segment(sealed(folder), RealFileSystem())
    assert names(folder) == [PACKED, segment_name(2000)]
    assert saved == size - (folder / PACKED).stat().st_size > size // 2
    assert (folder / PACKED).stat().st_mode & 0o777 == 0o600
    assert text(folder) == TEXT
    parameters = zstandard.get_frame_parameters((folder / PACKED).read_bytes())
    assert parameters.has_checksum, "so that damage is seen when it is read"
    assert compress_segment(sealed(folder), RealFileSystem()) == 0
    assert text(folder) == TEXT


def test_an_empty_segment(folder):
    (folder / PLAIN).write_bytes(b"")
    compress_segment(sealed(folder), RealFileSystem())
    assert text(folder) == b""


def test_the_plain_file_goes_when_the_other_is_on_the_disk(folder):
    fs = Steps()
    compress_segment(sealed(folder), fs)
    temporary = f".syncstats-{0:020d}.zst.tmp"
    assert [call for call in fs.calls if call[0] != "open_read"] == [
        ("remove", temporary),
        ("write_new", temporary),  # which syncs it
        ("sync_folder", "s"),
        ("rename", PACKED),
        ("sync_folder", "s"),
        ("remove", PLAIN),
        ("sync_folder", "s"),
    ]


FAULTS = [
    ("write_new", 1),
    ("open_read", 1),
    ("open_read", 2),
    ("open_read", 3),
    ("rename", 1),
    ("sync_folder", 1),
    ("remove", 2),
    ("sync_folder", 2),
    ("sync_folder", 3),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_at_any_step_changes_no_text_and_the_next_run_finishes(folder, fault):
    fs = Steps(faults={fault: errno.EIO})
    with pytest.raises(OSError, match="Input/output error"):
        compress_segment(sealed(folder), fs)
    assert text(folder) == TEXT
    assert [name for name in names(folder) if name.startswith(".")] == []
    compress_segment(sealed(folder), RealFileSystem())
    assert names(folder) == [PACKED, segment_name(2000)]
    assert text(folder) == TEXT


class Dies(BaseException):
    """The process is gone."""


class Dying(Steps):
    """Does nothing more from a step on, whatever the code that it runs still tries."""

    def __init__(self, step):
        super().__init__()
        self.step = step

    def note(self, operation, path):
        super().note(operation, path)
        if operation != "open_read" and len(self.done()) >= self.step:
            raise Dies

    def done(self):
        return [call for call in self.calls if call[0] != "open_read"]


@pytest.mark.parametrize("step", range(1, 8))
def test_wherever_it_dies_the_next_run_finishes(folder, step):
    with pytest.raises(Dies):
        compress_segment(sealed(folder), Dying(step))
    assert text(folder) == TEXT
    if (folder / PACKED).exists() and (folder / PLAIN).exists():
        fs = Steps()
        compress_segment(sealed(folder), fs)
        assert fs.count("write_new") == 0, "what is there and right is not made again"
        assert fs.count("sync_file") == 1
    else:
        compress_segment(sealed(folder), RealFileSystem())
    assert names(folder) == [PACKED, segment_name(2000)]
    assert text(folder) == TEXT


@pytest.mark.parametrize(
    "there",
    [
        b"",
        b"no zstandard",
        zstandard.compress(TEXT[:-1]),
        zstandard.compress(TEXT)[:-3],
        zstandard.compress(b"something else")[:-3],
    ],
)
def test_a_compressed_file_that_holds_less_or_is_damaged_is_replaced(folder, there):
    (folder / PACKED).write_bytes(there)
    size = sum(path.stat().st_size for path in folder.iterdir())
    saved = compress_segment(sealed(folder), RealFileSystem())
    assert text(folder) == TEXT
    assert names(folder) == [PACKED, segment_name(2000)]
    assert saved == size - sum(path.stat().st_size for path in folder.iterdir())


def test_a_link_in_the_place_of_the_compressed_file_is_not_written_through(folder, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (folder / PACKED).symlink_to(victim)
    (folder / f".syncstats-{0:020d}.zst.tmp").symlink_to(victim)
    compress_segment(sealed(folder), RealFileSystem())
    assert victim.read_bytes() == b"precious"
    assert not (folder / PACKED).is_symlink()
    assert text(folder) == TEXT


def test_a_folder_in_its_place_is_told_and_the_segment_stays(folder):
    (folder / PACKED).mkdir()
    with pytest.raises((EventsError, OSError)):
        compress_segment(sealed(folder), RealFileSystem())
    assert text(folder) == TEXT


def test_what_reads_differently_after_it_was_written_does_not_take_its_place(folder):
    class Forgetful(RealFileSystem):
        def write_new(self, path, data):
            super().write_new(path, zstandard.compress(b"".join(data)[:9] + b"something else"))

    with pytest.raises(EventsError, match=r"reads differently.*check the disk"):
        compress_segment(sealed(folder), Forgetful())
    assert names(folder) == [PLAIN, segment_name(2000)]


def test_it_can_be_broken_off(folder):
    for asked in range(1, 3):
        answers = iter([False] * (asked - 1) + [True])
        with pytest.raises(SealingStoppedError):
            compress_segment(sealed(folder), RealFileSystem(), stopped=lambda: next(answers))  # noqa: B023 - called in this round only
        assert names(folder) == [PLAIN, segment_name(2000)]


def test_memory_is_bounded(folder):
    with (folder / PLAIN).open("wb") as file:
        for number in range(40):
            file.write(outcome_line(number, note="x" * 500_000))
    tracemalloc.start()
    try:
        compress_segment(sealed(folder), RealFileSystem())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_the_lock_is_not_a_stream_s(tmp_path):
    assert HOUSEKEEPING_LOCK != LOCK_NAME
    assert list_segments(tmp_path, RealFileSystem()) == []
