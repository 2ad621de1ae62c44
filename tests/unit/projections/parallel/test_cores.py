"""How many processors there are for us."""

from __future__ import annotations

import os

import pytest

from benchmarks.machine import describe
from projections.parallel.cores import cores
from projections.parallel.parts import threads


def test_those_that_a_process_may_use_are_counted(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 4, 6}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores() == threads() == 3
    assert describe()["processor"].startswith("3 cores, ")


@pytest.mark.parametrize(("count", "told"), [(6, 6), (None, 1)])
def test_where_the_system_does_not_tell_all_are(monkeypatch, count, told):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert cores() == threads() == told
