"""Frames of Zstandard, of all shapes, whole and cut at every place."""

from __future__ import annotations

import io
import random

import pytest
import zstandard

from events.log.decompressing import DamageError
from events.log.frames import frames

TEXT = b"".join(b'{"number":%d}\n' % random.Random(7).randrange(10**n) for n in range(1, 40))
SKIPPED = b"\x53\x2a\x4d\x18" + (9).to_bytes(4, "little") + b"something"


def frame(text, **options):
    return zstandard.ZstdCompressor(**options).compress(text)


def streamed(text, **options):
    """A frame that does not say how long its text is, with a block for each piece."""
    compressor = zstandard.ZstdCompressor(**options).compressobj()
    pieces = [compressor.compress(text[at : at + 100]) for at in range(0, len(text), 100)]
    flushed = compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    return b"".join([*pieces, flushed, compressor.flush()])


FRAMES = {
    "with its size": frame(TEXT),
    "with a check sum": frame(TEXT, write_checksum=True),
    "without its size": frame(TEXT, write_content_size=False),
    "streamed": streamed(TEXT),
    "streamed with a check sum": streamed(TEXT, write_checksum=True),
    "empty": frame(b""),
    "empty, streamed": streamed(b""),
    "a run": frame(b"\n" * 300_000),
    "long": frame(TEXT * 300),
    "as it is": frame(random.Random(7).randbytes(300_000)),
    "skipped": SKIPPED,
    "skipped, with nothing in it": SKIPPED[:4] + bytes(4),
}


def texts_of(data, size=1 << 20):
    """What is read before the end or the damage, and whether it was damage."""
    text, view = frames(io.BytesIO(data)), memoryview(bytearray(size))
    found = b""
    while True:
        try:
            count = text.readinto(view)
        except DamageError:
            return found, True
        if not count:
            return found, False
        found += view[:count]


def text_of(data):
    reader = zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True)
    return reader.read()


@pytest.mark.parametrize("size", [7, 1000, 1 << 20])
def test_frames_of_all_shapes_are_one_text(size):
    data = b"".join(FRAMES.values())
    if size == 7:
        data = b"".join(each for name, each in FRAMES.items() if len(text_of(each)) < 5000)
    assert texts_of(data, size) == (text_of(data), False)


@pytest.mark.parametrize("shape", FRAMES.values(), ids=FRAMES)
def test_a_frame_that_was_cut_short_is_told(shape):
    whole = b"".join([FRAMES["streamed"], shape])
    begin, step = len(FRAMES["streamed"]), max(len(shape) // 60, 1)
    for cut in [*range(begin + 1, len(whole), step), len(whole) - 1]:
        found, is_damaged = texts_of(whole[:cut])
        assert is_damaged, f"cut at {cut - begin} of {len(shape)}"
        assert found.startswith(TEXT)
        assert text_of(whole).startswith(found)
    assert texts_of(whole) == (text_of(whole), False)


def test_bytes_that_are_changed_cost_only_what_follows():
    text = random.Random(7).randbytes(400_000).hex().encode()
    whole = bytearray(streamed(text, write_checksum=True))
    whole[len(whole) // 2 : len(whole) // 2 + 30] = bytes(30)
    found, is_damaged = texts_of(bytes(whole))
    assert is_damaged
    third = len(text) // 3  # the block that was changed may pass for another text
    assert found[:third] == text[:third]
