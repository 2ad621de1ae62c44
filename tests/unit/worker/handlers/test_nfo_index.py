from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from worker.handlers import nfo_index
from worker.handlers.nfo_index import LibraryIndex, is_inside


class Clock:
    """Stands still, far after every change."""

    def now_us(self):
        return 4_000_000_000 * 1_000_000

    def monotonic_ns(self):
        return 0


@pytest.fixture
def listed(monkeypatch):
    """Names of the folders that were read, in order."""
    names = []
    real = nfo_index._list

    def spy(path, state, *, is_settled):
        names.append(Path(path).name)
        return real(path, state, is_settled=is_settled)

    monkeypatch.setattr(nfo_index, "_list", spy)
    return names


def index_of(library):
    return LibraryIndex(library, Clock())


def test_none_one_and_several(library):
    index = index_of(library)
    assert index.find("x.mkv") == []
    assert index.find("b.mkv") == [library / "one/b.mkv"]
    assert index.find("c.mkv") == [library / "one/c.mkv", library / "two/c.mkv"]


def test_it_is_read_when_first_asked_and_then_only_where_it_changed(library, listed):
    index = index_of(library)
    assert listed == []
    index.find("a.mkv")
    assert sorted(listed) == ["library", "one", "two"]
    listed.clear()
    index.find("x.mkv")
    assert listed == []
    (library / "two/d.mkv").write_text("")
    assert index.find("d.mkv") == [library / "two/d.mkv"]
    assert listed == ["two"]


def test_what_changes_between_two_questions_shows_in_the_next(library):
    index = index_of(library)
    assert len(index.find("c.mkv")) == 2
    (library / "two/c.mkv").unlink()
    assert index.find("c.mkv") == [library / "one/c.mkv"]
    (library / "three/four").mkdir(parents=True)
    (library / "three/four/c.mkv").write_text("")
    (library / "one/c.mkv").rename(library / "one/e.mkv")
    assert index.find("c.mkv") == [library / "three/four/c.mkv"]
    shutil.rmtree(library / "three")
    assert index.find("c.mkv") == []
    assert index.find("e.mkv") == [library / "one/e.mkv"]


def test_a_folder_that_changed_just_now_is_read_again(library, listed):
    # Its next change may fall into the same tick of the file system's clock.
    index = LibraryIndex(library)
    index.find("a.mkv")
    listed.clear()
    index.find("a.mkv")
    assert sorted(listed) == ["library", "one", "two"]


def test_hidden_entries_the_systems_own_folders_and_what_is_no_file_are_left_out(library):
    for name in (".trash/b.mkv", "@eaDir/b.mkv", "#recycle/b.mkv", ".b.mkv"):
        (library / name).parent.mkdir(exist_ok=True)
        (library / name).write_text("")
    os.mkfifo(library / "b.mkv")
    index = index_of(library)
    assert index.find("b.mkv") == [library / "one/b.mkv"]
    assert index.find(".b.mkv") == []


def test_names_that_look_the_same_are_the_same(library):
    (library / "caf\u00e9.mkv").write_text("")
    assert index_of(library).find("cafe\u0301.mkv") == [library / "caf\u00e9.mkv"]


def test_names_that_are_no_utf_8(library):
    Path(os.fsdecode(os.fsencode(library) + b"/caf\xe9.mkv")).write_text("")
    assert len(index_of(library).find("caf\udce9.mkv")) == 1


def test_links_are_followed_inside_the_library_only(library, tmp_path):
    (tmp_path / "outside.mkv").write_text("")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/f.mkv").write_text("")
    (library / "out.mkv").symlink_to(tmp_path / "outside.mkv")
    (library / "broken.mkv").symlink_to(library / "nothing")
    (library / "loop.mkv").symlink_to(library / "loop.mkv")
    (library / "linked").symlink_to(tmp_path / "folder")
    (library / "in.mkv").symlink_to(library / "one/b.mkv")
    (library / "two/a.mkv").symlink_to(library / "a.mkv")
    (library / "folder.mkv").symlink_to(library / "one")
    index = index_of(library)
    for name in ("out.mkv", "broken.mkv", "loop.mkv", "f.mkv", "folder.mkv"):
        assert index.find(name) == []
    assert index.find("in.mkv") == [library / "in.mkv"]
    # One file, by two ways: the file itself stands for both.
    assert index.find("a.mkv") == [library / "a.mkv"]
    (library / "A").mkdir()
    (library / "A/in.mkv").symlink_to(library / "one/b.mkv")
    assert len(index.find("in.mkv")) == 1


def test_a_folder_that_cannot_be_read_counts_for_nothing(library, monkeypatch):
    index = index_of(library)
    assert len(index.find("c.mkv")) == 2
    real = os.scandir

    def refuse(path):
        if str(path).endswith("/two"):
            raise PermissionError(13, "no")
        return real(path)

    monkeypatch.setattr(nfo_index.os, "scandir", refuse)
    (library / "two/new.mkv").write_text("")
    assert index.find("c.mkv") == [library / "one/c.mkv"]


def test_a_folder_that_became_a_file_while_its_parent_was_read(library, monkeypatch):
    folder = nfo_index._Folder((), is_settled=False, files=("a.mkv",), subfolders=("a.mkv",))
    monkeypatch.setattr(nfo_index, "_list", lambda *_, **__: folder)
    assert index_of(library).find("a.mkv") == [library / "a.mkv"]


def test_a_library_that_cannot_be_read_is_an_error(library):
    index = index_of(library)
    shutil.rmtree(library)
    with pytest.raises(FileNotFoundError):
        index.find("a.mkv")


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("/a/b", "/a", True),
        ("/a", "/a", False),
        ("/ab/c", "/a", False),
        ("/a", "/", True),
        ("/b/a", "/a", False),
    ],
)
def test_inside(path, folder, inside):
    assert is_inside(path, folder) is inside
