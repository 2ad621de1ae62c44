from __future__ import annotations

import errno
import multiprocessing
import os

import pytest

from events.errors import EventsError
from events.filesystem import (
    RealFileSystem,
    replace_file,
)
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


class TestChange:
    def test_truncate_cuts(self, tmp_path):
        (tmp_path / "log").write_bytes(b"one\ntw")
        FS.truncate(tmp_path / "log", 4)
        FS.sync_file(tmp_path / "log")
        assert (tmp_path / "log").read_bytes() == b"one\n"

    def test_writing_again_goes_on_after_short_writes_and_ends_where_nothing_is_taken(
        self, tmp_path, monkeypatch
    ):
        text = bytes(range(256)) * 5000
        (tmp_path / "log").write_bytes(text)
        pwrite = os.pwrite
        written = []

        def short(descriptor, data, offset):
            written.append((offset, pwrite(descriptor, data[:99_999], offset)))
            return written[-1][1]

        monkeypatch.setattr(os, "pwrite", short)
        FS.write_again(tmp_path / "log", 1000)
        assert (tmp_path / "log").read_bytes() == text
        assert written[0][0] == 1000
        assert sum(size for _, size in written) == len(text) - 1000
        monkeypatch.setattr(os, "pwrite", lambda *_: 0)
        with pytest.raises(OSError, match="takes no more"):
            FS.write_again(tmp_path / "log", 0)

    def test_write_new_makes_but_never_overwrites(self, tmp_path):
        FS.write_new(tmp_path / "a", b"text")
        FS.write_new(tmp_path / "b", iter([b"in ", b"parts"]))
        with pytest.raises(FileExistsError):
            FS.write_new(tmp_path / "a", b"other")
        assert (tmp_path / "a").read_bytes() == b"text"
        assert (tmp_path / "b").read_bytes() == b"in parts"
        assert mode_of(tmp_path / "a") == 0o600

    def test_write_new_leaves_no_half(self, tmp_path):
        def parts():
            yield b"half"
            raise OSError(errno.EIO, "the source broke")

        with pytest.raises(OSError, match="the source broke"):
            FS.write_new(tmp_path / "a", parts())
        assert FS.list_folder(tmp_path) == []

    def test_rename_and_remove(self, tmp_path):
        (tmp_path / "a").write_bytes(b"1")
        (tmp_path / "b").write_bytes(b"2")
        FS.rename(tmp_path / "a", tmp_path / "b")
        assert (tmp_path / "b").read_bytes() == b"1"
        FS.remove(tmp_path / "b")
        assert FS.list_folder(tmp_path) == []

    def test_make_folder_makes_its_parents_private_too(self, tmp_path):
        FS.make_folder(tmp_path / "a" / "b")
        FS.make_folder(tmp_path / "a" / "b")
        FS.make_folder(tmp_path / "c", 0o750)
        assert mode_of(tmp_path / "a") == mode_of(tmp_path / "a" / "b") == 0o700
        assert mode_of(tmp_path / "c") == 0o750

    def test_make_folder_syncs_its_parent_s_name_too_where_it_may(self, tmp_path, monkeypatch):
        """Who made the parent may have died before that name was on the disk."""
        synced = []

        def sync_folder(_self, path):
            synced.append(path)
            if path == tmp_path.parent:
                raise PermissionError(errno.EACCES, "not ours")

        monkeypatch.setattr(RealFileSystem, "sync_folder", sync_folder)
        FS.make_folder(tmp_path / "a")
        FS.make_folder(tmp_path / "a" / "b" / "c")
        assert synced == [
            tmp_path,
            tmp_path.parent,
            tmp_path / "a",
            tmp_path,
            tmp_path / "a" / "b",
        ]

    @pytest.mark.parametrize("below", ["", "x", "x/y"])
    def test_make_folder_says_what_stands_in_the_way(self, tmp_path, below):
        (tmp_path / "file").write_text("")
        with pytest.raises(EventsError, match="is no folder"):
            FS.make_folder(tmp_path / "file" / below)

    def test_sync_folder_where_the_file_system_cannot(self, tmp_path, monkeypatch):
        def refuse(code):
            def fsync(_descriptor):
                raise OSError(code, os.strerror(code))

            return fsync

        monkeypatch.setattr(os, "fsync", refuse(errno.EINVAL))
        FS.sync_folder(tmp_path)
        monkeypatch.setattr(os, "fsync", refuse(errno.EIO))
        with pytest.raises(OSError, match="Input/output error"):
            FS.sync_folder(tmp_path)


class TestReplace:
    def test_replaces_and_takes_the_umask_or_the_mode(self, tmp_path):
        old = os.umask(0o027)
        try:
            replace_file(tmp_path / "a", b"1")
            FS.replace_file(tmp_path / "b", b"1", 0o604)
        finally:
            os.umask(old)
        replace_file(tmp_path / "b", b"22", 0o600)
        assert (tmp_path / "b").read_bytes() == b"22"
        assert mode_of(tmp_path / "a") == 0o640
        assert mode_of(tmp_path / "b") == 0o600
        assert FS.list_folder(tmp_path) == ["a", "b"]

    def test_the_longest_of_names(self, tmp_path):
        replace_file(tmp_path / ("n" * 255), b"1")
        assert FS.list_folder(tmp_path) == ["n" * 255]

    def test_a_link_is_replaced_and_its_target_left(self, tmp_path):
        (tmp_path / "victim").write_bytes(b"mine")
        (tmp_path / "stats").symlink_to("victim")
        replace_file(tmp_path / "stats", b"new")
        assert (tmp_path / "victim").read_bytes() == b"mine"
        assert (tmp_path / "stats").read_bytes() == b"new"

    @pytest.mark.parametrize("call", ["write", "fdatasync", "fchmod"])
    def test_an_error_before_leaves_the_old_and_no_temporary(self, tmp_path, monkeypatch, call):
        (tmp_path / "stats").write_bytes(b"old")

        def full(*_arguments):
            raise OSError(errno.ENOSPC, "full")

        monkeypatch.setattr(os, call, full)
        with pytest.raises(OSError, match="full") as caught:
            replace_file(tmp_path / "stats", b"new", 0o600)
        assert caught.value.filename == str(tmp_path / "stats")  # not the temporary one's name
        assert caught.value.errno == errno.ENOSPC
        assert FS.list_folder(tmp_path) == ["stats"]
        assert (tmp_path / "stats").read_bytes() == b"old"

    def test_a_folder_in_the_way_leaves_no_temporary(self, tmp_path):
        (tmp_path / "stats" / "inside").mkdir(parents=True)
        with pytest.raises(OSError) as caught:  # noqa: PT011 - which of the system's errors differs
            replace_file(tmp_path / "stats", b"new")
        assert (caught.value.filename, caught.value.filename2) == (str(tmp_path / "stats"), None)
        assert FS.list_folder(tmp_path) == ["stats"]

    def test_order_of_calls(self, tmp_path, monkeypatch):
        calls = []
        for name in ("write", "fdatasync", "rename", "replace", "fsync"):
            real = getattr(os, name)

            def record(*arguments, name=name, real=real):
                calls.append(name)
                return real(*arguments)

            monkeypatch.setattr(os, name, record)
        replace_file(tmp_path / "a", b"1")
        assert calls == ["write", "fdatasync", "replace", "fsync"]
