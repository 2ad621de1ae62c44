"""A mapping's text says how lines are understood, and nothing else."""

from __future__ import annotations

import json

from events.formats.canonical import canonical
from events.formats.mapping import Condition, Mapping, Outcome, Source


def test_what_has_its_default_or_is_for_people_is_left_out():
    outcome = Outcome("failed", (Condition("ok", values=(False, 0, 0.0)),))
    mapping = Mapping("a", "b", (Condition("x", exists=True),), outcomes=(outcome,))
    when = [{"path": "ok", "values": [False, 0, 0.0]}]
    assert json.loads(canonical(mapping)) == {"outcomes": [{"kind": "failed", "when": when}]}


def test_values_of_other_types_are_other_values():
    texts = {
        canonical(Mapping("a", dimensions=(("x", (Source(constant=value),)),)))
        for value in (1, 1.0, True, "1", 0, False, "")
    }
    assert len(texts) == 7
