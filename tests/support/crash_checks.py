"""What has to hold of a log and its stats after a crash; each check raises AssertionError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.codec import decode
from events.errors import InvalidLineError
from events.log.pruned import pruned_end
from events.log.recovery import Recovered, recover
from events.log.segment import list_segments, open_segment
from events.log.stream import list_streams, stream_folder
from events.model import STREAM_OPENED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from random import Random

    from events.model import Line
    from tests.support.model_filesystem import ModelFileSystem

Lines = dict[int, bytes]


def segments_of(fs: ModelFileSystem, data: Path, stream: str) -> dict[str, bytes]:
    """The text of each segment of a stream by its name."""
    folder = stream_folder(data, stream)
    found = {}
    for segment in list_segments(folder, fs):
        with open_segment(segment, fs) as file:
            found[segment.path.name] = file.read()
    return found


def texts_of(fs: ModelFileSystem, data: Path) -> dict[str, dict[str, bytes]]:
    """`segments_of` for all streams."""
    return {stream: segments_of(fs, data, stream) for stream in list_streams(data, fs)}


def lines_of(
    fs: ModelFileSystem, data: Path, stream: str, *, after_lost_pages: bool = False
) -> Lines:
    """A stream's lines by their numbers; what stands twice has to be the same.

    Args:
        fs: Where it is.
        data: The data folder.
        stream: The stream.
        after_lost_pages: A sync had failed: lines may stand twice, and of those that were never
            acknowledged some may be damaged or missing.
    """
    lines: Lines = {}
    for name, text in segments_of(fs, data, stream).items():
        for line in text.split(b"\n")[:-1]:
            event = _event(line)
            if event is None:
                assert after_lost_pages, f"{name} has an invalid line: {line!r}"
                continue
            assert isinstance(event.seq, int)
            assert event.stream == stream
            assert after_lost_pages or event.seq not in lines, f"line {event.seq} stands twice"
            assert lines.setdefault(event.seq, line) == line, f"number {event.seq} was given twice"
    assert after_lost_pages or [*lines] == sorted(lines), "lines are out of order"
    begin = pruned_end(stream_folder(data, stream), fs)  # what is left below it counts no more
    there = sorted(seq for seq in lines if seq >= begin)
    assert after_lost_pages or there == [*range(begin, begin + len(there))], "a line is missing"
    return lines


def check_logs(
    fs: ModelFileSystem,
    data: Path,
    promised: Mapping[str, Lines],
    *,
    after_lost_pages: bool = False,
) -> dict[str, Lines]:
    """Every stream is in order and holds what was promised; returns the lines."""
    found = {
        stream: lines_of(fs, data, stream, after_lost_pages=after_lost_pages)
        for stream in list_streams(data, fs)
    }
    for stream, lines in promised.items():
        for seq, line in lines.items():
            assert found.get(stream, {}).get(seq) == line, f"line {seq} of {stream} is lost"
    for lines in found.values():
        opened = [decode(line) for line in lines.values() if STREAM_OPENED.encode() in line]
        epochs = [event.epoch for event in opened if event.event == STREAM_OPENED]
        assert len(epochs) == len(set(epochs)), "an epoch was opened twice"
    return found


def check_recovery(
    fs: ModelFileSystem, data: Path, rng: Random, *, after_lost_pages: bool = False
) -> dict[str, Recovered]:
    """Every stream can be put in order, all of it and for good; to do so again changes nothing."""
    found = {}
    for stream in list_streams(data, fs):
        folder = stream_folder(data, stream)
        before = segments_of(fs, data, stream)
        recovered = found[stream] = recover(folder, fs)
        expected, torn = dict(before), b""
        if before and max(before).endswith(".jsonl"):
            last = max(before)
            end = before[last].rfind(b"\n") + 1
            expected[last], torn = before[last][:end], before[last][end:]
        assert segments_of(fs, data, stream) == expected, "only what is torn goes"
        assert (b"" if recovered.torn is None else _text(fs, recovered.torn.path)) == torn
        lines = lines_of(fs, data, stream, after_lost_pages=after_lost_pages)
        end = max(max(lines, default=-1) + 1, pruned_end(folder, fs))
        assert recovered.next_seq == end or (after_lost_pages and recovered.next_seq > end)
        _check_again(fs, folder, recovered)
    kept = texts_of(fs, data)
    sides = [recovered.torn.path for recovered in found.values() if recovered.torn is not None]
    for _, later in fs.power_cuts(rng, 3):
        if after_lost_pages:  # an older segment may have lost what stands in a newer one too
            for stream in kept:
                lines = lines_of(fs, data, stream, after_lost_pages=True)
                on_disk = lines_of(later, data, stream, after_lost_pages=True)
                assert on_disk == lines, "what is in order is on the disk"
            continue
        assert texts_of(later, data) == kept, "what is in order is on the disk"
        for side in sides:
            assert later.exists(side), "so is what was cut off"
            assert _text(later, side) == _text(fs, side), "so is what was cut off"
    return found


def _check_again(fs: ModelFileSystem, folder: Path, recovered: Recovered) -> None:
    content = fs.disk.content()
    again = recover(folder, fs)
    assert (again.next_seq, again.tail, again.torn) == (recovered.next_seq, recovered.tail, None)
    assert fs.disk.content() == content


def _event(line: bytes) -> Line | None:
    try:
        return decode(line)
    except InvalidLineError:
        return None


def _text(fs: ModelFileSystem, path: Path) -> bytes:
    with fs.open_read(path) as file:
        return file.read()
