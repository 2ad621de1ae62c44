"""Logs of which the kernel takes little, or in small runs: most is left to the plain way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from events.limits import MAX_LINE_BYTES
from projections import fold as fold_module
from projections.fold import Fold
from projections.seqs import SeqSet
from tests.support.kernel_lines import (
    folded,
    folded_file,
    handed_back,
    needs_kernel,
    with_kernel,
    without_kernel,
)
from tests.support.outcome_lines import failed, succeeded

LINES = 6000
BEGIN = datetime(2026, 11, 24, tzinfo=UTC)
LOGS = {
    "seqs jump": [failed(2 * n) for n in range(LINES)],
    "seqs descend": [failed(n) for n in reversed(range(LINES))],
    "many streams in turn": [failed(n // 100, f"s{n % 100}") for n in range(LINES)],
    "each line is odd": [succeeded(n, duration=0.5) for n in range(LINES)],
    "every other line is odd": [
        succeeded(n, duration=0.5) if n % 2 else failed(n) for n in range(LINES)
    ],
    "none is JSON": [b"words of some length, and no outcome\n"] * LINES,
    "seqs jump, and some come twice": [failed(3 * n % 7919) for n in range(LINES)],
    "some are very long": [
        failed(2 * n, error="x" * (400_000 if n % 1000 == 999 else 9)) for n in range(LINES)
    ],
    "some are too long": [
        failed(2 * n, error="x" * (MAX_LINE_BYTES if n % 2000 == 999 else 9)) for n in range(LINES)
    ],
}


@pytest.fixture(autouse=True, scope="module")
def _kernel():
    needs_kernel()


@pytest.fixture(params=LOGS.values(), ids=LOGS, scope="module")
def data(request):
    return b"".join(request.param)


def test_few_objects_stand_for_them(data):
    lines, groups = with_kernel(data, None)
    assert lines == data.count(b"\n")
    assert len(groups) + sum(len(group.runs or ()) for group in groups) < 700
    at = 0
    for group in groups:
        assert group.begin == at
        at = group.end
        many = data.count(b"\n", group.begin, group.end) > 1
        assert group.runs is not None or not many or at - group.begin <= MAX_LINE_BYTES
    assert at == len(data)


def test_they_fold_as_line_by_line(data):
    expected = places(folded([data], without_kernel))
    assert places(folded([data], with_kernel)) == expected
    assert places(folded_file(data, [len(data) // 3], room=1 << 17)) == expected


def places(told):
    """What was told, less the words in which it was."""
    entries, forks, problems = told
    return entries, forks, [offset for offset, _ in problems]


def test_others_lines_are_not_looked_at_one_by_one(monkeypatch):
    looked_at = []
    decode = fold_module.decode
    monkeypatch.setattr(fold_module, "decode", lambda line: looked_at.append(1) or decode(line))
    Fold().lines(b"".join(LOGS["each line is odd"]))
    assert len(looked_at) < LINES // 10


def test_what_isoformat_writes_is_usual():
    for more in (timedelta(), timedelta(microseconds=5)):
        moment = (BEGIN + more).isoformat()
        assert moment.endswith("+00:00")
        line = json.dumps(
            {"event": "job.succeeded", "stream": "i", "seq": 0, "timestamp": moment}
        ).encode()
        assert handed_back(line + b"\n") == []
        for at in range(len(moment) - 6, len(moment)):
            wrong = moment[:at] + "1" + moment[at + 1 :]
            assert handed_back(line.replace(moment.encode(), wrong.encode()) + b"\n")


def test_a_span_is_added_where_it_belongs_without_touching_others():
    seqs = SeqSet([(0, 2), (10, 20), (30, 40)])
    for span, expected in [
        ((4, 6), ((0, 2), (4, 6), (10, 20), (30, 40))),
        ((6, 10), ((0, 2), (4, 20), (30, 40))),
        ((12, 15), ((0, 2), (4, 20), (30, 40))),
        ((2, 4), ((0, 20), (30, 40))),
        ((19, 50), ((0, 50),)),
        ((60, 70), ((0, 50), (60, 70))),
        ((55, 56), ((0, 50), (55, 56), (60, 70))),
        ((0, 100), ((0, 100),)),
    ]:
        seqs.add_span(*span)
        assert seqs.spans() == expected
