"""What a task takes of its machine: one processor. A worker has a task for each that it may use."""

from __future__ import annotations

import io

import pytest

from events.kernel.tallies import PURE, file_kernel, kernel
from projections.engines.planning import plan
from projections.parallel import helper, parts, tallied
from projections.parallel.at_once import AtOnce
from projections.parallel.helpers import Helpers
from projections.replay import NATIVE_CHOICE, replay
from tests.support.engines import Here, replay_here
from tests.support.kernel_lines import needs_kernel
from tests.support.log_folders import append
from tests.support.outcome_lines import succeeded


@pytest.fixture
def log(tmp_path, monkeypatch):
    """A file that is large enough for parts, on a machine of four processors."""
    monkeypatch.setattr(tallied, "LARGE_BYTES", 1)
    monkeypatch.setattr(parts, "threads", lambda: 4)
    append(tmp_path / "a.jsonl", *[succeeded(n) for n in range(500)])
    return tmp_path / "a.jsonl"


@pytest.fixture
def threads(monkeypatch):
    """How many threads tallied each file."""
    counted = []

    class Counting(AtOnce):
        def __init__(self, makers, threads, most):
            counted.append(threads)
            super().__init__(makers, threads, most)

    monkeypatch.setattr(parts, "AtOnce", Counting)
    return counted


@pytest.fixture
def helpers(monkeypatch):
    """The processes that were started to help, which they are for however little; no kernel."""
    started = []

    class Counting(helper.Helper):
        def __init__(self):
            started.append(self)
            super().__init__()

    monkeypatch.setattr(helper, "Helper", Counting)
    monkeypatch.setattr(parts, "Helpers", lambda size: Helpers(size, worth_bytes=1))
    monkeypatch.setenv(PURE, "1")
    for cached in (kernel, file_kernel):
        cached.cache_clear()
    yield started
    monkeypatch.undo()
    for cached in (kernel, file_kernel):
        cached.cache_clear()


def alone(path):
    return replay([str(path)], stdin=io.BytesIO()).snapshot.to_bytes()


def test_a_task_tallies_a_large_file_in_one_thread(log, threads):
    needs_kernel()
    assert [piece.span for piece in plan([str(log)], NATIVE_CHOICE).pieces] == [None]
    whole = alone(log)
    assert threads == [4]
    assert replay_here(Here(), log).snapshot.to_bytes() == whole
    assert threads[1:]
    assert set(threads[1:]) == {1}


def test_a_task_starts_no_helping_processes(log, threads, helpers):
    whole = alone(log)
    assert helpers
    helpers.clear()
    assert replay_here(Here(), log).snapshot.to_bytes() == whole
    assert threads[1:]
    assert set(threads[1:]) == {1}
    assert helpers == []
