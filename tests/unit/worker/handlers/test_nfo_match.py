from __future__ import annotations

from pathlib import Path

import pytest

from worker.errors import PermanentError, PlexNotFound
from worker.handlers.nfo_index import LibraryIndex
from worker.handlers.nfo_match import Match, match


@pytest.fixture
def library(tmp_path):
    folder = tmp_path / "library"
    for name in ("a.mkv", "one/b.mkv", "one/c.mkv", "two/c.mkv", "x.nfo"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder


@pytest.fixture
def find(library):
    index = LibraryIndex(library)
    return lambda path: match(str(path), library, index)


def test_the_exact_path_is_high(find, library):
    for path in ("one/b.mkv", "./one/../one/b.mkv", library / "one/b.mkv", "two/c.mkv"):
        found = find(path)
        assert found.confidence == "high"
        assert found.media == library / "one/b.mkv" or found.media == library / "two/c.mkv"


def test_only_the_name_is_low(find, library):
    expected = Match(library / "one/b.mkv", "low")
    for path in ("b.mkv", "old/b.mkv", library / "old/b.mkv", "/mnt/of/another/machine/b.mkv"):
        assert find(path) == expected


def test_no_file_of_that_name(find):
    with pytest.raises(PlexNotFound, match=r"no file in .*library' is called 'x.mkv'"):
        find("one/x.mkv")
    with pytest.raises(PlexNotFound, match="is called 'one'"):
        find("one")


def test_several_files_of_that_name(find, library):
    with pytest.raises(PlexNotFound, match=r"^2 files for 'c.mkv'.*one/c.mkv.*two/c.mkv'$"):
        find("c.mkv")
    for n in range(3):
        (library / f"d{n}").mkdir()
        (library / f"d{n}/c.mkv").write_text("")
    with pytest.raises(PlexNotFound, match=r"^5 files.*, …$"):
        find("/elsewhere/c.mkv")


def test_paths_that_lead_out_are_refused(find, library, tmp_path):
    (tmp_path / "secret.mkv").write_text("")
    (tmp_path / "a.mkv").write_text("")
    (library / "link.mkv").symlink_to(tmp_path / "secret.mkv")
    (library / "out").symlink_to(tmp_path)
    (library / "dangling.mkv").symlink_to(tmp_path / "nothing")
    for path in (
        "../secret.mkv",
        "../nothing.mkv",
        "../../../../../../../etc/passwd",
        "..",
        ".",
        tmp_path / "secret.mkv",
        tmp_path / "a.mkv",
        library / "../a.mkv",
        "link.mkv",
        "dangling.mkv",
        "out/secret.mkv",
        "out/nothing.mkv",
        library / "out/nothing.mkv",
        "/etc/passwd",
        library,
    ):
        with pytest.raises(PermanentError, match="outside the library"):
            find(path)


def test_links_inside_are_followed(find, library):
    (library / "link.mkv").symlink_to(library / "one/b.mkv")
    (library / "linked").symlink_to(library / "one")
    assert find("link.mkv") == Match(library / "link.mkv", "high")
    assert find("linked/b.mkv") == Match(library / "one/b.mkv", "high")


def test_a_library_that_is_itself_a_link(library, tmp_path):
    (tmp_path / "link").symlink_to(library)
    index = LibraryIndex(library)
    for path in ("a.mkv", tmp_path / "link/a.mkv", library / "a.mkv"):
        found = match(str(path), tmp_path / "link", index)
        assert found == Match(library / "a.mkv", "high")
    for path in (tmp_path / "link/old/b.mkv", library / "old/b.mkv"):
        assert match(str(path), tmp_path / "link", index).confidence == "low"


@pytest.mark.parametrize("path", ["a\0.mkv", "a\ud800.mkv", "x\0/a.mkv", "x" * 300 + ".mkv"])
def test_what_can_be_no_path_is_permanent(find, path):
    with pytest.raises(PermanentError, match="path of a file"):
        find(path)


@pytest.mark.parametrize("path", ["x.nfo", "/elsewhere/x.NFO"])
def test_a_sidecar_has_no_sidecar(find, path):
    with pytest.raises(PermanentError, match="is a sidecar itself"):
        find(path)


def test_other_errors_pass(find, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "no")

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(PermissionError):
        find("one/b.mkv")
