"""The text of an open file, from any place."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
from random import Random

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import REAL
from events.follow.texts import OpenText
from tests.support.following.numbered import append, lines

COMPRESS = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
TEXT = lines(1, 80_000)
assert len(TEXT) > 2 << 20


@pytest.fixture
def opened(tmp_path):
    """Opens a file of this suffix with these bytes."""
    texts = []

    def open_(data, suffix=""):
        path = tmp_path / f"app.log{suffix}"
        path.write_bytes(data)
        texts.append(OpenText(path, REAL))
        return path, texts[-1]

    yield open_
    for text in texts:
        text.close()


@pytest.mark.parametrize("suffix", COMPRESS)
def test_it_is_read_from_any_place_in_any_order(opened, suffix):
    path, text = opened(COMPRESS[suffix](TEXT), suffix)
    assert text.compressed == bool(suffix)
    random = Random(3)
    for _ in range(12):
        offset, size = random.randrange(len(TEXT) + 9), random.choice([0, 1, 300, 1 << 20])
        assert text.read_at(offset, size) == TEXT[offset : offset + size]
    assert text.status().size == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2", ".xz"])
def test_an_archive_that_is_not_finished_is_none(opened, suffix):
    data = COMPRESS[suffix](TEXT)
    path, text = opened(data[:-7], suffix)
    with pytest.raises(EventsError, match="cannot be decompressed to its end"):
        text.read_at(0, len(TEXT))
    append(path, data[-7:])
    text.again()
    assert text.read_at(0, len(TEXT)) == TEXT


def test_a_file_that_was_cut_is_asked_each_time(opened):
    path, text = opened(lines(1, 3))
    assert text.read_at(0, 1000) == lines(1, 3)
    path.write_bytes(lines(7, 7))
    assert text.read_at(0, 1000) == lines(7, 7)


def test_it_stays_the_same_file_whatever_happens_to_its_name(opened):
    path, text = opened(lines(1, 1))
    path.unlink()
    assert text.read_at(0, 100) == lines(1, 1)
    assert text.status().links == 0


@pytest.mark.parametrize(
    ("code", "raised"), [(errno.EIO, True), (errno.ESTALE, False), (errno.EROFS, False)]
)
def test_where_nothing_can_be_synced_nothing_has_to_be(opened, monkeypatch, code, raised):
    def refuse(_):
        raise OSError(code, os.strerror(code))

    _, text = opened(b"")
    text.sync()
    monkeypatch.setattr(os, "fdatasync", refuse, raising=False)
    monkeypatch.setattr(os, "fsync", refuse)
    if raised:
        with pytest.raises(OSError, match=os.strerror(code)):
            text.sync()
    else:
        text.sync()


def test_a_folder_is_no_text(tmp_path):
    with pytest.raises(EventsError):
        OpenText(tmp_path, REAL)
