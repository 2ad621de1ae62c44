"""A writer whose disk refused writes nothing more; a new one in its place writes all again."""

from __future__ import annotations

import errno
import os

import pytest

from events.errors import LogWriteError
from events.log.sealing import compress_segment
from events.log.segment import list_segments, segment_name
from events.log.writer import StreamWriter
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.written_segments import commit, contents, names


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stream").mkdir()
    return tmp_path / "stream"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EFBIG])
@pytest.mark.parametrize("operation", ["write", "sync", "open_append", "sync_folder"])
def test_any_error_poisons_the_writer(folder, operation, code):
    fs = FaultyFileSystem(faults={(operation, 1): code}, short=3)
    writer = StreamWriter(folder, next_seq=0, fs=fs)

    def commit():
        writer.append(b"line\n", 1)
        writer.sync()

    with pytest.raises(LogWriteError, match=os.strerror(code)) as first:
        commit()
    asked = len(fs.calls)
    for call in (commit, writer.sync):
        with pytest.raises(LogWriteError) as again:
            call()
        assert str(again.value) == str(first.value)
    assert len(fs.calls) == asked, "a poisoned writer asks nothing of the system"
    writer.close()


def test_a_failed_sync_when_the_segment_is_full_makes_no_next_one(folder):
    fs = FaultyFileSystem(faults={("sync", 1): errno.EIO})
    writer = StreamWriter(folder, next_seq=0, fs=fs, segment_bytes=2)
    writer.append(b"a\n", 1)
    with pytest.raises(LogWriteError):
        writer.append(b"b\n", 1)
    assert names(folder) == [segment_name(0)]
    writer.close()
    assert fs.count("sync") == 1


def test_after_a_failed_write_all_that_was_not_synced_is_written_again_in_a_new_segment(folder):
    fs = FaultyFileSystem(faults={("write", 3): errno.ENOSPC}, short=7)
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    commit(writer, b"a\n")
    writer.append(b"b\n", 1)
    with pytest.raises(LogWriteError):
        writer.append(b"ccc\nddd\n", 2)
    assert writer.is_poisoned
    assert (folder / segment_name(0)).read_bytes() == b"a\nb\nccc\nddd"
    with pytest.raises(LogWriteError):  # it comes too late, and is kept
        writer.append(b"e\n", 1)
    renewed = writer.renew()
    assert (renewed.next_seq, renewed.is_poisoned) == (5, False)
    # The torn line goes; whole ones stay, also where they stand twice.
    assert contents(folder) == {
        segment_name(0): b"a\nb\nccc\n",
        segment_name(1): b"b\nccc\nddd\ne\n",
    }
    commit(renewed, b"f\n")
    assert (folder / segment_name(1)).read_bytes() == b"b\nccc\nddd\ne\nf\n"
    renewed.close()


def test_after_a_failed_sync_nothing_is_synced_where_it_stood(folder):
    fs = FaultyFileSystem(faults={("sync", 2): errno.EIO})
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    commit(writer, b"a\n")
    with pytest.raises(LogWriteError):
        commit(writer, b"b\n")
    before = len(fs.calls)
    renewed = writer.renew()
    assert contents(folder) == {segment_name(0): b"a\nb\n", segment_name(1): b"b\n"}
    assert (segment_name(0) in {name for _, name in fs.calls[before + 1 :]}) is False
    renewed.close()


def test_renewing_goes_on_until_it_succeeds(folder):
    class Full(FaultyFileSystem):
        full = True

        def replace_file(self, path, data, mode=None):
            if self.full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            super().replace_file(path, data, mode)

    fs = Full(faults={("write", 1): errno.ENOSPC}, short=1)
    writer = StreamWriter(folder, next_seq=3, fs=fs)
    with pytest.raises(LogWriteError):
        writer.append(b"abc\n", 1)
    for _ in range(3):
        with pytest.raises(LogWriteError, match="write again"):
            writer.renew()
    assert contents(folder) == {segment_name(3): b"a"}
    fs.full = False
    renewed = writer.renew()
    assert contents(folder) == {segment_name(3): b"abc\n"}
    commit(renewed, b"d\n")
    assert contents(folder) == {segment_name(3): b"abc\nd\n"}
    renewed.close()


@pytest.mark.parametrize("operation", ["open_append", "write"])
def test_renewing_keeps_lines_without_a_number_that_begin_the_segment(folder, operation):
    (folder / segment_name(0)).write_bytes(b"rubbish\n")
    fs = FaultyFileSystem(faults={(operation, 1): errno.EACCES}, short=1)
    writer = StreamWriter(folder, next_seq=0, fs=fs, tail=(0, 8))
    with pytest.raises(LogWriteError):
        writer.append(b"a\n", 1)
    renewed = writer.renew()
    commit(renewed, b"b\n")
    assert contents(folder) == {segment_name(0): b"rubbish\na\nb\n"}
    renewed.close()


def test_renewing_after_a_failed_switch_to_the_next_segment(folder):
    fs = FaultyFileSystem(faults={("sync_folder", 2): errno.ENOSPC})
    writer = StreamWriter(folder, next_seq=0, fs=fs, segment_bytes=2)
    writer.append(b"a\n", 1)
    with pytest.raises(LogWriteError):
        writer.append(b"b\n", 1)
    renewed = writer.renew()
    assert contents(folder) == {segment_name(0): b"a\n", segment_name(1): b"b\n"}
    renewed.close()


def test_a_writer_without_anything_unsynced_goes_on_with_a_new_segment(folder):
    fs = FaultyFileSystem()
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    commit(writer, b"a\n")
    renewed = writer.renew()
    commit(renewed, b"b\n")
    assert contents(folder) == {segment_name(0): b"a\n", segment_name(1): b"b\n"}
    renewed.close()


def test_renewing_again_when_the_old_segment_was_compressed_meanwhile(folder):
    class Stuck(FaultyFileSystem):
        stuck = True

        def replace_file(self, path, data, mode=None):
            super().replace_file(path, data, mode)
            if self.stuck:  # the folder was not synced
                raise OSError(errno.EIO, os.strerror(errno.EIO))

    fs = Stuck(faults={("write", 2): errno.ENOSPC}, short=1)
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    commit(writer, b"a\n")
    with pytest.raises(LogWriteError):
        writer.append(b"bb\n", 1)
    with pytest.raises(LogWriteError):
        writer.renew()
    compress_segment(list_segments(folder, fs)[0], fs)
    fs.stuck = False
    renewed = writer.renew()
    commit(renewed, b"c\n")
    renewed.close()
    assert (folder / segment_name(1)).read_bytes() == b"bb\nc\n"
