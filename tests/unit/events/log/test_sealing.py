from __future__ import annotations

import errno
import gzip
import tracemalloc

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.sealing import (
    HOUSEKEEPING_LOCK,
    SealingStoppedError,
    clear_leftovers,
    compress_segment,
    sealed_segments,
)
from events.log.segment import list_segments, open_segment, segment_name
from events.log.stream import LOCK_NAME
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.lines import outcome_line

PLAIN = segment_name(0)
PACKED = PLAIN + ".zst"
TEXT = b"".join(map(outcome_line, range(2000))) + b"unfinished"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / PLAIN).write_bytes(TEXT)
    (tmp_path / "s" / segment_name(2000)).write_bytes(outcome_line(2000))
    return tmp_path / "s"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def sealed(folder):
    [segment] = sealed_segments(folder, RealFileSystem())
    return segment


def text(folder):
    with open_segment(sealed(folder), RealFileSystem()) as file:
        return file.read()


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


class Steps(FaultyFileSystem):
    """Notes names that are given and taken, too."""

    def rename(self, source, target):
        self.note("rename", target)
        super().rename(source, target)

    def remove(self, path):
        self.note("remove", path)
        super().remove(path)


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


def test_what_a_dead_one_left_half_written_is_begun_anew(folder):
    left = folder / f".syncstats-{0:020d}.zst.tmp"
    left.write_bytes(b"half")
    compress_segment(sealed(folder), RealFileSystem())
    assert names(folder) == [PACKED, segment_name(2000)]
    assert text(folder) == TEXT


MORE = TEXT + b" line\n" + outcome_line(2001)


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


class TestOlderCopy:
    """A backup was copied onto a folder whose segments have been compressed since."""

    @pytest.mark.parametrize("plain", [TEXT, TEXT[:-5], b""])
    @pytest.mark.parametrize(
        ("suffix", "pack"), [(".zst", zstandard.compress), (".gz", gzip.compress)]
    )
    def test_it_goes_and_what_holds_all_of_it_stays(self, folder, plain, suffix, pack):
        (folder / PLAIN).write_bytes(plain)
        newer = folder / (PLAIN + suffix)
        newer.write_bytes(packed := pack(MORE))
        fs = Steps()
        assert compress_segment(sealed(folder), fs) == len(plain)
        assert [call for call in fs.calls if call[0] != "open_read"] == [
            ("sync_file", newer.name),
            ("sync_folder", "s"),
            ("remove", PLAIN),
            ("sync_folder", "s"),
        ]
        assert newer.read_bytes() == packed
        assert text(folder) == MORE

    @pytest.mark.parametrize(
        "there",
        [
            zstandard.compress(b"x" + TEXT[1:]),
            zstandard.compress(TEXT[:-1] + b"x"),
            zstandard.compress(TEXT[:-1] + b"x more"),
            zstandard.compress(TEXT + TEXT) + b"damage",  # and yet more can be read of it
        ],
    )
    @pytest.mark.parametrize("other", [False, True])
    def test_where_each_may_hold_something_nothing_is_touched(self, folder, there, other):
        (folder / PACKED).write_bytes(there)
        if other:
            (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(TEXT))
        before = {path: path.read_bytes() for path in folder.iterdir()}
        with pytest.raises(EventsError, match=r"move the other one out") as caught:
            compress_segment(sealed(folder), RealFileSystem())
        assert str(folder / PLAIN) in str(caught.value)
        assert str(folder / PACKED) in str(caught.value)
        assert {path: path.read_bytes() for path in folder.iterdir()} == before

    def test_one_that_would_be_hidden_by_a_third_file_is_told(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(TEXT))
        (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(MORE))
        with pytest.raises(EventsError, match=r"\.gz are one segment"):
            compress_segment(sealed(folder), RealFileSystem())
        assert len(names(folder)) == 4

    def test_two_compressed_ones_with_the_plain_text(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(TEXT[:-1]))
        (folder / (PLAIN + ".gz")).write_bytes(gzip.compress(TEXT))
        compress_segment(sealed(folder), RealFileSystem())
        assert text(folder) == TEXT
        assert names(folder) == [PLAIN + ".gz", PACKED, segment_name(2000)]

    def test_one_is_broken_off_while_it_is_compared(self, folder):
        (folder / PACKED).write_bytes(zstandard.compress(MORE))
        with pytest.raises(SealingStoppedError):
            compress_segment(sealed(folder), RealFileSystem(), stopped=lambda: True)
        assert names(folder) == [PLAIN, PACKED, segment_name(2000)]


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


class TestLeftovers:
    OURS = f".syncstats-{7:020d}.zst.tmp"
    OTHER = ".syncstats-0123456789abcdef.tmp"

    @pytest.fixture(autouse=True)
    def _left(self, folder):
        for name in (self.OURS, self.OTHER, ".syncstats-note", "my.tmp"):
            (folder / name).touch()

    def test_they_go_where_nobody_writes(self, folder):
        clear_leftovers(folder, RealFileSystem())
        left = {".syncstats-note", "my.tmp", PLAIN, segment_name(2000), LOCK_NAME}
        assert set(names(folder)) == left
        clear_leftovers(folder, RealFileSystem())

    def test_those_of_a_living_writer_stay(self, folder):
        with RealFileSystem().lock(folder / LOCK_NAME):
            clear_leftovers(folder, RealFileSystem())
        assert self.OTHER in names(folder)
        assert self.OURS not in names(folder)

    def test_one_that_has_been_given_its_name_meanwhile(self, folder):
        class Renaming(RealFileSystem):
            def try_lock(self, path):
                (folder / TestLeftovers.OTHER).unlink(missing_ok=True)
                return super().try_lock(path)

        clear_leftovers(folder, Renaming())
        assert self.OTHER not in names(folder)


def test_the_lock_is_not_a_stream_s(tmp_path):
    assert HOUSEKEEPING_LOCK != LOCK_NAME
    assert list_segments(tmp_path, RealFileSystem()) == []
