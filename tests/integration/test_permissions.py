"""The data folder is for its user alone, whatever the umask, whichever command made a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.support.forked_command import forked

HANDLER = """
from worker.errors import PermanentError

def handle(job):
    if job.scene_id % 5 == 0:
        raise PermanentError("bad luck")
"""
JOBS = b"".join(b'{"scene_id": %d}\n' % number for number in range(40))
RUN = ("run", "--handler", "sync:handle", "--drain", "--segment-bytes", "2048")
MAKES_A_FOLDER = (("enqueue", "-"), RUN)


def modes(folder):
    """Each thing in a folder, itself too, with its mode."""
    return {
        path.relative_to(folder.parent).as_posix(): oct(stat.S_IMODE(path.lstat().st_mode))
        for path in (folder, *folder.rglob("*"))
    }


def is_private(folder):
    found = modes(folder)
    wanted = {name: oct(0o700) if (folder.parent / name).is_dir() else oct(0o600) for name in found}
    assert found == wanted
    return set(found)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def command(request, tmp_path):
    """Run a command under a umask, in a folder with a handler."""
    (tmp_path / "sync.py").write_text(HANDLER)

    def call(*args, stdin=b"", statuses=(0,)):
        ran = forked(*args, cwd=tmp_path, stdin=stdin, before=lambda: os.umask(request.param))
        assert ran.status in statuses, ran
        return ran

    return call


@pytest.mark.parametrize("args", MAKES_A_FOLDER, ids=lambda args: args[0])
def test_whoever_makes_the_data_folder_makes_it_private(args, command, tmp_path):
    command(*args, "--data", "deep/below/data", stdin=JOBS)
    assert "data/queue.db" in is_private(tmp_path / "deep" / "below" / "data")
    assert oct(stat.S_IMODE((tmp_path / "deep").stat().st_mode)) == oct(0o700)


def test_every_file_that_any_command_leaves_is_private(command, tmp_path):
    data = tmp_path / "data"
    command("enqueue", "-", stdin=JOBS)
    is_private(data)
    command(*RUN)
    made = is_private(data)
    assert sum(name.endswith(".jsonl") for name in made) > 2
    assert {"data/dlq.db", "data/stats.json", "data/stats.lock"} <= made
    last = max(data.glob("events/*/*.jsonl"))
    with last.open("ab") as file:
        file.write(b'{"event":"job.succ')  # as a crash leaves it
    (data / "stats.json").write_text("[]")
    command("enqueue", "-", stdin=JOBS)
    command(*RUN)
    made = is_private(data)
    assert any(".torn-" in name for name in made)
    assert any(".corrupt-" in name for name in made)
    for args in (("rebuild",), ("verify",), ("show",), ("pause",), ("resume",), ("tail",)):
        command(*args)
    command("prune", "--compress")
    assert any(name.endswith(".zst") for name in is_private(data))
    command("prune", "--keep", "1KiB")
    assert {"summary.json", "housekeeping.lock"} <= {Path(name).name for name in is_private(data)}
    command("dlq", "retry", "--all")
    command("dlq", "purge", "--all")
    is_private(data)


def test_a_file_that_is_asked_for_elsewhere_follows_the_umask(command, request, tmp_path):
    command("enqueue", "-", stdin=JOBS)
    command(*RUN)
    command("replay", "--out", "mine.json")
    umask = request.node.callspec.params["command"]
    mode = stat.S_IMODE((tmp_path / "mine.json").stat().st_mode)
    assert oct(mode) == oct(0o666 & ~umask)
    is_private(tmp_path / "data")


def test_what_is_there_keeps_its_mode(command, tmp_path):
    """Who opens a folder to a group, for another user's `show`, keeps it open."""
    data = tmp_path / "data"
    command("enqueue", "-", stdin=JOBS)
    data.chmod(0o750)
    (data / "queue.db").chmod(0o640)
    command(*RUN)
    assert oct(stat.S_IMODE(data.stat().st_mode)) == oct(0o750)
    assert oct(stat.S_IMODE((data / "queue.db").stat().st_mode)) == oct(0o640)
