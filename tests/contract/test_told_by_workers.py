"""What a worker's log tells the queue and the dead letters: the real ones and their stand-in."""

from __future__ import annotations

from contextlib import closing

import pytest

from events.log.segment import segment_name
from events.log.stream import stream_folder
from sync_queue.dead_letters import DeadLetter
from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import Ending
from sync_queue.queue import JobQueue
from tests.support.crashing_log import DATA, Hearer, Promises
from tests.support.lines import outcome_line
from tests.support.model_filesystem import ModelFileSystem


def letter(seq):
    return DeadLetter(seq, None, {}, "E", "", "", 1, failed_at_us=0, stream="s", seq=seq)


@pytest.fixture(params=["real", "stand-in"])
def told(request, tmp_path):
    """A queue and dead letters; and a log with the lines that they will be told of."""
    if request.param == "real":
        with closing(JobQueue(tmp_path)) as queue, closing(DeadLetterQueue(tmp_path)) as letters:
            yield queue, letters
        return
    fs = ModelFileSystem()
    fs.make_folder(stream_folder(DATA, "s"))
    lines = b"".join(outcome_line(seq) for seq in range(9))
    fs.write_new(stream_folder(DATA, "s") / segment_name(0), lines)
    hearer = Hearer(fs, Promises())
    yield hearer, hearer


def test_nothing_is_known_of_a_new_stream(told):
    queue, letters = told
    assert isinstance(queue.queue_id, str)
    assert queue.companions.stream("s").next_seq == 0
    assert queue.highest_lease_seq("s") is None
    assert letters.highest_seq("s") is None


def test_outcomes_are_known_up_to_the_highest(told):
    queue, _ = told
    assert queue.apply("s", [Ending(1, 1, 3), Ending(2, 1, 4)], claim=0, next_seq=5) == []
    assert queue.companions.stream("s").next_seq == 5
    assert queue.apply("s", [Ending(3, 1, 2)]) == []
    assert queue.companions.stream("s").next_seq == 5
    assert queue.apply("s", []) == []
    assert queue.highest_lease_seq("s") is None
    assert queue.companions.stream("t").next_seq == 0


def test_dead_letters_are_known_by_their_outcome(told):
    _, letters = told
    letters.insert([letter(2), letter(6)])
    assert letters.highest_seq("s") == 6
    letters.insert([letter(6)])
    assert letters.highest_seq("s") == 6
    assert letters.highest_seq("t") is None
