from __future__ import annotations

import os

import pytest

from events.filesystem import RealFileSystem
from events.log.stream import (
    list_streams,
    misnamed_streams,
    new_stream_id,
    stream_folder,
    valid_stream_name,
)

FS = RealFileSystem()


@pytest.mark.parametrize(
    ("host", "readable"),
    [
        ("nas-1", "nas-1"),
        ("NAS.local", "nas-local"),
        ("..", "worker"),
        ("", "worker"),
        ("ünïcode", "n-code"),
        ("-" + "a" * 100, "-" + "a" * 31),
        ("a" * 31 + "-b", "a" * 31),
        ("a\n/../b", "a-b"),
    ],
)
def test_a_new_id_is_readable_and_a_valid_name(host, readable):
    name = new_stream_id(host, lambda size: bytes(range(size)))
    assert name == readable.strip("-") + "-aaaqeayea"[:9]
    assert valid_stream_name(name)


def test_two_new_ids_differ():
    assert new_stream_id("nas") != new_stream_id("nas")


@pytest.mark.parametrize("name", ["a", "nas-1-x7f2", "_A.b-9", "-a", "a" * 100])
def test_valid_names(name):
    assert valid_stream_name(name)


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".a", "a/b", "a b", "a\n", "a" * 101, "ä", "b\udcff", "٣"]
)
def test_names_that_are_none(name):
    assert not valid_stream_name(name)


def test_the_folder_of_a_stream(tmp_path):
    assert stream_folder(tmp_path, "s") == tmp_path / "events" / "s"


def test_streams_are_the_folders_with_valid_names(tmp_path):
    assert list_streams(tmp_path, FS) == []
    for name in ("b", "a", ".hidden", os.fsdecode(b"c\xff")):
        stream_folder(tmp_path, name).mkdir(parents=True)
    stream_folder(tmp_path, "file").touch()
    stream_folder(tmp_path, "link").symlink_to("a")
    stream_folder(tmp_path, "dangling").symlink_to("nowhere")
    stream_folder(tmp_path, "link-to-file").symlink_to("file")
    assert list_streams(tmp_path, FS) == ["a", "b", "link"]


def test_folders_of_segments_that_are_no_streams_for_their_names(tmp_path):
    assert misnamed_streams(tmp_path, FS) == []
    for name in ("a", "a b", ".old", "lost+found", "c\udcff"):
        stream_folder(tmp_path, name).mkdir(parents=True)
    stream_folder(tmp_path, "a file").touch()
    for name in ("a", "a b", ".old", "c\udcff"):
        (stream_folder(tmp_path, name) / f"{0:020d}.jsonl").touch()
    assert misnamed_streams(tmp_path, FS) == [".old", "a b", "c\udcff"]
