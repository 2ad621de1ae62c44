"""The real file system appends and reads: whole, unbuffered, and regular files alone."""

from __future__ import annotations

import errno
import multiprocessing
import os

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem
from tests.support.other_python import mode_of, python

FS = RealFileSystem()
LINE_BYTES = 100 * 1024
LINES = 200


def append_lines(path, writer):
    with FS.open_append(path) as file:
        for number in range(LINES):
            head = b"%d %d " % (writer, number)
            file.write(head + bytes([97 + writer]) * (LINE_BYTES - len(head) - 1) + b"\n")


class TestAppend:
    def test_adds_at_the_end_and_counts_bytes(self, tmp_path):
        path = tmp_path / "log"
        with FS.open_append(path) as file:
            file.write(b"one\n")
        with FS.open_append(path) as file:
            assert file.size() == 4
            file.write(b"two\n")
            file.sync()
            assert file.size() == 8
        assert path.read_bytes() == b"one\ntwo\n"
        assert mode_of(path) == 0o600

    def test_is_unbuffered(self, tmp_path):
        with FS.open_append(tmp_path / "log") as file:
            file.write(b"seen at once")
            assert (tmp_path / "log").read_bytes() == b"seen at once"

    def test_closing_twice_closes_no_stranger(self, tmp_path):
        file = FS.open_append(tmp_path / "log")
        file.close()
        with (tmp_path / "log").open("rb") as stranger:
            file.close()
            assert stranger.read() == b""

    def test_a_short_write_is_continued(self, tmp_path, monkeypatch):
        write = os.write
        monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
        with FS.open_append(tmp_path / "log") as file:
            file.write(b"0123456789\n")
        assert (tmp_path / "log").read_bytes() == b"0123456789\n"

    def test_a_write_that_stops_for_good_is_an_error(self, tmp_path, monkeypatch):
        sizes = iter([3, 0])
        monkeypatch.setattr(os, "write", lambda _descriptor, _data: next(sizes))
        with FS.open_append(tmp_path / "log") as file, pytest.raises(OSError) as caught:  # noqa: PT011 - errno is checked
            file.write(b"0123456789\n")
        assert caught.value.errno == errno.EIO

    def test_the_file_size_limit_is_an_error_after_a_real_short_write(self, tmp_path):
        answer = python(
            """
            import resource, sys
            from events.filesystem import RealFileSystem
            resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
            with RealFileSystem().open_append(sys.argv[1]) as file:
                try:
                    file.write(b"x" * 20)
                except OSError as error:
                    print(error.errno, file.size())
            """,
            tmp_path / "log",
        )
        assert answer.split() == [str(errno.EFBIG), "10"]

    def test_eight_processes_write_whole_lines(self, tmp_path):
        path = tmp_path / "log"
        context = multiprocessing.get_context("fork")
        writers = [context.Process(target=append_lines, args=(path, n)) for n in range(8)]
        for process in writers:
            process.start()
        for process in writers:
            process.join()
        assert [process.exitcode for process in writers] == [0] * 8
        next_number = [0] * 8
        with path.open("rb") as file:
            for line in file:
                writer, number, filling = line.split(b" ")
                assert len(line) == LINE_BYTES
                assert filling == bytes([97 + int(writer)]) * (len(filling) - 1) + b"\n"
                assert int(number) == next_number[int(writer)]
                next_number[int(writer)] += 1
        assert next_number == [LINES] * 8

    def test_a_link_is_not_written_through(self, tmp_path):
        victim = tmp_path / "victim"
        victim.write_text("mine")
        (tmp_path / "log").symlink_to(victim)
        with pytest.raises(EventsError, match=r"log is a symbolic link"):
            FS.open_append(tmp_path / "log")
        with pytest.raises(EventsError, match=r"log is a symbolic link"):
            FS.truncate(tmp_path / "log", 0)
        assert victim.read_text() == "mine"

    def test_a_missing_folder_is_the_systems_error(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            FS.open_append(tmp_path / "none" / "log")


class TestRead:
    def test_reads_through_a_link(self, tmp_path):
        (tmp_path / "real").write_bytes(b"text")
        (tmp_path / "link").symlink_to("real")
        with FS.open_read(tmp_path / "link") as file:
            assert file.read() == b"text"

    def test_a_folder_is_no_file(self, tmp_path):
        with pytest.raises(EventsError, match="is a folder: name a file"):
            FS.open_read(tmp_path)

    def test_a_pipe_is_refused_without_waiting_for_a_writer(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(EventsError, match="no regular file"):
            FS.open_read(tmp_path / "pipe")

    def test_names_that_are_no_utf8_are_listed_and_opened(self, tmp_path):
        (tmp_path / os.fsdecode(b"b\xff")).write_bytes(b"x")
        (tmp_path / "a").write_bytes(b"")
        assert FS.list_folder(tmp_path) == ["a", "b\udcff"]
        with FS.open_read(tmp_path / "b\udcff") as file:
            assert file.read() == b"x"

    def test_what_is_asked_about_a_path(self, tmp_path):
        path = tmp_path / "file"
        assert not FS.exists(path)
        path.write_bytes(b"12345")
        (tmp_path / "link").symlink_to(tmp_path)
        (tmp_path / "twin").hardlink_to(path)
        assert FS.exists(path)
        assert FS.size(path) == 5
        assert (
            FS.identity(path)
            == FS.identity(tmp_path / "twin")
            == (
                path.stat().st_dev,
                path.stat().st_ino,
            )
        )
        assert FS.is_folder(tmp_path)
        assert not FS.is_folder(tmp_path / "link")
        assert not FS.is_folder(path)
        assert not FS.is_folder(path / "below")
