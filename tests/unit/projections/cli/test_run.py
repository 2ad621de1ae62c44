from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from projections.cli.main import main

if TYPE_CHECKING:
    from projections.cli.run import RunOptions


@pytest.fixture
def asked(monkeypatch):
    """Call `run`, and give what it would have worked with."""
    given: list[RunOptions] = []

    def work(options: RunOptions) -> int:
        given.append(options)
        return 0

    monkeypatch.setattr("projections.cli.working.work", work)

    def call(*args: str) -> RunOptions:
        assert main(["run", "--handler", "a:b", *args]) == 0
        return given.pop()

    return call


def test_defaults_are_those_of_the_worker(asked):
    from projections.cli.working import worker_options
    from worker.options import WorkerOptions

    assert worker_options(asked()) == WorkerOptions()


def test_every_option_arrives(asked):
    options = asked(
        *("--data", "d", "--drain", "--wait", "--concurrency", "3", "--batch", "7"),
        *("--timeout", "1.5", "--grace", "0", "--segment-bytes", "2KiB", "--fail-on-dead"),
        *("--segment-age", "1h", "--compress"),
        *("--overwrite", "--allow-network-fs", "--summary-every", "0", "--retry-base", "0.1"),
        *("--retry-cap", "0.2", "--retry-tries", "2", "--not-found-base", "0.3"),
        *("--not-found-cap", "0.4", "--not-found-tries", "4", "--breaker-failures", "9"),
        *("--breaker-cooldown", "0.5", "--redact", "a+", "--redact", "b c", "--stream-name", "n"),
    )
    assert (options.drain, options.wait, options.concurrency, options.batch) == (True, True, 3, 7)
    assert (options.timeout, options.grace, options.segment_bytes) == (1.5, 0, 2048)
    assert options.segment_age == 3600
    assert options.compress
    assert options.fail_on_dead
    assert options.overwrite
    assert options.allow_network_fs
    assert options.redact == ("a+", "b c")
    assert options.stream_name == "n"
    assert options.summary_every == 0
    from projections.cli.working import worker_options
    from worker.retry import Backoff

    policies = worker_options(options).policies
    assert policies.transient == Backoff(0.1, 0.2, 2)
    assert policies.not_found == Backoff(0.3, 0.4, 4)
    assert worker_options(options).breaker_failures == 9
    assert worker_options(replace(options, breaker_failures=0)).breaker_failures is None
    assert worker_options(options).breaker_cooldown_s == 0.5


def test_a_batch_is_at_least_the_concurrency(asked):
    from projections.cli.working import worker_options

    assert worker_options(asked("--concurrency", "50", "--batch", "2")).batch == 50


def test_the_environment_sets_options(asked, monkeypatch):
    monkeypatch.setenv("SYNCSTATS_RUN_CONCURRENCY", "3")
    monkeypatch.setenv("SYNCSTATS_RUN_DRAIN", "true")
    monkeypatch.setenv("SYNCSTATS_RUN_REDACT", "a+ b+")
    monkeypatch.setenv("SYNCSTATS_DATA", "elsewhere")
    options = asked()
    assert options.concurrency == 3
    assert options.drain
    assert options.redact == ("a+", "b+")
    assert str(options.data) == "elsewhere"
    assert asked("--concurrency", "4").concurrency == 4


def test_a_file_sets_options(asked, tmp_path):
    (tmp_path / "c.toml").write_text(
        '[run]\nretry-base = 1\nredact = ["x y"]\nsegment-bytes = "1MiB"'
    )
    options = asked("--config", "c.toml")
    assert (options.retry_base, options.redact, options.segment_bytes) == (1.0, ("x y",), 1 << 20)


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--wait"], "--wait goes with --drain"),
        (["--retry-base", "100"], "--retry-cap is below --retry-base"),
        (["--not-found-cap", "1"], "--not-found-cap is below --not-found-base"),
        (["--concurrency", "0"], "--concurrency"),
        (["--timeout", "inf"], "finite"),
        (["--segment-bytes", "big"], "is no size"),
        (["--redact", "("], "no regular expression"),
    ],
)
def test_what_cannot_be_is_refused(args, part, syncstats):
    ran = syncstats("run", "--handler", "a:b", *args)
    assert (ran.status, ran.out) == (2, "")
    assert part in ran.err
    assert ran.err.count("\n") == 1
