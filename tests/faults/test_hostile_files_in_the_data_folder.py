"""Something else where a file of the data folder should be: a pipe, a link, a folder, a device.

Nothing hangs, nothing is written through a link, and who cannot go on says so in one line.
"""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from events.filesystem.real import replace_file
from tests.support.data_folders import event, whole, write_log
from tests.support.forked_command import forked

SEGMENT = f"events/a/{0:020d}.jsonl"
NEXT_SEGMENT = f"events/a/{7:020d}.jsonl"
VICTIM = b"somebody else's\n"
HANDLER = "def handle(job):\n    pass\n"
JOB = b'{"scene_id": 77}\n'

RUN = ("run", "--handler", "sync:handle", "--drain", "--grace", "1")
QUEUE = (("show", "--json"), ("enqueue", "-"), ("pause",), ("dlq", "retry", "--all"), RUN)
LETTERS = (("show",), ("dlq", "list"), ("dlq", "purge", "--all"), RUN)
PRUNE = ("prune", "--keep", "1KiB", "--compress")
LOG = (("verify",), ("replay",), ("tail",), ("rebuild",), RUN, PRUNE)
STATS = (("show",), ("verify",), ("rebuild",), RUN)
PLACES = {
    "queue.db": QUEUE,
    "queue.db-wal": QUEUE,
    "queue.db-journal": QUEUE,
    "dlq.db": LETTERS,
    "events": LOG,
    "events/a": LOG,
    "events/b": (("verify",), ("rebuild",)),
    SEGMENT: LOG,
    NEXT_SEGMENT: LOG,
    f"{SEGMENT}.zst": (("verify",), ("rebuild",), RUN, PRUNE),
    "events/a/owner": (RUN,),
    "events/a/lock": (RUN, PRUNE),
    "events/a/summary.json": (("verify",), ("rebuild",), RUN, PRUNE),
    "housekeeping.lock": (PRUNE,),
    "takeover.lock": (RUN,),
    "runner.lock": (RUN,),
    "stats.lock": (("rebuild",), RUN),
    "stats.json": STATS,
}


def pipe(path, _):
    os.mkfifo(path)


def folder(path, _):
    path.mkdir()


def a_socket(path, _):
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path may be 108 bytes long, a test's folder is longer
        try:
            listening.bind(path.name)
        finally:
            os.chdir(here)


def link(path, victims):
    path.symlink_to(victims / "text")


def link_to_an_empty_file(path, victims):
    path.symlink_to(victims / "empty")


def link_to_a_folder(path, victims):
    path.symlink_to(victims / "folder")


def link_to_nothing(path, victims):
    path.symlink_to(victims / "nothing")


def link_to_itself(path, _):
    path.symlink_to(path.name)


def link_to_a_device(path, _):
    path.symlink_to("/dev/zero")


KINDS = (
    *(pipe, folder, a_socket, link, link_to_an_empty_file, link_to_a_folder, link_to_nothing),
    *(link_to_itself, link_to_a_device),
)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A data folder with a log, jobs, dead letters and stats, and victims beside it."""
    place = tmp_path_factory.mktemp("original")
    whole(place / "data")
    write_log(place / "data", event(7), event(8), first=7)  # more segments, so that prune has work
    write_log(place / "data", event(9), first=9)
    assert forked("rebuild", cwd=place).status == 0
    (place / "sync.py").write_text(HANDLER)
    victims = place / "victims"
    (victims / "folder").mkdir(parents=True)
    (victims / "text").write_bytes(VICTIM)
    (victims / "empty").touch()
    return place


def contents(victims):
    return {
        path.relative_to(victims).as_posix(): path.read_bytes() if path.is_file() else None
        for path in victims.rglob("*")
    }


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", PLACES)
def test_it_is_refused_or_passed_over(name, kind, original, tmp_path):
    for number, args in enumerate(PLACES[name]):
        place = tmp_path / str(number)
        shutil.copytree(original, place)
        path = place / "data" / name
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        before = contents(place / "victims")
        kind(path, place / "victims")

        ran = forked(*args, cwd=place, stdin=JOB)

        assert ran.status in {0, 1, 2}, (args, ran)
        assert contents(place / "victims") == before, args
        assert "Traceback" not in ran.err, ran.err
        assert "defect of syncstats" not in ran.err, ran.err
        if ran.status == 2:
            assert ran.out == "", args
            last = ran.err.splitlines()[-1]
            assert last.startswith("syncstats: "), args
            assert Path(name).name in last or "events/a" in last or "'a'" in last, last


def test_a_link_that_waits_at_a_temporary_s_name_is_never_followed(tmp_path, monkeypatch):
    """Names are random; one that were guessed all the same is refused, not written through."""
    monkeypatch.setattr("events.filesystem.real.os.urandom", lambda size: b"\7" * size)
    victim = tmp_path / "victim"
    victim.write_bytes(VICTIM)
    (tmp_path / f".syncstats-{'07' * 8}.tmp").symlink_to(victim)
    with pytest.raises(FileExistsError):
        replace_file(tmp_path / "stats.json", b"{}")
    assert victim.read_bytes() == VICTIM
    assert not (tmp_path / "stats.json").exists()


def test_a_data_folder_may_itself_be_a_link(original, tmp_path):
    shutil.copytree(original, tmp_path / "here")
    (tmp_path / "here" / "data").rename(tmp_path / "elsewhere")
    (tmp_path / "here" / "data").symlink_to(tmp_path / "elsewhere")
    for args in (("enqueue", "-"), RUN, ("rebuild",), ("verify",), ("show",)):
        ran = forked(*args, cwd=tmp_path / "here", stdin=JOB)
        assert (ran.status, ran.err) == (0, ""), ran
