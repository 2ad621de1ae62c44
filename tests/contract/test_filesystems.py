"""What the program asks of a file system: the real one and that of the crash tests answer alike."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem
from tests.support.filesystem_answers import code_of, read
from tests.support.model_filesystem import ModelFileSystem


class Model:
    name = "model"

    def __init__(self, tmp_path):
        self.fs = ModelFileSystem()
        self.root = tmp_path
        self.fs.make_folder(tmp_path)


class Real:
    name = "real"

    def __init__(self, tmp_path):
        self.fs = RealFileSystem()
        self.root = tmp_path


@pytest.fixture(params=[Real, Model], ids=lambda kind: kind.name)
def place(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
def fs(place):
    return place.fs


@pytest.fixture
def root(place):
    return place.root


class TestAppending:
    def test_adds_at_the_end_counts_bytes_and_is_seen_at_once(self, fs, root):
        with fs.open_append(root / "log") as file:
            file.write(b"one\n")
            assert file.size() == fs.size(root / "log") == 4
        with fs.open_append(root / "log") as file:
            assert file.size() == 4
            file.write(b"two\n")
            file.sync()
            assert read(fs, root / "log") == b"one\ntwo\n"

    def test_two_that_append_to_one_file_overwrite_nothing(self, fs, root):
        with fs.open_append(root / "log") as one, fs.open_append(root / "log") as other:
            one.write(b"1")
            other.write(b"2")
            one.write(b"3")
            assert other.size() == 3
        assert read(fs, root / "log") == b"123"

    def test_a_closed_file_takes_nothing(self, fs, root):
        file = fs.open_append(root / "log")
        file.close()
        file.close()
        assert code_of(file.write, b"x") == errno.EBADF
        assert code_of(file.size) == errno.EBADF
        with pytest.raises((OSError, ValueError)):  # Python itself refuses to sync descriptor -1
            file.sync()

    def test_a_removed_file_is_written_on_and_seen_by_nobody(self, fs, root):
        with fs.open_append(root / "log") as file:
            fs.remove(root / "log")
            file.write(b"x")
            file.sync()
        assert fs.list_folder(root) == []

    def test_what_cannot_be_appended_to(self, fs, root):
        fs.write_new(root / "file", b"")
        assert code_of(fs.open_append, root / "none" / "log") == errno.ENOENT
        assert code_of(fs.open_append, root / "file" / "log") == errno.ENOTDIR
        assert code_of(fs.open_append, root) == errno.EISDIR


class TestReading:
    def test_from_anywhere_and_what_comes_later_too(self, fs, root):
        fs.write_new(root / "log", b"one\ntwo\n")
        with fs.open_read(root / "log") as file:
            assert file.seekable()
            assert file.seek(4) == 4
            assert file.read(2) == b"tw"
            assert file.tell() == 6
            assert file.seek(-2, os.SEEK_END) == 6
            buffer = bytearray(8)
            assert file.readinto(buffer) == 2
            assert bytes(buffer[:2]) == b"o\n"
            with fs.open_append(root / "log") as more:
                more.write(b"three\n")
            assert file.read() == b"three\n"
            assert file.seek(40) == 40
            assert file.read() == b""

    def test_a_file_that_is_removed_or_replaced_meanwhile_stays_what_it_was(self, fs, root):
        fs.write_new(root / "a", b"old")
        with fs.open_read(root / "a") as file:
            fs.replace_file(root / "a", b"new")
            assert file.read() == b"old"
        with fs.open_read(root / "a") as file:
            fs.remove(root / "a")
            assert file.read() == b"new"

    def test_what_is_no_file(self, fs, root):
        for call in (fs.open_read, fs.sync_file):
            assert code_of(call, root / "none") == errno.ENOENT
            with pytest.raises(EventsError, match="is a folder: name a file"):
                call(root)

    def test_what_is_asked_about_a_path(self, fs, root):
        fs.write_new(root / "file", b"12345")
        fs.make_folder(root / "folder")
        assert fs.exists(root / "file")
        assert fs.exists(root / "folder")
        assert not fs.exists(root / "none")
        assert not fs.exists(root / "file" / "below")
        assert fs.is_folder(root / "folder")
        assert fs.is_folder(f"{root / 'folder'}/.")
        assert not fs.is_folder(root / "file")
        assert not fs.is_folder(root / "none")
        assert not fs.is_folder(root / "file" / "below")
        assert fs.size(root / "file") == 5
        assert code_of(fs.size, root / "none") == errno.ENOENT
        assert code_of(fs.identity, root / "none") == errno.ENOENT
        assert code_of(fs.list_folder, root / "none") == errno.ENOENT
        assert code_of(fs.list_folder, root / "file") == errno.ENOTDIR
        assert fs.list_folder(root) == ["file", "folder"]

    def test_an_identity_is_the_file_s_own_and_goes_with_it(self, fs, root):
        for name in ("a", "b"):
            fs.write_new(root / name, b"")
        before = fs.identity(root / "a")
        assert fs.identity(root / "b") != before
        fs.rename(root / "a", root / "c")
        assert fs.identity(root / "c") == before


class TestChanging:
    def test_cutting(self, fs, root):
        fs.write_new(root / "log", b"one\ntw")
        fs.truncate(root / "log", 4)
        assert read(fs, root / "log") == b"one\n"
        assert code_of(fs.truncate, root / "none", 0) == errno.ENOENT
        assert code_of(fs.truncate, root, 0) == errno.EISDIR

    def test_writing_again_changes_nothing_that_is_seen(self, fs, root):
        fs.write_new(root / "log", b"one\ntwo\n")
        for offset in (0, 4, 8, 9):
            fs.write_again(root / "log", offset)
        fs.sync_file(root / "log")
        assert read(fs, root / "log") == b"one\ntwo\n"
        assert code_of(fs.write_again, root / "none", 0) == errno.ENOENT
        assert code_of(fs.write_again, root, 0) == errno.EISDIR

    def test_making_a_file_but_never_over_another(self, fs, root):
        fs.write_new(root / "a", iter([b"in ", b"parts"]))
        assert code_of(fs.write_new, root / "a", b"other") == errno.EEXIST
        assert read(fs, root / "a") == b"in parts"

    def test_a_source_that_breaks_leaves_no_half(self, fs, root):
        def parts():
            yield b"half"
            raise OSError(errno.EIO, "the source broke")

        assert code_of(fs.write_new, root / "a", parts()) == errno.EIO
        assert fs.list_folder(root) == []

    def test_replacing(self, fs, root):
        fs.replace_file(root / "a", b"1")
        fs.replace_file(root / "a", b"22", mode=0o600)
        assert read(fs, root / "a") == b"22"
        assert fs.list_folder(root) == ["a"]

    def test_a_folder_in_the_way_is_not_replaced_and_leaves_no_temporary(self, fs, root):
        fs.make_folder(root / "a")
        assert code_of(fs.replace_file, root / "a", b"1") in {errno.EISDIR, errno.ENOTEMPTY}
        assert fs.list_folder(root) == ["a"]

    def test_renaming_and_removing(self, fs, root):
        fs.write_new(root / "a", b"1")
        fs.write_new(root / "b", b"2")
        fs.rename(root / "a", root / "b")
        assert read(fs, root / "b") == b"1"
        fs.rename(root / "b", root / "b")
        assert read(fs, root / "b") == b"1"
        fs.remove(root / "b")
        assert fs.list_folder(root) == []
        assert code_of(fs.remove, root / "b") == errno.ENOENT
        assert code_of(fs.rename, root / "b", root / "c") == errno.ENOENT

    def test_making_folders(self, fs, root):
        fs.make_folder(root / "a" / "b")
        fs.make_folder(root / "a" / "b")
        assert fs.list_folder(root / "a") == ["b"]
        fs.write_new(root / "file", b"")
        for below in ("", "x", "x/y"):
            with pytest.raises(EventsError, match="is no folder"):
                fs.make_folder(root / "file" / below)
        assert code_of(fs.sync_folder, root / "none") == errno.ENOENT
        assert code_of(fs.sync_folder, root / "file") == errno.ENOTDIR


class TestLocking:
    def test_one_holds_it_until_it_is_released(self, fs, root):
        with fs.lock(root / "lock"):
            assert fs.try_lock(root / "lock") is None
        held = fs.try_lock(root / "lock")
        assert held is not None
        held.release()
        with fs.lock(root / "lock"):
            held.release()
            assert fs.try_lock(root / "lock") is None

    def test_it_is_the_file_s_whatever_its_name(self, fs, root):
        with fs.lock(root / "lock"):
            fs.rename(root / "lock", root / "other")
            assert fs.try_lock(root / "other") is None
            fresh = fs.try_lock(root / "lock")
            assert fresh is not None
            fresh.release()

    def test_its_folder_must_be_there(self, fs, root):
        assert code_of(fs.lock, root / "none" / "lock") == errno.ENOENT
        with pytest.raises(EventsError, match="is no regular file: remove it"):
            fs.try_lock(root)


PROGRAMS = {
    "append": lambda fs, root: append_twice(fs, root / "log"),
    "write_new": lambda fs, root: fs.write_new(root / "new", iter([b"1", b"2"])),
    "replace_file": lambda fs, root: fs.replace_file(root / "old", b"new"),
    "make_folder": lambda fs, root: fs.make_folder(root / "a" / "b"),
    "make_folder again": lambda fs, root: fs.make_folder(root),
    "truncate": lambda fs, root: fs.truncate(root / "old", 1),
    "write_again": lambda fs, root: fs.write_again(root / "old", 1),
    "write nothing again": lambda fs, root: fs.write_again(root / "old", 3),
    "sync_file": lambda fs, root: fs.sync_file(root / "old"),
    "sync_folder": lambda fs, root: fs.sync_folder(root),
    "rename": lambda fs, root: fs.rename(root / "old", root / "other"),
    "remove": lambda fs, root: fs.remove(root / "old"),
    "lock": lambda fs, root: (fs.lock(root / "lock").release(), fs.lock(root / "lock").release()),
    "a broken source": lambda fs, root: fs.write_new(root / "new", broken()),
    "a folder in the way": lambda fs, root: fs.replace_file(root / "folder", b"new"),
}


def append_twice(fs, path):
    for _ in range(2):
        with fs.open_append(path) as file:
            file.write(b"line\n")
            file.sync()


def broken():
    yield b"half"
    raise OSError(errno.EIO, "the source broke")


STEPS = {
    "write": "write",
    "pwrite": "write",
    "fdatasync": "sync",
    "fsync": "sync_folder",
    "ftruncate": "truncate",
    "replace": "rename",
    "unlink": "remove",
    "mkdir": "mkdir",
}


class SystemCalls:
    """What of the real file system's calls the model has as steps, under the model's names."""

    def __init__(self, monkeypatch):
        self.steps = []
        for name in (*STEPS, "open"):
            monkeypatch.setattr(os, name, self.recorded(name, getattr(os, name)))

    def recorded(self, name, real):
        def call(*arguments, **options):
            if name != "open":
                self.steps.append(STEPS[name])
            elif arguments[1] & os.O_CREAT and not os.path.lexists(arguments[0]):
                self.steps.append("create")
            elif arguments[1] & os.O_APPEND:
                self.steps.append("open")
            return real(*arguments, **options)

        return call


@pytest.mark.skipif(sys.platform != "linux", reason="the steps are those of Linux")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=[*PROGRAMS])
def test_the_model_takes_the_steps_of_the_real_one(program, tmp_path, monkeypatch):
    taken = {}
    for kind in (Real, Model):
        place = kind(tmp_path)
        place.fs.write_new(tmp_path / "old", b"old")
        place.fs.make_folder(tmp_path / "folder")
        with monkeypatch.context() as patch:
            calls = SystemCalls(patch)
            before = len(getattr(place.fs, "steps", ()))
            try:
                program(place.fs, tmp_path)
            except OSError:
                calls.steps.append("error")
            done = [operation for operation, _ in getattr(place.fs, "steps", ())[before:]]
        taken[kind.name] = calls.steps if kind is Real else done + calls.steps
    # The real one meets a folder in the way at its rename, the model looks first.
    steps = [step for step in taken["real"] if step != "rename" or "error" not in taken["real"]]
    assert steps == taken["model"]
