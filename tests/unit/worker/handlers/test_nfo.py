from __future__ import annotations

import os
import threading
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.handlers import make_job
from worker.errors import HandlerSpecError, PermanentError, PlexNotFound, TransientError
from worker.handlers import nfo
from worker.handlers.base import Outcome
from worker.handlers.loader import load_handler


@pytest.fixture
def handler(library):
    return load_handler(f"nfo:{library}", timeout_s=None)


def job(path, **changes):
    return make_job({"path": str(path), "title": f"Title of {path}"}, **changes)


def test_exact_path(handler, library):
    assert handler(job("one/b.mkv")) == Outcome("high")
    movie = ET.parse(library / "one/b.nfo").getroot()
    assert movie.tag == "movie"
    assert movie.findtext("title") == "Title of one/b.mkv"
    assert movie.findtext("uniqueid") == "7"


def test_name_only(handler, library):
    assert handler(job("/media/elsewhere/b.mkv")) == Outcome("low")
    assert (library / "one/b.nfo").exists()


def test_again_is_fine(handler):
    assert handler(job("a.mkv")) == handler(job("a.mkv", attempt=2)) == Outcome("high")


def test_not_found_ambiguous_and_wrong(handler, library):
    with pytest.raises(PlexNotFound):
        handler(job("x.mkv"))
    with pytest.raises(PlexNotFound):
        handler(job("c.mkv"))
    with pytest.raises(PermanentError):
        handler(make_job({"path": "a.mkv"}))
    with pytest.raises(PermanentError):
        handler(job("../a.mkv"))
    assert not list(library.rglob("*.nfo"))


def test_found_once_it_is_there(handler, library):
    with pytest.raises(PlexNotFound):
        handler(job("x.mkv"))
    (library / "two/x.mkv").write_text("")
    assert handler(job("x.mkv")) == Outcome("low")


def test_a_sidecar_of_somebody_else_means_skipped(handler, library):
    (library / "a.nfo").write_text("<movie><title>mine</title></movie>")
    assert handler(job("a.mkv")) == Outcome("high", skipped=True)
    assert "mine" in (library / "a.nfo").read_text()
    overwriting = load_handler(f"nfo:{library}", timeout_s=None, overwrite=True)
    assert overwriting(job("a.mkv")) == Outcome("high")
    assert "mine" not in (library / "a.nfo").read_text()


def test_a_library_that_is_not_mounted_is_no_fault_of_the_job(handler, library):
    library.rename(library.with_name("away"))
    with pytest.raises(TransientError, match="is it mounted"):
        handler(job("a.mkv"))
    library.with_name("away").rename(library)
    assert handler(job("a.mkv")) == Outcome("high")


def test_a_retry_sweeps_what_a_killed_attempt_left(handler, monkeypatch):
    sweeps = []
    real = nfo.write_sidecar
    monkeypatch.setattr(
        nfo, "write_sidecar", lambda *a, **k: sweeps.append(k["sweep"]) or real(*a, **k)
    )
    handler(job("a.mkv"))
    handler(job("a.mkv", attempt=2))
    assert sweeps == [False, True]


def test_many_threads_at_once(handler, library):
    for n in range(20):
        (library / f"one/n{n}.mkv").write_text("")
    outcomes = []

    def work(start):
        outcomes.extend(handler(job(f"n{(start + n) % 20}.mkv")) for n in range(20))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome("low")] * 80
    assert len(list(library.rglob("*.nfo"))) == 20
    assert not list(library.rglob(".syncstats*"))


def test_the_library_may_be_relative(library, monkeypatch):
    monkeypatch.chdir(library.parent)
    handler = load_handler("nfo:library", timeout_s=None)
    monkeypatch.chdir("/")
    assert handler(job(library / "a.mkv")) == Outcome("high")


def test_the_watchdog_is_the_workers_and_there_is_nothing_to_stop(handler):
    assert handler.enforces_timeout is False
    handler.stop()
    handler.close()


@pytest.mark.parametrize(
    ("name", "reason"), [("a.mkv", "is not a folder"), ("x", "does not exist")]
)
def test_a_library_that_is_none_is_refused(library, name, reason):
    with pytest.raises(HandlerSpecError, match=reason):
        load_handler(f"nfo:{library / name}", timeout_s=None)


def test_a_library_that_cannot_be_read_is_refused(library, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(HandlerSpecError, match="permissions"):
        load_handler(f"nfo:{library}", timeout_s=None)


def test_the_mark_that_readers_of_the_file_see_is_a_comment(handler, library):
    handler(job("a.mkv"))
    lines = Path(library / "a.nfo").read_text().splitlines()
    assert lines[1].startswith("<!-- written by syncstats")
