"""`dlq restore` puts back from the log what is not in the dead letter queue."""

from __future__ import annotations

import pytest

from sync_queue.jobs import NewJob
from tests.support.data_folders import enqueue, event, write_log


@pytest.fixture
def log(tmp_path):
    """A log in which three jobs died, and no dlq.db."""
    died = {"name": "job.failed", "to_dlq": True}
    events = [
        event(1),
        event(2, **died, error_type="PlexNotFound", error="no item"),
        event(3, **died, error_type="ValueError", error="bad"),
        event(4, **died, error_type="PlexNotFound", error="no item\x1b[2J"),
    ]
    write_log(tmp_path / "data", *events)
    return tmp_path / "data"


def test_restore_puts_back_and_says_what_comes_with_it(syncstats, log):
    ran = syncstats("dlq", "restore", "--dry-run")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == (
        "3 dead letters would be put back from the log: 2 PlexNotFound, 1 ValueError."
    )
    assert not (log / "dlq.db").exists()
    ran = syncstats("dlq", "restore")
    assert ran.out.splitlines() == [
        "3 dead letters were put back from the log: 2 PlexNotFound, 1 ValueError.",
        (
            "The log does not hold their jobs: enqueue those again that are still to be done, then "
            "purge their letters. Letters that were purged or retried before come back too."
        ),
    ]
    ran = syncstats("dlq", "restore")
    assert ran.out == (
        "Nothing is missing: data has the dead letter of each dead job in its log.\n"
    )


@pytest.mark.usefixtures("log")
def test_restore_json(syncstats):
    types = {"PlexNotFound": 2, "ValueError": 1}
    answer = {"dry_run": True, "restored": 3, "error_types": types}
    assert syncstats("dlq", "restore", "--dry-run", "--json").json == answer
    assert syncstats("dlq", "restore", "--json").json == answer | {"dry_run": False}
    assert syncstats("dlq", "restore", "--json").json == {
        "dry_run": False, "restored": 0, "error_types": {},
    }  # fmt: skip


def test_restore_tells_the_first_of_many_error_types(syncstats, log):
    events = [event(n, "job.failed", "b", to_dlq=True, error_type=f"E{n:02}") for n in range(1, 21)]
    write_log(log, *events, stream="b")
    out = syncstats("dlq", "restore").out
    assert out.startswith("23 dead letters were put back from the log: 2 PlexNotFound, 1 ")
    assert ", and 12 more errors.\n" in out


def test_a_restored_letter_is_shown_as_that_and_refused_for_a_retry(syncstats, log):
    enqueue(log, NewJob(1))
    syncstats("dlq", "restore")
    rows = syncstats("dlq", "list").out.splitlines()
    assert "(from the log) bad" in rows[2]
    assert max(map(len, rows)) <= 80
    assert [
        each["from_log"] for each in syncstats("dlq", "list", "--json").json["dead_letters"]
    ] == ([True] * 3)
    shown = syncstats("dlq", "show", 2).out
    assert "It was put back from the log, which does not hold its job: enqueue the job" in shown
    assert "after" not in shown
    ran = syncstats("dlq", "retry", 2)
    assert ran.status == 1
    assert ran.out == (
        "dead letter 2 is kept: it was put back from the log, which does not hold its job; "
        "enqueue its job by hand, then purge it\n"
    )


def test_restore_without_a_folder(syncstats, tmp_path):
    ran = syncstats("dlq", "restore", "--data", "nowhere")
    assert (ran.status, ran.out) == (2, "")
    assert "no data folder nowhere" in ran.err
    assert not (tmp_path / "nowhere").exists()
