"""What the kernel tells of folders."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from events.follow.hints import InotifyHints

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="inotify is Linux's")


@pytest.fixture
def hints():
    hints = InotifyHints()
    yield hints
    hints.close()
    hints.close()


@pytest.fixture
def folder(tmp_path, hints):
    (tmp_path / "a.log").write_bytes(b"1\n")
    hints.watch([str(tmp_path)])
    assert hints.changed() == set()
    return tmp_path


def append(path, data=b"1\n"):
    with path.open("ab") as file:
        file.write(data)


def test_a_file_that_is_written_to_is_told_once(folder, hints):
    for _ in range(3):
        append(folder / "a.log")
        append(folder / "b.log")
    assert hints.changed() == {str(folder / "a.log"), str(folder / "b.log")}
    assert hints.changed() == set()


def test_a_file_that_is_moved_there_is_told(folder, hints, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x"
    elsewhere.touch()
    elsewhere.rename(folder / "moved")
    assert hints.changed() == {str(folder / "moved")}


def test_names_of_any_bytes(folder, hints):
    name = os.fsdecode(b"\xff \n")
    append(folder / name)
    assert hints.changed() == {f"{folder}/{name}"}


def test_folders_are_told_as_they_were_named(hints, tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    hints.watch(["", "sub"])
    append(tmp_path / "a")
    append(tmp_path / "sub" / "b")
    assert hints.changed() == {"a", "sub/b"}


def test_a_folder_that_was_removed_can_be_watched_again(hints, tmp_path):
    folder = tmp_path / "sub"
    folder.mkdir()
    hints.watch([str(folder)])
    shutil.rmtree(folder)
    assert hints.changed() == set()
    hints.watch([str(folder)])  # it is not there
    folder.mkdir()
    hints.watch([str(folder)])
    append(folder / "a")
    assert hints.changed() == {str(folder / "a")}


def test_more_than_one_reading(folder, hints):
    names = {f"{number:0200d}" for number in range(500)}
    for name in names:
        append(folder / name)
    assert hints.changed() == {str(folder / name) for name in names}


def test_without_it_there_are_no_hints(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.platform", "darwin")
    hints = InotifyHints()
    hints.watch([str(tmp_path)])
    append(tmp_path / "a")
    assert hints.changed() == set()


def test_what_the_kernel_refuses_is_left_out(hints, tmp_path):
    (tmp_path / "file").touch()
    hints.watch([str(tmp_path / "file"), str(tmp_path / "nothing"), "/proc/self/mem/x"])
    append(tmp_path / "file")
    assert hints.changed() == set()


def test_nothing_is_told_after_the_end(folder, hints):
    append(folder / "a.log")
    hints.close()
    assert hints.changed() == set()
    hints.watch([str(folder)])
    append(folder / "a.log")
    assert hints.changed() == set()
