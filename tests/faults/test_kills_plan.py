"""Which process dies at which step: the plan of `tests.faults.harness`, and its gate."""

from __future__ import annotations

import pytest

from tests.faults.harness.plan import cycles
from tests.faults.harness.points import POINTS
from tests.faults.harness.steps import Gate


def test_the_plan_follows_from_the_seed():
    plans = [list(cycles(seed, 200)) for seed in (7, 7, 8)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert list(cycles(7, 50)) == plans[0][:50]  # of a longer run, what came first


def test_a_round_of_the_plan_has_each_chosen_point():
    kills = [cycle.kill for cycle in cycles(1, 200)]
    assert {kill.point.name for kill in kills if kill.point} == {point.name for point in POINTS}
    assert any(kill.everyone for kill in kills)
    assert any(kill.point is None and not kill.everyone for kill in kills)


class KilledError(Exception):
    """Stands for the end of the process."""


class Gated(Gate):
    def die(self, step):
        raise KilledError(step)


def test_a_gate_dies_at_the_nth_step_of_the_pattern_and_at_no_other():
    gate = Gated("take.*: > queue.apply:#@after", 2)
    gate.reach("queue.apply:3", "after")  # not within
    with gate.inside("take.over:"):
        gate.reach("queue.apply:0", "after")  # no number above zero
        gate.reach("queue.apply:3", "before")
        gate.reach("queue.apply:3", "after")
        with gate.inside("stream.recover:s"):
            gate.reach("queue.apply:3", "after")  # deeper
        with pytest.raises(KilledError, match=r"take\.over: > queue\.apply:4@after"):
            gate.reach("queue.apply:4", "after")
        gate.reach("queue.apply:5", "after")  # once only


def test_a_torn_write_is_never_whole_and_never_nothing():
    for share in (0.0, 0.5, 0.999999):
        part = Gated("**write@torn", share=share).tears("file.write:x > write", b"0123456789")
        assert part is not None
        assert 1 <= len(part) <= 9
    assert Gated("**write@torn").tears("write", b"1") is None
    assert Gated("other").tears("write", b"0123456789") is None


def test_a_gate_dies_of_idleness_where_it_shall():
    patient, gate = Gated("x"), Gated("x", idle_looks=3)
    for _ in range(2):
        gate.look_for_work()
    gate.has_worked()
    for _ in range(2):
        patient.look_for_work()
        gate.look_for_work()
    patient.look_for_work()
    with pytest.raises(KilledError):
        gate.look_for_work()
