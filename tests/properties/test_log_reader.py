"""Whatever the blocks, and wherever the last record ends: the valid prefix is read."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from events.filesystem import RealFileSystem
from events.log.reader import Block, BlockReader, Overlong
from events.log.recovery import read_outcomes, recover
from events.log.segment import list_segments, open_segment, segment_name
from events.log.writer import StreamWriter
from tests.support.lines import event_line, outcome_line


class Hasty(RealFileSystem):
    """Syncs as little as it can: what is on disk after a power failure is not the question here."""

    def sync_file(self, path):
        pass

    def sync_folder(self, path):
        pass


FS = Hasty()
texts = st.binary(max_size=60).map(lambda data: data.replace(b"\x00", b"\n")) | st.lists(
    st.integers(0, 20), max_size=12
).map(lambda sizes: b"".join(b"x" * size + b"\n" for size in sizes))


def naive(text, max_line):
    """The same as the reader's answer, one line after the other: text and overlong lines."""
    *whole, rest = text.split(b"\n")
    kept, overlong, at = b"", [], 0
    for line in whole:
        if len(line) + 1 > max_line:
            overlong.append(Overlong(at, len(line) + 1))
        else:
            kept += line + b"\n"
        at += len(line) + 1
    return kept, overlong, at, len(rest)


class Pieces(io.RawIOBase):
    """A stream that cannot be sought and gives its bytes in pieces of the given sizes."""

    def __init__(self, text, sizes):
        self.text = text
        self.sizes = sizes

    def readable(self):
        return True

    def readinto(self, buffer):
        size = min(self.sizes.pop() if self.sizes else 3, len(buffer), len(self.text))
        buffer[:size], self.text = self.text[:size], self.text[size:]
        return size


@settings(deadline=None)
@given(texts, st.integers(1, 70), st.integers(1, 25), st.lists(st.integers(1, 9)), st.data())
def test_any_split_into_blocks_gives_the_same_lines(text, block_bytes, max_line, sizes, data):
    begins = [0, *(i + 1 for i, byte in enumerate(text) if byte == 0x0A)]
    offset = data.draw(st.sampled_from(begins))
    kept, overlong, end, rest = naive(text[offset:], max_line)
    for file in (io.BytesIO(text), Pieces(text, sizes)):
        reader = BlockReader(file, offset, block_bytes=block_bytes, max_line=max_line)
        items = list(reader)
        assert b"".join(item.data for item in items if isinstance(item, Block)) == kept
        assert [
            (item.offset - offset, item.length) for item in items if isinstance(item, Overlong)
        ] == [(item.offset, item.length) for item in overlong]
        ends = [offset, *(item.end for item in items)]
        assert [item.offset for item in items] == ends[:-1]
        for item in items:
            if isinstance(item, Block):
                assert item.data == text[item.offset : item.end]
                assert item.data.endswith(b"\n")
        assert (reader.offset, reader.incomplete) == (offset + end, rest)


@settings(deadline=None)
@given(texts, st.lists(st.integers(0, 20)), st.integers(1, 70), st.integers(1, 25))
def test_following_a_file_that_grows_gives_each_line_once(text, sizes, block_bytes, max_line):
    file = io.BytesIO()
    reader = BlockReader(file, block_bytes=block_bytes, max_line=max_line)
    items = []
    for size in [*sizes, len(text)]:
        place = file.tell()
        written = file.seek(0, io.SEEK_END)
        file.write(text[written : written + size])
        file.seek(place)
        items.extend(reader)
        assert reader.offset + reader.incomplete == len(file.getvalue())
    kept, overlong, end, rest = naive(text, max_line)
    assert b"".join(item.data for item in items if isinstance(item, Block)) == kept
    assert [item for item in items if isinstance(item, Overlong)] == overlong
    assert (reader.offset, reader.incomplete) == (end, rest)


events = st.builds(
    lambda event, filling: (event, filling),
    st.sampled_from(["job.succeeded", "job.failed", "job.skipped", "worker.started"]),
    st.text(max_size=40),
)


def line_of(seq, event):
    kind, filling = event
    make = event_line if kind == "worker.started" else outcome_line
    return make(seq, event=kind, note=filling)


def text_of(folder):
    texts = []
    for segment in list_segments(folder, FS):
        with open_segment(segment, FS) as file:
            texts.append(file.read())
    return b"".join(texts)


@settings(deadline=None, max_examples=80)
@given(st.data(), st.lists(events, max_size=12), st.lists(events, max_size=4), st.integers(1, 900))
def test_a_log_cut_anywhere_recovers_its_whole_lines_and_goes_on(data, before, after, limit):
    """The last segment loses any number of its last bytes, as when the power fails."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "s"
        folder.mkdir()
        writer = StreamWriter(folder, next_seq=0, fs=FS, segment_bytes=limit)
        lines = [line_of(seq, event) for seq, event in enumerate(before)]
        for line in lines:
            writer.append(line, 1)
        writer.close()
        written = text_of(folder)
        assert written == b"".join(lines)
        segments = list_segments(folder, FS)
        if segments:
            path = segments[-1].path
            cut = data.draw(st.integers(0, path.stat().st_size))
            last = path.read_bytes()
            path.write_bytes(last[:cut])
            written = written[: len(written) - len(last) + cut]
        whole = written[: written.rfind(b"\n") + 1]
        count = whole.count(b"\n")

        recovered = recover(folder, FS)
        assert text_of(folder) == whole
        assert recovered.next_seq == count
        torn = b"" if recovered.torn is None else recovered.torn.path.read_bytes()
        assert whole + torn == written

        again = recover(folder, FS)
        assert (again.next_seq, again.tail, again.torn) == (count, recovered.tail, None)

        writer = StreamWriter(
            folder, next_seq=again.next_seq, tail=again.tail, fs=FS, segment_bytes=limit
        )
        more = [line_of(count + number, event) for number, event in enumerate(after)]
        for line in more:
            writer.append(line, 1)
        writer.sync()
        writer.close()
        assert text_of(folder) == whole + b"".join(more)
        outcomes = [
            seq
            for seq, (kind, _) in enumerate([*before[:count], *after])
            if kind != "worker.started"
        ]
        start = data.draw(st.integers(0, count + len(after)))
        found = [line.seq for line in read_outcomes(folder, start, FS)]
        assert found == [seq for seq in outcomes if seq >= start]
        names = [segment.path.name for segment in list_segments(folder, FS)]
        assert names == sorted(names)
        assert not names or names[0] == segment_name(0)
