from __future__ import annotations

import errno
import os

import pytest

from events.errors import LogWriteError
from events.log.segment import segment_name
from events.log.writer import StreamWriter
from tests.support.faulty_filesystem import FaultyFileSystem


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stream").mkdir()
    return tmp_path / "stream"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_begins_a_segment_named_by_its_first_number_and_only_when_needed(folder):
    fs = FaultyFileSystem()
    writer = StreamWriter(folder, next_seq=7, fs=fs)
    writer.sync()
    assert names(folder) == []
    writer.append(b"a\nb\n", 2)
    assert writer.next_seq == 9
    assert names(folder) == [segment_name(7)]
    assert (folder / segment_name(7)).read_bytes() == b"a\nb\n"
    writer.close()


def test_a_batch_is_one_write_and_one_sync(folder):
    fs = FaultyFileSystem()
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    writer.append(b"a\nb\n", 2)
    writer.sync()
    writer.sync()
    writer.append(b"c\n", 1)
    writer.sync()
    writer.close()
    assert [operation for operation, _ in fs.calls] == [
        "open_append",
        "sync_folder",
        "write",
        "sync",
        "write",
        "sync",
        "close",
    ]


def test_goes_on_with_the_tail(folder):
    fs = FaultyFileSystem()
    (folder / segment_name(0)).write_bytes(b"a\nb\n")
    writer = StreamWriter(folder, next_seq=2, fs=fs, tail=(0, 4))
    writer.append(b"c\n", 1)
    writer.close()
    assert (folder / segment_name(0)).read_bytes() == b"a\nb\nc\n"
    assert names(folder) == [segment_name(0)]


def test_a_full_tail_is_left_alone(folder):
    (folder / segment_name(0)).write_bytes(b"a\nb\n")
    writer = StreamWriter(folder, next_seq=2, fs=FaultyFileSystem(), tail=(0, 4), segment_bytes=4)
    writer.append(b"c\n", 1)
    writer.close()
    assert names(folder) == [segment_name(0), segment_name(2)]


def test_a_full_segment_is_synced_before_the_next_is_made(folder):
    fs = FaultyFileSystem()
    writer = StreamWriter(folder, next_seq=0, fs=fs, segment_bytes=4)
    for line in (b"a\n", b"b\n", b"c\n", b"dddddddd\n", b"e\n"):
        writer.append(line, 1)
    writer.sync()
    writer.close()
    written = {name: (folder / name).read_bytes() for name in names(folder)}
    assert written == {
        segment_name(0): b"a\nb\n",
        segment_name(2): b"c\ndddddddd\n",
        segment_name(4): b"e\n",
    }
    first, second = segment_name(0), segment_name(2)
    assert fs.calls[2:8] == [
        ("write", first),
        ("write", first),
        ("sync", first),
        ("close", first),
        ("open_append", second),
        ("sync_folder", "stream"),
    ]


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
    assert writer.next_seq == 1
    assert names(folder) == [segment_name(0)]
    writer.close()
    assert fs.count("sync") == 1


def test_what_failed_does_not_count_as_written(folder):
    fs = FaultyFileSystem(faults={("write", 2): errno.ENOSPC}, short=1)
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    writer.append(b"a\n", 1)
    with pytest.raises(LogWriteError, match="mend the cause, then start again"):
        writer.append(b"b\n", 1)
    assert writer.next_seq == 1
    assert (folder / segment_name(0)).read_bytes() == b"a\nb"
    writer.close()


def test_a_closed_writer_takes_nothing_and_closes_once(folder):
    fs = FaultyFileSystem()
    writer = StreamWriter(folder, next_seq=0, fs=fs)
    writer.append(b"a\n", 1)
    writer.close()
    writer.close()
    assert fs.count("close") == 1
    assert fs.count("sync") == 0
    with pytest.raises(LogWriteError, match="is closed"):
        writer.append(b"b\n", 1)


def test_a_tail_that_grew_meanwhile_is_not_written_to(folder):
    (folder / segment_name(0)).write_bytes(b"a\nstranger")
    writer = StreamWriter(folder, next_seq=1, fs=FaultyFileSystem(), tail=(0, 2))
    with pytest.raises(LogWriteError, match="has 10 bytes, not 2: somebody else wrote to it"):
        writer.append(b"b\n", 1)
    writer.close()
    assert (folder / segment_name(0)).read_bytes() == b"a\nstranger"


def test_a_segment_that_is_a_link_is_not_written_through(folder, tmp_path):
    (tmp_path / "victim").write_bytes(b"")
    (folder / segment_name(0)).symlink_to(tmp_path / "victim")
    writer = StreamWriter(folder, next_seq=0, fs=FaultyFileSystem())
    with pytest.raises(LogWriteError, match="symbolic link"):
        writer.append(b"a\n", 1)
    assert (tmp_path / "victim").read_bytes() == b""


def test_a_folder_that_is_a_link_or_gone_is_not_written_to(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    for place in (tmp_path / "link", tmp_path / "gone"):
        writer = StreamWriter(place, next_seq=0, fs=FaultyFileSystem())
        with pytest.raises(LogWriteError, match="no folder is there"):
            writer.append(b"a\n", 1)
    assert names(folder) == []
