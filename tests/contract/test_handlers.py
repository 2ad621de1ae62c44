"""One suite for all handlers: the same job goes in, the same kinds of answers come out."""

from __future__ import annotations

import contextlib
import copy
import shlex
import sys
import threading
from random import Random

import pytest

from tests.support.handlers import make_job
from worker.errors import PermanentError, PlexNotFound, TransientError, recorded_type
from worker.handlers.base import Outcome, as_outcome
from worker.handlers.loader import load_handler
from worker.retry import RetryPolicies, classify, decide

# What the handlers under test do with a job, chosen by the name of its file.
CALLABLE = """
from worker.errors import PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome

def handle(job):
    path = job.data["path"]
    if path == "high.mkv":
        return None
    if path == "low.mkv":
        return "low"
    if path == "skipped.mkv":
        return Outcome(skipped=True)
    if path == "missing.mkv":
        raise PlexNotFound("no item")
    if path == "away.mkv":
        raise TransientError("busy")
    raise PermanentError("never")
"""
COMMAND = """#!/bin/sh
read -r job
case $job in
  *'"high.mkv"'*) exit 0;;
  *'"low.mkv"'*) echo '{"confidence": "low"}'; exit 0;;
  *'"skipped.mkv"'*) echo '{"skipped": true}'; exit 0;;
  *'"missing.mkv"'*) echo '{"error_type": "PlexNotFound"}'; echo no item >&2; exit 75;;
  *'"away.mkv"'*) echo busy >&2; exit 75;;
esac
echo never >&2
exit 1
"""


def call_handler(folder):
    (folder / "contract_sync.py").write_text(CALLABLE)
    return load_handler("contract_sync:handle", timeout_s=60)


def exec_handler(folder):
    program = folder / "sync it.sh"
    program.write_text(COMMAND)
    program.chmod(0o755)
    return load_handler(f"exec:{shlex.quote(str(program))}", timeout_s=60)


def nfo_handler(folder):
    library = folder / "library"
    (library / "deep").mkdir(parents=True)
    for name in ("high.mkv", "deep/low.mkv", "skipped.mkv"):
        (library / name).write_text("")
    (library / "skipped.nfo").write_text("<movie/>")
    return load_handler(f"nfo:{library}", timeout_s=60)


@pytest.fixture(params=[call_handler, exec_handler, nfo_handler])
def folder_and_handler(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    handler = request.param(tmp_path)
    yield tmp_path, handler
    handler.close()
    sys.modules.pop("contract_sync", None)


@pytest.fixture
def folder(folder_and_handler):
    return folder_and_handler[0]


@pytest.fixture
def handler(folder_and_handler):
    return folder_and_handler[1]


def job(name, **changes):
    data = {"path": name, "title": "A", "tags": ["x"], "more": {"deep": [1, 2.5, None, "\ud800"]}}
    return make_job(data, **changes)


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("high.mkv", Outcome("high")),
        ("low.mkv", Outcome("low")),
        ("skipped.mkv", Outcome("high", skipped=True)),
    ],
)
def test_what_did_not_fail_is_an_outcome(handler, name, outcome):
    assert as_outcome(handler(job(name))) == outcome


def test_not_found_follows_its_own_schedule(handler):
    with pytest.raises(TransientError) as caught:
        handler(job("missing.mkv"))
    assert recorded_type(caught.value) == PlexNotFound.__name__
    assert classify(caught.value) == "not_found"
    assert str(caught.value)


def test_what_may_pass_is_transient(handler, folder):
    if (folder / "library").exists():
        (folder / "library").rename(folder / "unmounted")
    with pytest.raises(TransientError) as caught:
        handler(job("away.mkv"))
    assert classify(caught.value) == "transient"


def test_what_never_works_is_permanent(handler):
    with pytest.raises(PermanentError) as caught:
        handler(job("../never.mkv"))
    decision = decide(
        caught.value,
        failures=0,
        not_found=0,
        policies=RetryPolicies(),
        rng=Random(1),
        now_us=0,
    )
    assert decision.is_dead


@pytest.mark.parametrize("name", ["high.mkv", "low.mkv", "skipped.mkv", "missing.mkv", "../x"])
def test_the_jobs_data_is_never_changed(handler, name):
    given = job(name)
    before = copy.deepcopy(given)
    with contextlib.suppress(PermanentError, TransientError):
        handler(given)
    assert given == before


@pytest.mark.parametrize(
    "changes", [{"scene_id": None}, {"key": None}, {"attempt": 7}, {"kind": "é"}]
)
def test_every_kind_of_job_is_taken(handler, changes):
    assert as_outcome(handler(job("high.mkv", **changes))) == Outcome("high")


def test_an_attempt_may_be_repeated(handler):
    first, second = (as_outcome(handler(job("low.mkv", attempt=n))) for n in (1, 2))
    assert first == second


def test_it_says_whether_it_enforces_its_timeout(handler):
    assert isinstance(handler.enforces_timeout, bool)


def test_many_threads_call_it_at_once(handler):
    outcomes = []

    def work():
        outcomes.extend(as_outcome(handler(job("low.mkv"))) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome("low")] * 20


@pytest.mark.parametrize("used", [False, True])
def test_stop_and_close_may_be_called_again_in_any_order(handler, used):
    if used:
        handler(job("high.mkv"))
    for end in (handler.stop, handler.stop, handler.close, handler.stop, handler.close):
        end()
