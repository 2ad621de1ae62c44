from __future__ import annotations

import os
import shutil

import pytest

from events.filesystem import UNKNOWN_BOOT, RealFileSystem
from events.log.owner import Owner, owns, read_owner, write_owner

FS = RealFileSystem()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "stream").mkdir()
    return tmp_path / "stream"


def test_the_folder_where_it_was_made_goes_on(folder):
    assert not owns(folder, FS, "boot-1")
    owner = write_owner(folder, FS, "boot-1")
    assert owner == Owner("boot-1", folder.stat().st_dev, folder.stat().st_ino)
    assert read_owner(folder, FS) == owner
    assert owns(folder, FS, "boot-1")
    assert (folder / "owner").stat().st_mode & 0o777 == 0o600


def test_after_another_boot_it_does_not(folder):
    write_owner(folder, FS, "boot-1")
    assert not owns(folder, FS, "boot-2")


def test_a_copy_does_not(folder, tmp_path):
    write_owner(folder, FS, "boot-1")
    shutil.copytree(folder, tmp_path / "copy")
    assert not owns(tmp_path / "copy", FS, "boot-1")
    assert owns(folder, FS, "boot-1")


def test_a_renamed_folder_is_still_the_same(folder, tmp_path):
    write_owner(folder, FS, "boot-1")
    moved = folder.rename(tmp_path / "moved")
    assert owns(moved, FS, "boot-1")


def test_a_link_to_it_does_not(folder, tmp_path):
    write_owner(folder, FS, "boot-1")
    (tmp_path / "link").symlink_to(folder)
    assert not owns(tmp_path / "link", FS, "boot-1")


def test_a_machine_whose_boots_cannot_be_told_apart_owns_nothing(folder):
    write_owner(folder, FS, UNKNOWN_BOOT)
    assert not owns(folder, FS, UNKNOWN_BOOT)


def test_it_is_written_once(folder):
    write_owner(folder, FS, "boot-1")
    with pytest.raises(FileExistsError):
        write_owner(folder, FS, "boot-2")
    assert owns(folder, FS, "boot-1")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b"\xff", b'{"boot_id":"\xff"}', b'{"boot_id":"b"}'),
        b'{"x":' + b"[" * 4_000,
    ],
)
def test_an_owner_that_makes_no_sense_is_none(folder, content):
    (folder / "owner").write_bytes(content)
    assert read_owner(folder, FS) is None
    assert not owns(folder, FS, "boot-1")


def test_an_owner_that_is_no_file_is_none(folder):
    os.mkfifo(folder / "owner")
    assert read_owner(folder, FS) is None
