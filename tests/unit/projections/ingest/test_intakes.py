from __future__ import annotations

from pathlib import Path

import pytest

from events.log.reader import Block
from projections.fold import Fold
from projections.ingest.intakes import Intakes
from projections.ingest.remembered import FormatsNow
from projections.problems import nothing
from tests.support.ingesting import AUTO, SIDEKIQ
from tests.unit.projections.test_intake import DONE, FAIL, WHY, sidekiq

SEGMENT = Path(f"/data/events/a/{0:020d}.jsonl")


@pytest.fixture
def fold():
    return Fold()


def intakes(fold, choice=SIDEKIQ, logs=()):
    return Intakes(fold, "s", FormatsNow(choice), dict(logs))


def take(intakes, log, data):
    intake = intakes.of(log, Path(log))
    assert intake is not None
    intake.take(Block(0, data))


def test_a_format_that_was_said_or_is_known_needs_no_look(fold):
    assert intakes(fold).of("/a", Path("/a")) is not None
    unknown = intakes(fold, AUTO)
    assert unknown.of("/a", Path("/a")) is None
    assert unknown.of(str(SEGMENT), SEGMENT) is not None
    unknown.begin("/a", Path("/a"), sidekiq())
    assert len(unknown) == 1, "a segment is known by its place"
    again = intakes(fold, AUTO, unknown.states())
    assert again.of("/a", Path("/a")).format == sidekiq()


def test_what_waits_is_kept_and_what_does_not_is_made_again(fold):
    mine = intakes(fold)
    take(mine, "/a", FAIL)
    take(mine, "/b", DONE)
    waiting, idle = mine.of("/a", Path("/a")), mine.of("/b", Path("/b"))
    mine.forget({"/a", "/b"}, nothing)

    assert mine.of("/a", Path("/a")) is waiting
    assert mine.of("/b", Path("/b")) is not idle
    states = mine.states()
    assert states["/a"].waiting is not None
    assert states["/b"].waiting is None
    take(mine, "/a", WHY)
    mine.forget({"/a", "/b"}, nothing)
    assert mine.states()["/a"].waiting is None
    assert fold.entry("s").stats.errors_by_type == {"PlexNotFound": 1}


def test_what_waits_in_a_log_that_is_not_known_any_more_counts(fold):
    mine = intakes(fold)
    take(mine, "/a", FAIL)
    assert (len(mine.waiting()), fold.entry("s").stats.jobs_failed) == (1, 0)
    mine.forget(set(), nothing)

    assert (mine.waiting(), len(mine), fold.entry("s").stats.jobs_failed) == ([], 0, 1)
