"""Which test notices that a rule of the protocol is broken: see `tests.support.mutations`."""

from __future__ import annotations

_CONFORMANCE = "tests/properties/test_conformance.py"
_WAY = f"{_CONFORMANCE}::test_the_code_goes_each_way_to_a_broken_promise_as_far_as_it_may"
_TAKE_OVER = "tests/unit/worker/test_takeover.py"

CAUGHT_BY: dict[str, str] = {
    "acknowledge-first": f"{_WAY}[ack-first]",
    "dead-letter-after-queue": f"{_WAY}[queue-before-dead-letter]",
    "no-tail-repair": (
        "tests/unit/worker/test_takeover_mending.py"
        "::test_a_torn_line_of_any_dead_stream_is_cut_aside"
    ),
    "no-sync-at-takeover": f"{_WAY}[no-sync-at-takeover]",
    "release-before-apply": f"{_WAY}[release-before-apply]",
    "leases-kept": f"{_WAY}[leases-kept]",
    "locks-ignored": f"{_TAKE_OVER}::test_the_stream_of_a_live_worker_is_left_alone",
    "lease-seq-ignored": f"{_WAY}[no-lease-seq]",
    "lost-lease-not-moved": f"{_WAY}[lost-lease-not-moved]",
    "worker-lost-never": f"{_TAKE_OVER}::test_the_third_loss_ends_a_job_as_worker_lost",
    "attempt-not-raised": f"{_WAY}[attempt-not-raised]",
    "owner-ignored": f"{_TAKE_OVER}::test_a_copy_with_leases_goes_on_in_a_stream_of_its_own",
    "stats-in-place": f"{_CONFORMANCE}::test_a_keeper_killed_at_any_step_leaves_whole_stats",
    "snapshot-ahead-of-sync": f"{_WAY}[snapshot-unsynced]",
    "join-left-out": f"{_CONFORMANCE}::test_a_keeper_that_is_late_puts_nothing_older_in_place",
    "failed-sync-believed": (
        "tests/unit/events/test_emitter.py"
        "::test_a_failed_commit_is_told_and_no_later_one_succeeds[sync]"
    ),
    "seq-not-checked-in-fold": (
        "tests/unit/projections/test_fold.py::test_the_same_line_again_counts_once"
    ),
    "plain-and-compressed-both-read": (
        "tests/unit/events/log/test_segment.py"
        "::test_of_two_files_with_one_number_the_plainer_is_taken[order0]"
    ),
}
"""For each mutation the test that catches it: red with it, green without."""
