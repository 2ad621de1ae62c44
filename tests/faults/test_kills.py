"""Real workers are killed at chosen steps and random moments; and broken ones do not get through.

The plan and the audit are those of ``make faults``, see `tests.faults.harness`.
"""

from __future__ import annotations

import pytest

from tests.support.killing import closing_line, harness, kept_folder


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_repeat_nothing(tmp_path):
    ran = harness(tmp_path, "--cycles", 50, "--seed", 7)
    assert (ran.status, ran.err) == (0, ""), ran
    told = closing_line(ran)
    assert told["kills"] >= 50
    assert told["outcomes"] >= told["jobs"] >= 50 * 8
    assert (told["lost"], told["twice"]) == (0, 0)
    assert list(tmp_path.iterdir()) == []


BROKEN = {
    "acknowledge-first": "append.*",
    "dead-letter-after-queue": "letters.before",
    "leases-kept": "*",
    "no-tail-repair": "append.torn",
}
# Or the next worker sees it before the audit does, and does not go on: workers in order leave
# nobody a reason to say this.
NOTICES = (
    "dlq.db lacks dead letters that the queue knows of",
    "and the queue or the dead letters know of it up to seq",
)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", BROKEN)
def test_a_broken_worker_is_caught_within_few_kills(mutation, tmp_path):
    ran = harness(
        tmp_path,
        *("--cycles", 20, "--seed", 7, "--mutation", mutation),
        *("--only", BROKEN[mutation], "--check-every", 4),
    )
    told = closing_line(ran)
    assert ran.status == 1
    assert "a defect of syncstats" not in ran.err  # what was broken is the order, not the program
    assert "Traceback" not in ran.err
    noticed = any(notice in ran.err for notice in NOTICES)
    assert told["lost"] + told["twice"] > 0 or noticed, ran.err
    assert f"python -m tests.faults.harness --cycles 20 --seed 7 --mutation {mutation}" in ran.err
    assert (kept_folder(ran) / "D/queue.db").exists()
