"""Lines go to segments: when one begins, when it is full or old, and what is no segment of ours."""

from __future__ import annotations

import pytest

from events.clock import format_timestamp
from events.codec import encode
from events.errors import LogWriteError
from events.log.segment import segment_name
from events.log.writer import StreamWriter
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.held_clock import HeldClock
from tests.support.written_segments import commit, names


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stream").mkdir()
    return tmp_path / "stream"


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


def test_a_full_tail_without_any_number_is_gone_on_with_since_the_next_would_have_its_name(folder):
    """As where a disk has lost the pages of the first lines, and kept the end of them."""
    (folder / segment_name(2)).write_bytes(b"\0\0}\n")
    for age_s in (None, 0):
        size = (folder / segment_name(2)).stat().st_size
        writer = StreamWriter(
            folder,
            next_seq=2,
            fs=FaultyFileSystem(),
            tail=(2, size),
            segment_bytes=4,
            segment_age_s=age_s,
        )
        writer.append(b"c\n", 1)
        writer.close()
    assert names(folder) == [segment_name(2)]
    assert (folder / segment_name(2)).read_bytes() == b"\0\0}\nc\nc\n"


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


def line_of(us, seq):
    return encode(
        {"event": "x", "v": 1, "stream": "s", "seq": seq, "timestamp": format_timestamp(us)}
    )


def test_a_segment_that_is_old_is_followed_by_a_new_one(folder):
    clock = HeldClock()
    options = {"fs": FaultyFileSystem(), "segment_age_s": 60, "clock": clock}
    writer = StreamWriter(folder, next_seq=0, **options)
    commit(writer, line_of(clock.us, 0))
    clock.move_s(59)
    commit(writer, line_of(clock.us, 1))
    assert names(folder) == [segment_name(0)]
    clock.move_s(1)
    last = line_of(clock.us, 2)
    commit(writer, last)
    assert names(folder) == [segment_name(0), segment_name(2)]
    size = len(last)
    writer.close()

    def goes_on():
        writer = StreamWriter(folder, next_seq=3, **options, tail=(2, size))
        commit(writer, b"x\n")
        writer.close()
        return names(folder)[-1]

    clock.us -= 86_400_000_000  # a clock that was set back makes nothing old
    assert goes_on() == segment_name(2)
    size += 2
    clock.us += 86_400_000_000
    clock.move_s(60)
    assert goes_on() == segment_name(3)


def test_a_segment_that_does_not_tell_its_age_is_gone_on_with(folder):
    (folder / segment_name(0)).write_bytes(b"rubbish\n")
    writer = StreamWriter(
        folder, next_seq=0, fs=FaultyFileSystem(), segment_age_s=1e-6, tail=(0, 8)
    )
    commit(writer, b"a\n")
    writer.close()
    assert names(folder) == [segment_name(0)]


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
