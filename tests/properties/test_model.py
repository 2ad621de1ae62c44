"""The protocol's model: every promise holds in small worlds, and each broken rule breaks one.

`make properties` searches the large worlds.
"""

from __future__ import annotations

import pytest

from tests.model.protocol import BREAKS
from tests.model.search import search
from tests.model.world import Limits

DESIGN = Limits()
AS_CODE = Limits(as_code=True)
NO_LOG = "nothing lost: the queue has seen"
TWICE = "one outcome:"
TWO_ENDS = "one end: a job has two"
STUCK = "progress: job 0 is"
TOO_OFTEN = "progress: a job that was lost too often"

FAILS = {
    "ack-first": (NO_LOG, NO_LOG),
    "queue-before-dead-letter": ("nothing lost: a job died", "nothing lost: a job died"),
    "release-before-apply": (TWO_ENDS, TWO_ENDS),
    "leases-kept": (STUCK, STUCK),
    "no-sync-at-takeover": (NO_LOG, NO_LOG),
    "lease-by-clock": (TWO_ENDS, TWO_ENDS),
    "no-lease-seq": (NO_LOG, NO_LOG),
    "lost-lease-not-moved": (TWICE, STUCK),
    "snapshot-unsynced": ("counted once:", "counted once:"),
    "no-worker-lost": (STUCK, TOO_OFTEN),
    "attempt-not-raised": (TWICE, TWICE),
}
"""Which promise is broken first, in the design's steps and in the code's."""


@pytest.mark.parametrize(
    ("limits", "worlds"),
    [
        (DESIGN._replace(crashes=1), 72_948),
        (AS_CODE._replace(crashes=1), 90_027),
        (AS_CODE._replace(crashes=2, workers=1, stale=True), 13_239),
        (AS_CODE._replace(crashes=1, workers=1, jobs=2, losses=1, retries=0), 11_072),
    ],
    ids=["design", "as code", "stale", "two jobs"],
)
def test_every_promise_holds_in_every_world(limits, worlds):
    found = search(limits)
    assert found.broken is None, found.way
    assert found.worlds == worlds  # it is the same model, not a smaller one


@pytest.mark.parametrize("name", BREAKS)
def test_each_broken_rule_breaks_a_promise(name):
    for limits, why in zip((DESIGN, AS_CODE), FAILS[name], strict=True):
        crashes = 1 if limits.as_code and name == "lost-lease-not-moved" else 2
        losses = 1 if crashes == 1 else 2
        broken = frozenset({name})
        found = search(limits._replace(broken=broken, crashes=crashes, losses=losses))
        assert (found.broken or "").startswith(why), found
        assert 7 <= len(found.way) <= 28


def test_the_shortest_way_is_told_step_by_step():
    found = search(DESIGN._replace(broken=frozenset({"snapshot-unsynced"})))
    assert [step.name for step in found.way] == [
        "worker 0 starts, locks 0",
        "worker 0 syncs 0",
        "worker 0 releases leases of 0",
        "worker 0 claims 0",
        "worker 0 runs 0: success",
        "worker 0 appends to 0",
        "save stats to 0:1",
    ]
