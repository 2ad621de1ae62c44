"""A log cut at every byte of its last two records: the valid prefix stays, and all goes on."""

from __future__ import annotations

import io
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import settings

from events.limits import MAX_LINE_BYTES
from events.log import recovery
from events.log.owner import write_owner
from events.log.reader import BLOCK_BYTES, Block, BlockReader
from events.log.recovery import read_outcomes, recover
from events.log.segment import segment_name
from events.log.stream import stream_folder
from events.log.writer import StreamWriter
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.crash_checks import segments_of
from tests.support.crashing_log import DATA
from tests.support.held_clock import HeldClock
from tests.support.lines import outcome_line
from tests.support.model_filesystem import ModelFileSystem

EXAMPLES = settings.default.max_examples
FOLDER = stream_folder(DATA, "s")
SEGMENT = FOLDER / segment_name(0)
BEFORE = outcome_line(0) + outcome_line(1)
LONGEST = outcome_line(2, note="x" * (MAX_LINE_BYTES - len(outcome_line(2, note=""))))
SHAPES = {
    "plain": [outcome_line(2), outcome_line(3)],
    "escapes": [
        outcome_line(2, event="job.failed", error='a\n"b"\\ \x00 \u2028'),
        outcome_line(3, error="äöü \U0001f600"),
    ],
    "escaped surrogates": [
        outcome_line(2).replace(b"}", b',"x":"\\ud83d\\ude00 \\\\"}'),
        outcome_line(3).replace(b"}", b',"y":{"seq":9}}'),
    ],
    "empty lines": [outcome_line(2) + b"\n\n", b"\n" + outcome_line(3) + b"\n"],
    "invalid lines": [
        outcome_line(2).replace(b'"job_id":2', b'"job_id":"two"'),
        b'no json, "seq":7\n',
    ],
    "line ends of other systems": [outcome_line(2)[:-1] + b"\r\n", b"\r\n"],
}


def cut_log(text):
    """A disk with a stream of which so much is left."""
    fs = ModelFileSystem()
    fs.make_folder(FOLDER)
    write_owner(FOLDER, fs, "boot")
    fs.write_new(SEGMENT, text)
    return fs


def new_runner(fs, notices):
    runner = Runner(DATA, fs=fs, clock=HeldClock(), notice=notices.append)
    runner.start()
    runner.catch_up()
    return runner


def assert_agree(runner, text, fs):
    """The runner's numbers are those of a replay of the text, and of a check from scratch."""
    runner.save()
    again = replay(["-"], stdin=io.BytesIO(text))
    assert runner.snapshot.total() == again.snapshot.total()
    assert runner.snapshot.invalid_lines == again.snapshot.invalid_lines
    assert again.incomplete_lines == (not text.endswith(b"\n"))
    checked = verify(DATA, fs=fs)
    assert (checked.differences, checked.behind) == ((), 0)
    assert checked.incomplete_lines == again.incomplete_lines


def check_cut(text):
    end = text.rfind(b"\n") + 1
    whole, torn = text[:end], text[end:]
    fs = cut_log(text)
    with fs.open_read(SEGMENT) as file:
        reader = BlockReader(file)
        assert b"".join(item.data for item in reader if isinstance(item, Block)) == whole
        assert (reader.offset, reader.incomplete) == (end, len(torn))
    notices = []
    runner = new_runner(fs, notices)
    assert_agree(runner, text, fs)
    seqs = [line.seq for line in read_outcomes(FOLDER, 0, fs)]
    assert seqs == sorted(set(seqs))
    assert len(seqs) == runner.snapshot.total().jobs_processed

    recovered = recover(FOLDER, fs)
    assert segments_of(fs, DATA, "s") == {SEGMENT.name: whole}
    assert (recovered.torn is None) == (torn == b"")
    if recovered.torn is not None:
        with fs.open_read(recovered.torn.path) as file:
            assert file.read() == torn
    content = fs.disk.content()
    again = recover(FOLDER, fs)
    assert (again.next_seq, again.tail, again.torn) == (recovered.next_seq, (0, end), None)
    assert fs.disk.content() == content

    line = outcome_line(again.next_seq)
    with_more = whole + line
    writer = StreamWriter(FOLDER, next_seq=again.next_seq, fs=fs, tail=again.tail)
    writer.append(line, 1)
    writer.sync()
    writer.close()
    assert segments_of(fs.after_power_cut(), DATA, "s") == {SEGMENT.name: with_more}
    assert [line.seq for line in read_outcomes(FOLDER, 0, fs)] == [*seqs, again.next_seq]
    runner.catch_up()
    assert_agree(runner, with_more, fs)
    assert new_runner(fs, notices).snapshot == runner.snapshot
    assert notices == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_log_cut_at_every_byte_of_its_last_two_records(shape):
    text = BEFORE + b"".join(SHAPES[shape])
    for cut in range(len(BEFORE), len(text) + 1):
        check_cut(text[:cut])


@pytest.mark.parametrize(
    "after",
    [b"", outcome_line(3), outcome_line(3)[:9]],
    ids=["last", "last but one", "before a torn one"],
)
def test_one_that_ends_with_a_line_as_long_as_a_line_may_be(after):
    """Cut at places that differ, and some others: every byte of it would take hours."""
    assert len(LONGEST) == MAX_LINE_BYTES
    text = BEFORE + LONGEST + after
    begin = len(BEFORE)
    cuts = {begin, begin + 1, begin + 60, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1}
    cuts |= {len(text) - back for back in range(4)} | {begin + len(LONGEST) + d for d in (-1, 0, 1)}
    cuts |= set(Random(1).sample(range(begin, len(text)), EXAMPLES // 10))
    for cut in sorted(cut for cut in cuts if cut <= len(text)):
        check_cut(text[:cut])


@pytest.mark.parametrize(
    "end_of_lines",
    [lambda _, size: size, lambda file, size: file.read(max(size - 1, 0)).rfind(b"\n") + 1],
    ids=["what is torn stays", "a whole line is cut off"],
)
def test_each_mistake_is_found(end_of_lines):
    with (
        patch.object(recovery, "_end_of_lines", end_of_lines),
        pytest.raises(AssertionError),
    ):
        test_a_log_cut_at_every_byte_of_its_last_two_records("plain")
