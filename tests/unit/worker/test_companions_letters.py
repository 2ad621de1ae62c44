"""Dead letters that are older than the log."""

from __future__ import annotations

from sync_queue.dlq import DeadLetterQueue
from tests.support.restoring import (
    at,
    lose,
    restore,
    save,
    start,
    work,
)

LACKS = "dlq.db lacks dead letters that the queue knows of"


def test_lost_dead_letters_are_told_until_they_are_put_back(data):
    work(data, 2, dead=True)
    assert start(data) == []
    lose(data, "dlq.db")
    for _ in range(2):
        (notice,) = start(data)
        assert LACKS in notice
        assert f"`syncstats dlq restore --data {data}` puts them back" in notice
    # new letters of the same stream do not hide that the old ones are missing
    work(data, 1, dead=True)
    assert LACKS in start(data)[0]


def test_older_dead_letters_are_told(data):
    work(data, 1, dead=True)
    save(data, "dlq.db")
    work(data, 1, dead=True)
    restore(data, "dlq.db")
    assert LACKS in start(data)[0]


def test_a_file_lost_before_anything_died_is_nothing_to_tell(data):
    work(data, 2)
    lose(data, "dlq.db")
    assert work(data, 1)[1] == []
    with at(data) as place:
        assert place.queue.companions.letters() == (place.letters.dlq_id, False)


def test_letters_that_were_purged_are_not_missing(data):
    work(data, 2, dead=True)
    DeadLetterQueue(data).purge(everything=True)
    assert start(data) == []


def test_letters_that_an_older_queue_does_not_know_are_not_missing_either(data):
    with at(data) as place:
        place.enqueue(2)
    save(data, "queue.db")
    work(data, dead=True)
    restore(data, "queue.db")
    assert len(start(data)) == 1
    lose(data, "dlq.db")
    assert LACKS in start(data)[0]
