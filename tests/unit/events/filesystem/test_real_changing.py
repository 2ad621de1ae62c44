"""The real file system changes and replaces files: never over another, never by half."""

from __future__ import annotations

import errno
import os

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem, replace_file
from tests.support.other_python import mode_of

FS = RealFileSystem()


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
