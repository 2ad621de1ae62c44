"""Whole workers, killed and stopped: what the log says is what the handler did, nothing is lost."""

from __future__ import annotations

import json
import signal
from collections import Counter
from contextlib import closing

import pytest

from events.clock import SystemClock
from sync_queue.dlq import DeadLetterQueue
from tests.support import worked_jobs
from tests.support.command import syncstats
from tests.support.handlers import wait_until
from tests.support.site import END_S, Site
from tests.support.workers import Place


@pytest.fixture
def site(tmp_path):
    with closing(Site(tmp_path)) as site:
        yield site


MIX = ["ok"] * 30 + ["low"] * 10 + ["skip"] * 5 + ["permanent"] * 5 + ["flaky"] * 10 + ["never"] * 3


def assert_mix_is_told(site, stats):
    site.assert_nothing_ran_unrecorded(but=0)
    truth = site.truth()
    assert len(truth) == len(site.outcomes())
    does = Counter(truth.values())
    assert does == {
        "ok": 30,
        "low": 10,
        "skip": 5,
        "permanent": 5,
        "flaky": 20,  # each fails once
        "never": 9,  # three tries each
    }
    assert stats["jobs_succeeded"] == 30 + 10 + 10
    assert stats["jobs_recovered"] == 10
    assert stats["jobs_skipped"] == 5
    assert stats["low_confidence_matches"] == 10
    assert stats["jobs_to_dlq"] == 5 + 3
    assert stats["errors_by_type"] == {"PermanentError": 5, "TransientError": 10, "PlexNotFound": 9}


def test_the_stats_are_what_the_handler_really_did(site):
    site.enqueue(*MIX)
    status, out, err = site.run("--drain", "--wait", "--concurrency", "4")
    assert (status, err) == (0, "")
    assert "Sync summary: 50/74 succeeded (67.6%)" in out
    assert "DLQ contains 8 items: 5 PermanentError, 3 PlexNotFound" in out
    stats = site.assert_whole(len(MIX))
    assert_mix_is_told(site, stats)
    replayed = syncstats("replay", "D", "--json", cwd=site.folder).json
    for name in ("jobs_processed", "errors_by_type", "total_processing_time_ns", "latency"):
        assert replayed[name] == stats[name]


def test_the_same_in_this_process(site, monkeypatch):
    from worker.retry import Backoff, RetryPolicies

    site.enqueue(*MIX)
    monkeypatch.chdir(site.folder)
    quick = RetryPolicies(Backoff(0.01, 0.02, 5), Backoff(0.01, 0.02, 3))
    with closing(Place(site.data, SystemClock())) as place:
        report = place.worker(
            worked_jobs.handle, wait=True, concurrency=3, policies=quick, breaker_failures=99
        ).run()
    assert syncstats("rebuild", "--data", "D", cwd=site.folder).status == 0
    stats = site.assert_whole(len(MIX))
    assert_mix_is_told(site, stats)
    recorded = report.stats.to_dict()
    for name in ("jobs_processed", "errors_by_type", "total_processing_time_ns", "latency"):
        assert recorded[name] == stats[name]
    assert recorded["waiting"] == stats["waiting"]


BATCH = 12


def kill_when(site, process, count):
    """Kill a worker when so many outcomes are logged. It may be anywhere in its work then."""
    wait_until((site.data / "events").exists, "the log has begun")
    wait_until(lambda: len(site.outcomes()) >= count, f"{count} outcomes are logged", END_S)
    process.kill()
    assert process.wait(END_S) == -signal.SIGKILL


def test_workers_are_killed_in_the_middle_and_others_take_over(site):
    jobs = ["work", "work", "flaky", "permanent"] * 90
    site.enqueue(*jobs)
    for count in (60, 180, 300):
        process = site.begin("--batch", str(BATCH), "--concurrency", "3")
        kill_when(site, process, count)
    status, _, err = site.run("--drain", "--wait", "--batch", str(BATCH))
    assert status == 0
    assert "took over stream" in err
    site.assert_whole(len(jobs))
    site.assert_nothing_ran_unrecorded(but=3 * BATCH)
    assert len(list((site.data / "events").iterdir())) == 1  # the dead one's stream went on


def test_several_workers_at_once_and_one_is_killed(site):
    jobs = ["work", "flaky", "low", "permanent"] * 80
    site.enqueue(*jobs)
    args = ("--drain", "--wait", "--batch", str(BATCH), "--concurrency", "2")
    first, *others = [site.begin(*args) for _ in range(3)]
    kill_when(site, first, 60)
    for each in others:
        each.communicate(timeout=END_S)
        assert each.returncode == 0
    site.assert_whole(len(jobs))
    site.assert_nothing_ran_unrecorded(but=BATCH)
    assert len(list((site.data / "events").iterdir())) <= 3


def test_sigterm_lets_what_runs_end_and_gives_the_rest_back_unused(site):
    site.enqueue(*["wait"] * 6)
    process = site.begin("--concurrency", "2", "--grace", "50")
    wait_until(lambda: len(list(site.folder.glob("began-*"))) == 2, "two jobs run")
    process.terminate()
    wait_until(lambda: site.counts().due == 4, "what has not begun is given back")
    (site.folder / "go").touch()
    out, err = process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert "stopping" in err
    assert "4 jobs wait in D." in out
    assert len(site.outcomes()) == 2
    assert site.run("--drain")[0] == 0
    site.assert_whole(6)
    assert {attempt for _, attempt in site.truth()} == {1}


def test_what_outlives_the_grace_is_released_and_runs_again(site):
    site.enqueue("hang", "ok")
    process = site.begin("--concurrency", "1", "--grace", "0.1")
    wait_until((site.folder / "began-1").exists, "the job runs")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=END_S)
    assert process.returncode == 0
    assert "1 job did not end within the grace and will run again." in out
    assert site.run("--drain")[0] == 0
    site.assert_whole(2)
    assert sorted(site.truth()) == [(1, 1), (1, 2), (2, 1)]


def test_a_second_signal_ends_it_at_once_and_still_in_order(site):
    site.enqueue("ok", "hang")
    process = site.begin("--grace", "3600")
    wait_until((site.folder / "began-2").exists, "the job runs")
    process.terminate()
    assert "stopping" in process.stderr.readline()  # heard: else the two might become one
    process.terminate()
    process.terminate()
    out, err = process.communicate(timeout=END_S)
    assert process.returncode == 0, err
    assert "1 job did not end within the grace" in out
    assert site.counts().leased == 0
    assert json.loads((site.data / "stats.json").read_bytes())["jobs_succeeded"] == 1


def test_a_stop_ends_the_wait_for_another_that_takes_over(site):
    site.enqueue("ok")
    with closing(Place(site.data)) as place, place.fs.lock(site.data / "takeover.lock"):
        process = site.begin("--drain")
        # Its keeper of stats comes to work when all else has begun, and the signals are heard.
        wait_until((site.data / "runner.lock").exists, "it has begun")
        process.terminate()
        assert process.wait(END_S) == 0
    assert site.counts().due == 1


def test_a_hanging_handler_is_recorded_as_a_timeout_and_the_others_go_on(site):
    site.enqueue("hang", *["ok"] * 20)
    status, _, _ = site.run("--drain", "--wait", "--timeout", "3")  # far longer than a job takes
    assert status == 0
    stats = site.assert_whole(21)
    assert stats["errors_by_type"] == {"HandlerTimeout": 1}
    assert stats["jobs_recovered"] == 1


def test_a_job_that_kills_its_worker_ends_after_three_runs_and_the_others_succeed(site):
    site.enqueue(*["ok"] * 5, "kill", *["ok"] * 5)
    statuses = []
    while not statuses or statuses[-1]:
        statuses.append(site.run("--drain", "--wait", "--batch", "4")[0])
        assert len(statuses) < 6
    assert statuses == [-signal.SIGKILL] * 3 + [0]
    stats = site.assert_whole(11)
    assert stats["errors_by_type"] == {"WorkerLost": 1}
    assert stats["jobs_succeeded"] == 10
    (letter,) = DeadLetterQueue(site.data).list()
    assert (letter.job_id, letter.error_type) == (6, "WorkerLost")
    assert [key for key, what in site.truth().items() if what == "kill"] == [(6, 1), (6, 2), (6, 3)]


def test_a_job_that_died_with_its_worker_counts_for_fail_on_dead(site):
    site.enqueue("kill")
    assert [site.run("--drain")[0] for _ in range(3)] == [-signal.SIGKILL] * 3
    assert site.run("--drain", "--fail-on-dead")[0] == 1


def test_odd_handlers_end_their_attempts_and_nothing_else(site):
    odd = ["fork", "configure", "exit", "interrupt", "mute"]
    site.enqueue(*["ok", *odd] * 4)
    status, out, _ = site.run("--drain", "--wait", "--retry-tries", "2", "--concurrency", "2")
    assert status == 0
    assert "SystemExit" in out
    stats = site.assert_whole(24)
    assert stats["jobs_succeeded"] == 4 * 3
    assert stats["errors_by_type"] == {"SystemExit": 8, "KeyboardInterrupt": 8, "MuteError": 4}
    site.assert_nothing_ran_unrecorded(but=0)
