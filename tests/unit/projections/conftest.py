"""Data folders whose logs are pruned, and paths that are followed."""

from __future__ import annotations

import io

import pytest

from events.filesystem import RealFileSystem
from projections.following import Follower
from tests.support.followed_paths import whole
from tests.support.log_folders import append, segment
from tests.support.moved_clock import MovedClock
from tests.support.outcome_lines import opened, succeeded
from tests.support.prunable_folders import Folder
from tests.support.pruned_logs import SEGMENTS
from tests.support.scripted_event import ScriptedEvent


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "data")


@pytest.fixture
def data(tmp_path):
    """A data folder with two streams."""
    data = tmp_path / "data"
    for first, lines in SEGMENTS.items():
        append(segment(data, first=first), *lines)
    append(segment(data, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    return data


@pytest.fixture
def clock():
    """By it no file has just been written, so that short ones need not be waited for."""
    clock = MovedClock()
    clock.move_s(3)
    return clock


@pytest.fixture
def follow(clock):
    """Follow paths; between two looks do what is given, then stop."""
    opened = []

    def run(*paths, steps=(), stdin=b"", newest=None, fs=None, find_every=1, notice=str):
        follower = Follower(
            [str(path) for path in paths],
            fs=fs or RealFileSystem(),
            stdin=io.BytesIO(stdin),
            clock=clock,
            notice=notice,
            find_every=find_every,
        )
        opened.append(follower)
        if newest is not None:
            follower.newest(newest, pipes=False)
        moving = [lambda step=step: (step(), clock.move_s(3)) for step in steps]
        return whole(follower.follow(ScriptedEvent(*moving), poll_s=3.0))

    yield run
    for follower in opened:
        follower.close()
        follower.close()
