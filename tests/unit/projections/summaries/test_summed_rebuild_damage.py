"""Summaries that cannot be believed, or are gone: as if there were none, and made anew."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import pytest

from projections.entry import FOLD_VERSION
from tests.support.log_folders import segment
from tests.support.summed_logs import LAST, read_by_rebuild, summary_files, summed, touch

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data(tmp_path):
    return summed(tmp_path / "data")


def spoilt(path: Path, how: str) -> None:
    text = path.read_bytes()
    head, *rest = text.splitlines(keepends=True)
    other = json.loads(head)["summary"]
    changes = {
        "empty": b"",
        "cut": text[:-10],
        "cut in its first line": head[:-10],
        "no JSON": b"\xff" * 40,
        "deep": b"[" * 100_000,
        "another number": text.replace(b'"jobs_failed":', b'"jobs_failed":1'),
        "another moment": text.replace(b'"as_of":"2026', b'"as_of":"2025'),
        "another size": text.replace(b'"size":', b'"size":1'),
        "older fold": signed(other | {"fold": FOLD_VERSION - 1}, rest),
        "newer layout": signed(other | {"schema": 99}, rest),
        "no text": signed_text(json.dumps(other).encode().replace(b'"a"', b'"\xff"'), rest),
        "another stream": signed(other | {"stream": "b"}, rest),
        "no segments": signed(other | {"files": []}, rest),
        "other things": signed({"schema": "one"}, rest),
        "other lines": head + signed([], []) + signed({"segment": 4, "entry": 0}, rest[2:]),
        "no entry": signed(other | {"entry": {}}, rest),
        "lines of each other": head + b"".join(reversed(rest)),
    }
    path.write_bytes(changes[how])


def signed(content: object, rest: list[bytes]) -> bytes:
    """A first line with a checksum that is right, and the others."""
    return signed_text(json.dumps(content).encode(), rest)


def signed_text(data: bytes, rest: list[bytes]) -> bytes:
    return b'{"crc32":%d,"summary":%b}\n' % (zlib.crc32(data), data) + b"".join(rest)


@pytest.mark.parametrize(
    ("how", "read"),
    [
        ("empty", 6),
        ("cut", 1),
        ("cut in its first line", 6),
        ("no text", 6),
        ("no JSON", 6),
        ("deep", 6),
        ("another number", 6),
        ("another moment", 6),
        ("another size", 6),
        ("older fold", 6),
        ("newer layout", 6),
        ("another stream", 6),
        ("no segments", 6),
        ("other things", 6),
        ("other lines", 1),
        ("no entry", 1),
        ("lines of each other", 1),
    ],
)
def test_it_is_as_if_it_were_not_there_and_made_anew(data, how, read):
    (path,) = summary_files(data)
    before = path.read_bytes()
    spoilt(path, how)
    assert len(read_by_rebuild(data)) == read
    if read > 1:
        assert path.read_bytes() == before


@pytest.mark.parametrize("how", ["cut", "lines of each other", "other lines", "no entry"])
def test_a_damaged_line_costs_no_more_than_its_segment(data, how):
    (path,) = summary_files(data)
    spoilt(path, how)
    touch(segment(data, first=0))
    read = read_by_rebuild(data)
    assert (
        read
        == {
            "cut": ["0.jsonl", "16.jsonl", LAST],
            "lines of each other": ["0.jsonl", "12.jsonl", "16.jsonl", LAST, "4.jsonl"],
            "other lines": ["0.jsonl", LAST, "4.jsonl"],
            "no entry": ["0.jsonl", LAST],
        }[how]
    )
    assert read_by_rebuild(data) == [LAST]


def test_files_that_nobody_of_us_wrote_are_left_alone(data):
    folder = summary_files(data)[0].parent
    (folder / "notes.txt").write_text("mine")
    (folder / f"{4:020d}.json").mkdir()
    assert read_by_rebuild(data) == [LAST]
    assert (folder / "notes.txt").read_text() == "mine"


def test_all_may_be_removed(data):
    for path in summary_files(data):
        path.unlink()
    (data / "summaries" / "a").rmdir()
    (data / "summaries").rmdir()
    assert len(read_by_rebuild(data)) == 6
