from __future__ import annotations

import pytest

from events.formats.lines.decisions import NOTHING, Decision, decide
from events.formats.mapping import Companion, Condition, Mapping, Outcome


def when(**values):
    return tuple(Condition(path, values=(value,)) for path, value in values.items())


MAPPING = Mapping(
    "m",
    outcomes=(
        Outcome("succeeded", when(msg="done", ok=True)),
        Outcome("dead", when(msg="done", final=True)),
        Outcome("failed", when(msg="done")),
    ),
    companions=(
        Companion("after", ("failed",), (), when(lvl="WARN"), within_lines=3),
        Companion("before", ("dead",), (), when(lvl="WARN", n=1), within_lines=3),
    ),
)


@pytest.mark.parametrize(
    ("line", "decision"),
    [
        ({"msg": "done", "ok": True, "final": True}, Decision("succeeded", "job.succeeded")),
        (
            {"msg": "done", "final": True},
            Decision("dead", "job.failed", failed=True, is_alone=False),
        ),
        ({"msg": "done"}, Decision("failed", "job.failed", failed=True, is_alone=False)),
        ({"msg": "done", "lvl": "WARN"}, Decision("failed", "job.failed", True, False)),
        ({"lvl": "WARN"}, Decision(companions=(0,))),
        ({"lvl": "WARN", "n": 1}, Decision(companions=(0, 1))),
        ({"msg": "start"}, NOTHING),
        ({}, NOTHING),
    ],
)
def test_the_first_outcome_that_fits_counts_else_all_companions(line, decision):
    assert decide(MAPPING, line.get) == decision
