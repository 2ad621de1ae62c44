from __future__ import annotations

import os
import stat

import pytest

from worker.errors import PermanentError
from worker.handlers import nfo_write
from worker.handlers.nfo_document import MARK
from worker.handlers.nfo_write import write_sidecar

OURS = f"<!-- {MARK} --><movie/>".encode()
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def media(tmp_path):
    path = tmp_path / "a.b.mkv"
    path.write_text("film")
    path.chmod(0o640)
    return path


@pytest.fixture
def sidecar(media):
    return media.with_name("a.b.nfo")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_it_stands_beside_the_media_file_with_its_mode(media, sidecar):
    assert write_sidecar(media, OURS) == "written"
    assert sidecar.read_bytes() == OURS
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o640
    assert names(media.parent) == ["a.b.mkv", "a.b.nfo"]


def test_special_bits_are_not_taken(media, sidecar):
    media.chmod(0o6755)
    write_sidecar(media, OURS)
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o755


@ROOT_ONLY
def test_it_has_the_media_files_owner(media, sidecar):
    os.chown(media, 12345, 54321)
    write_sidecar(media, OURS)
    assert (sidecar.stat().st_uid, sidecar.stat().st_gid) == (12345, 54321)


def test_before_it_has_its_name_it_has_everything_else(media, monkeypatch):
    seen = []
    real = type(media).replace

    def replace(self, target):
        seen.append((self.read_bytes(), stat.S_IMODE(self.stat().st_mode), target.exists()))
        return real(self, target)

    monkeypatch.setattr(type(media), "replace", replace)
    write_sidecar(media, OURS)
    assert seen == [(OURS, 0o640, False)]


def test_where_we_may_not_give_files_away_the_group_is_tried_and_then_nothing(media, monkeypatch):
    asked = []

    def refuse(_, owner, group):
        asked.append((owner, group))
        raise PermissionError(1, "no")

    here = media.stat()
    monkeypatch.setattr(nfo_write.os, "fchown", refuse)
    monkeypatch.setattr(nfo_write.os, "fchmod", refuse_mode)
    monkeypatch.setattr(
        nfo_write.os,
        "fstat",
        lambda _: os.stat_result((0, 0, 0, 0, here.st_uid + 1, 0, 0, 0, 0, 0)),
    )
    assert write_sidecar(media, OURS) == "written"
    assert asked == [(here.st_uid, here.st_gid), (-1, here.st_gid)]


def refuse_mode(*_):
    raise PermissionError(1, "no permissions on this file system")


def test_the_same_again_is_left_untouched(media, sidecar):
    write_sidecar(media, OURS)
    before = sidecar.stat()
    assert write_sidecar(media, OURS) == "unchanged"
    assert (sidecar.stat().st_ino, sidecar.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )
    media.chmod(0o600)
    assert write_sidecar(media, OURS) == "written"
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o600


def test_ours_is_replaced_and_so_is_ours_with_changes(media, sidecar):
    sidecar.write_bytes(b"\xef\xbb\xbf<?xml?>\r\n" + OURS + b"<!-- edited -->" * 1000)
    assert write_sidecar(media, OURS) == "written"
    assert sidecar.read_bytes() == OURS


def test_theirs_is_kept_unless_it_shall_not_be(media, sidecar):
    for theirs in (b"<movie/>", b"", b" " * 2000 + OURS):
        sidecar.write_bytes(theirs)
        assert write_sidecar(media, OURS) == "kept"
        assert sidecar.read_bytes() == theirs
    assert write_sidecar(media, OURS, overwrite=True) == "written"
    assert sidecar.read_bytes() == OURS


def test_ours_that_another_thread_writes_just_now_is_not_taken_for_theirs(
    media, sidecar, monkeypatch
):
    def lstat(path):
        sidecar.write_bytes(OURS)
        raise FileNotFoundError(2, "not there yet", path)

    monkeypatch.setattr(nfo_write.os, "lstat", lstat)
    assert write_sidecar(media, OURS) == "written"


def test_a_link_is_theirs_and_is_never_written_through(media, sidecar, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(OURS)
    for target in (victim, tmp_path / "nothing"):
        sidecar.unlink(missing_ok=True)
        sidecar.symlink_to(target)
        assert write_sidecar(media, b"new") == "kept"
    sidecar.unlink()
    sidecar.symlink_to(victim)
    assert write_sidecar(media, b"new", overwrite=True) == "written"
    assert not sidecar.is_symlink()
    assert victim.read_bytes() == OURS


def test_one_that_cannot_be_read_is_theirs(media, sidecar, monkeypatch):
    sidecar.write_bytes(OURS)

    def refuse(*_):
        raise PermissionError(13, "no")

    monkeypatch.setattr(type(media), "open", refuse)
    assert write_sidecar(media, b"new") == "kept"


def test_a_folder_of_its_name_is_permanent(media, sidecar):
    sidecar.mkdir()
    for overwrite in (False, True):
        with pytest.raises(PermanentError, match="is a folder"):
            write_sidecar(media, OURS, overwrite=overwrite)


def test_a_temporary_name_that_is_taken_is_never_followed(media, sidecar, tmp_path):
    taken = tmp_path / "victim"
    taken.write_bytes(b"precious")
    write_sidecar(media, OURS, token=lambda: "t")
    sidecar.unlink()
    temporary = temporary_of(media)
    temporary.symlink_to(taken)
    with pytest.raises(FileExistsError):
        write_sidecar(media, OURS, token=lambda: "t")
    assert taken.read_bytes() == b"precious"
    assert temporary.is_symlink()


def temporary_of(media):
    """The name that a temporary file with the token ``t`` gets."""
    seen = []

    def note():
        raise LookupError

    real = nfo_write.os.open
    try:
        nfo_write.os.open = lambda path, *_: seen.append(path) or note()
        with pytest.raises(LookupError):
            write_sidecar(media, OURS, token=lambda: "t")
    finally:
        nfo_write.os.open = real
    return seen[0]


@pytest.mark.parametrize("broken", ["write", "fsync", "fchmod"])
def test_an_error_leaves_what_was_there(media, sidecar, monkeypatch, broken):
    sidecar.write_bytes(OURS)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(nfo_write.os, broken, fail)
    with pytest.raises(OSError, match="No space"):
        write_sidecar(media, OURS + b"new")
    assert sidecar.read_bytes() == OURS
    assert names(media.parent) == ["a.b.mkv", "a.b.nfo"]


def test_a_write_that_is_cut_short_goes_on(media, sidecar, monkeypatch):
    real = os.write
    monkeypatch.setattr(nfo_write.os, "write", lambda fd, data: real(fd, data[:7]))
    write_sidecar(media, OURS)
    assert sidecar.read_bytes() == OURS


def test_what_a_killed_attempt_left_is_swept_and_nothing_else(media):
    left = temporary_of(media)
    left.write_bytes(b"half")
    others = [media.with_name(".syncstats-000000000000-x.tmp"), media.with_name(".hidden")]
    for other in others:
        other.write_bytes(b"")
    write_sidecar(media, OURS)
    assert left.exists()
    write_sidecar(media, OURS, sweep=True)
    assert not left.exists()
    assert all(other.exists() for other in others)


def test_what_cannot_be_swept_is_no_reason_to_fail(media):
    temporary_of(media).mkdir()
    assert write_sidecar(media, OURS, sweep=True) == "written"
