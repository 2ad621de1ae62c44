from __future__ import annotations

import os
from pathlib import Path

import pytest

from events.filesystem import RealFileSystem
from projections.errors import SourceError
from projections.sources import Source, find_sources, total_bytes
from tests.support.log_folders import append, compress, segment

FS = RealFileSystem()


def found(*paths) -> list[tuple[str, str]]:
    return [(s.kind, s.path.name) for s in find_sources([str(p) for p in paths], FS)]


@pytest.fixture
def data(tmp_path):
    """A data folder with streams a and b, and what else lies in one."""
    data = tmp_path / "data"
    append(segment(data), b"1\n")
    append(segment(data, "b"), b"22\n")
    (data / "events" / "empty").mkdir()
    (data / "events" / ".hidden").mkdir()
    (data / "events" / "loose.jsonl").touch()
    (data / "events" / "a" / "lock").touch()
    (data / "events" / "a" / f"{0:020d}.torn-7").touch()
    (data / "queue.db").touch()
    (data / "stats.json").touch()
    return data


def test_a_data_folder_and_its_event_log_are_their_streams(data):
    assert found(data) == found(data / "events") == [("stream", "a"), ("stream", "b")]


def test_a_stream_alone_is_that_stream(data, monkeypatch):
    assert found(data / "events" / "a") == [("stream", "a")]
    monkeypatch.chdir(data / "events" / "a")
    assert found(".") == [("stream", "a")]
    assert found("..") == [("stream", "a"), ("stream", "b")]


def test_a_streams_folder_elsewhere_is_files_of_lines(data, tmp_path):
    """It may have been copied under another name, so its name says nothing of its lines."""
    (data / "events" / "a").rename(tmp_path / "copy")
    assert found(tmp_path / "copy") == [("file", f"{0:020d}.jsonl")]


def test_a_folder_of_streams_by_any_name(data, tmp_path):
    (data / "events").rename(tmp_path / "backup")
    assert found(tmp_path / "backup") == [
        ("stream", "a"),
        ("stream", "b"),
        ("file", "loose.jsonl"),
    ]


def test_links_to_the_log_and_to_a_stream_are_followed(data, tmp_path):
    (data / "events").rename(tmp_path / "elsewhere")
    (data / "events").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "b").rename(tmp_path / "far")
    (data / "events" / "b").symlink_to(tmp_path / "far")
    assert found(data) == [("stream", "a"), ("stream", "b")]


def test_a_folder_of_files(tmp_path):
    lines = ("a.jsonl.gz", "b.jsonl", "c.jsonl.zst", "d.jsonl.bz2", "e.jsonl.xz")
    for name in (*lines, "d.json", "e.txt", "jsonl", "f.jsonl.zip"):
        (tmp_path / name).touch()
    (tmp_path / "f.jsonl").mkdir()
    assert found(tmp_path) == [("file", name) for name in lines]


def test_folders_that_are_only_called_like_ours(tmp_path):
    """Another application has a folder `events` too."""
    (tmp_path / "events" / "2026").mkdir(parents=True)
    (tmp_path / "events" / "app.jsonl").touch()
    (tmp_path / "events" / "2026" / "app.jsonl").touch()
    (tmp_path / "top.jsonl").touch()

    assert found(tmp_path / "events") == [("file", "app.jsonl")]
    assert found(tmp_path / "events" / "2026") == [("file", "app.jsonl")]
    assert found(tmp_path) == [("file", "top.jsonl")]


def test_of_a_segment_and_its_compressed_twin_one_is_read(data):
    compress(segment(data), ".gz", keep=True)
    elsewhere = data.parent / "copy"
    (data / "events" / "a").rename(elsewhere)
    assert found(elsewhere) == [("file", f"{0:020d}.jsonl")]


def test_globs(data, tmp_path):
    (tmp_path / "x.log").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "y.log").touch()

    assert found(tmp_path / "*.log") == [("file", "x.log")]
    assert found(tmp_path / "**" / "*.log") == [("file", "y.log"), ("file", "x.log")]
    assert found(data / "ev*") == [("stream", "a"), ("stream", "b")]


def test_a_glob_that_names_streams_and_their_segments_reads_them_once(data):
    assert found(data / "events" / "**") == [
        ("stream", "a"),
        ("stream", "b"),
        ("file", f"{0:020d}.torn-7"),
        ("file", "lock"),
        ("file", "loose.jsonl"),
    ]
    assert found(segment(data), data) == [("stream", "a"), ("stream", "b")]


def test_a_name_with_a_globs_characters_is_itself_if_it_is_there(tmp_path):
    (tmp_path / "x[1].jsonl").touch()
    (tmp_path / "x1.jsonl").touch()
    assert found(tmp_path / "x[1].jsonl") == [("file", "x[1].jsonl")]


def test_each_thing_is_read_once(data, tmp_path):
    (tmp_path / "x").touch()
    (tmp_path / "link").symlink_to(tmp_path / "x")
    os.link(tmp_path / "x", tmp_path / "hard")
    again = [tmp_path / "x", "-", tmp_path / "link", tmp_path / "hard", "-", data, data / "events"]

    assert found(*again) == [("file", "x"), ("stdin", "-"), ("stream", "a"), ("stream", "b")]


def test_pipes_are_read_where_they_are_asked_for(tmp_path):
    os.mkfifo(tmp_path / "p.jsonl")

    assert found(tmp_path / "p.jsonl") == [("pipe", "p.jsonl")]
    assert found(tmp_path) == [("file", "p.jsonl")], "which is refused when it is opened"
    assert found(tmp_path / "*.jsonl") == [("file", "p.jsonl")]


def test_names_that_are_no_utf8(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.jsonl")).touch()
    assert found(tmp_path) == [("file", "\udcff.jsonl")]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none", "none does not exist"),
        ("none*", "none* matches nothing"),
        ("empty", "empty holds no .jsonl files and no streams"),
        ("empt?", "empt? matches nothing that could be read"),
        ("x" * 300, "cannot be read: File name too long"),
    ],
)
def test_what_names_nothing_is_told(path, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("empty").mkdir()
    with pytest.raises(SourceError) as caught:
        find_sources([path], FS)
    assert why in str(caught.value)


def test_a_folder_that_may_not_be_listed(tmp_path):
    class Forbidding(RealFileSystem):
        def list_folder(self, path):
            raise PermissionError(13, "Permission denied", str(path))

    with pytest.raises(SourceError, match=f"{tmp_path} cannot be read: Permission denied"):
        find_sources([str(tmp_path)], Forbidding())


def test_a_data_folder_may_hold_no_events_yet(tmp_path):
    (tmp_path / "queue.db").touch()
    assert found(tmp_path) == []
    (tmp_path / "events").mkdir()
    assert found(tmp_path) == found(tmp_path / "events") == []


def test_how_much_there_is_to_read(data, tmp_path):
    (tmp_path / "x").write_bytes(b"4444")
    both = find_sources([str(data), str(tmp_path / "x")], FS)

    assert total_bytes(both, FS) == 2 + 3 + 4
    assert total_bytes([], FS) == 0
    assert total_bytes([*both, Source("stdin", Path("-"))], FS) is None
    assert total_bytes([Source("pipe", tmp_path / "x")], FS) is None
    assert total_bytes([Source("file", tmp_path / "gone")], FS) is None
    for suffix in (".gz", ".zst", ".bz2", ".XZ"):
        (tmp_path / f"x.log{suffix}").touch()
        assert total_bytes([Source("file", tmp_path / f"x.log{suffix}")], FS) is None
    compress(segment(data), ".zst")
    assert total_bytes(both, FS) is None


def test_a_segment_that_is_compressed_meanwhile(data):
    class Compressing(RealFileSystem):
        def identity(self, path):
            if Path(path).suffix == ".jsonl":
                raise FileNotFoundError(path)
            return super().identity(path)

    assert len(find_sources([str(data)], Compressing())) == 2
