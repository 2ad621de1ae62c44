"""Processes that tally parts of files: what they make is what one process makes, and they end."""

from __future__ import annotations

import io
import os
import random
import select
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from events.filesystem import RealFileSystem
from events.kernel.tallies import PURE, file_kernel, kernel
from events.limits import MAX_LINE_BYTES
from events.log.segment import open_source
from projections.fold import Fold
from projections.parallel import parts, plain_part
from projections.parallel.helpers import Helpers
from projections.parallel.helping import LENGTH_BYTES, Order, framed, receive, serve
from projections.parallel.parts import PLAIN_BYTES as PART_BYTES
from projections.reading import read_file
from projections.snapshot import Snapshot
from tests.support.kernel_lines import without_kernel
from tests.support.outcome_lines import failed, succeeded

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be given away")


@pytest.fixture(autouse=True)
def _pure(monkeypatch):
    monkeypatch.setenv(PURE, "1")
    for cached in (kernel, file_kernel):
        cached.cache_clear()
    yield
    monkeypatch.undo()
    for cached in (kernel, file_kernel):
        cached.cache_clear()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A file of several parts, with lines of all sorts."""
    chance = random.Random(3)
    filler = [failed(n, error="é" * chance.randrange(2000)) for n in range(9000)]
    odd = {4000: b"words\n", 6000: succeeded(4), 7000: b"x" * (MAX_LINE_BYTES + 9) + b"\n"}
    lines = [odd.get(n, line) for n, line in enumerate(filler)] + [b"half a line"]
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    path.write_bytes(b"".join(lines))
    assert path.stat().st_size > 3 * PART_BYTES
    return path


def read(file, fold, **options):
    problems, sizes = [], []
    with file:
        *_, end = read_file(
            fold, file, "log", problem=problems.append, progress=sizes.append, **options
        )
    return Snapshot(fold.entries()).to_bytes(), problems, end, sum(sizes)


def by_line(path):
    return read(io.BytesIO(path.read_bytes()), Fold(scan=without_kernel))


@pytest.fixture
def own_parts(monkeypatch):
    """Where the parts began that were tallied in this process."""
    begins = []
    own = plain_part.tally_part

    def noted(file, begin, *rest, **options):
        begins.append(begin)
        return own(file, begin, *rest, **options)

    monkeypatch.setattr(plain_part, "tally_part", noted)
    return begins


@pytest.fixture
def all_helpers(monkeypatch):
    """Those that are made, on whatever machine, for however little."""
    made = []

    def make(size):
        made.append(Helpers(size, worth_bytes=1))
        return made[-1]

    monkeypatch.setattr(parts, "Helpers", make)
    monkeypatch.setattr(parts, "threads", lambda: 2)
    return made


def test_a_large_file_is_read_alike_by_helpers(large, own_parts, all_helpers):
    found = read(open_source(large, RealFileSystem()), Fold())
    assert found == by_line(large)
    assert [problem.reason for problem in found[1]], "nothing was reported"
    assert own_parts == [], "a part was not tallied by a helper"
    assert [helpers.pids for helpers in all_helpers] == [[]], "they have not ended"


def test_a_large_file_is_read_alike_without_helpers(large, own_parts, monkeypatch):
    monkeypatch.setattr(parts, "threads", lambda: 1)
    assert read(open_source(large, RealFileSystem()), Fold()) == by_line(large)
    assert own_parts
    assert own_parts == sorted(own_parts)


@pytest.mark.usefixtures("all_helpers")
def test_where_none_can_be_started_parts_are_tallied_here(large, own_parts, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(large.parent / "no-such-program"))
    assert read(open_source(large, RealFileSystem()), Fold()) == by_line(large)
    assert own_parts


def test_what_a_helper_leaves_undone_is_done_here(large, own_parts):
    helpers = Helpers(1, worth_bytes=1)
    with closing(helpers), large.open("rb") as file:
        ask = {"is_first": True, "limit": large.stat().st_size}
        first = helpers.scan_part(file.fileno(), 0, PART_BYTES, None, **ask)
        (pid,) = helpers.pids
        os.kill(pid, signal.SIGKILL)
        assert helpers.scan_part(file.fileno(), 0, PART_BYTES, None, **ask) == first
        assert own_parts == [0]
        assert helpers.pids == [pid], "another one was started, which would fare alike"


def test_a_helper_that_cannot_read_leaves_the_error_to_who_asks(large):
    with (
        closing(Helpers(1, worth_bytes=1)) as helpers,
        large.open("ab") as unreadable,
        pytest.raises(OSError, match="Bad file descriptor"),
    ):
        helpers.scan_part(unreadable.fileno(), 0, 99, None, is_first=True, limit=99)


def test_helpers_end_when_told_and_hear_no_ctrl_c(large):
    with closing(Helpers(1, worth_bytes=1)) as helpers, large.open("rb") as file:
        helpers.scan_part(file.fileno(), 0, 9999, None, is_first=True, limit=9999)
        pids = helpers.pids
        assert os.getpgrp() not in {os.getpgid(pid) for pid in pids}
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_who_ends_early_waits_for_no_helper(large, all_helpers):
    with large.open("rb") as file:
        made = parts.read_parts(
            file.fileno(), offset=0, end=large.stat().st_size, folder=None, part_bytes=1 << 16
        )
        taken = iter(made)
        next(taken)
        (helpers,) = all_helpers
        for pid in helpers.pids:
            os.kill(pid, signal.SIGSTOP)  # it would never answer
        taken.close()
    assert helpers.pids == []


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="processes cannot be waited for")
def test_helpers_end_when_who_asks_is_killed(large):
    program = """
import sys
from projections.parallel.helpers import Helpers
helpers = Helpers(1, worth_bytes=1)
with open(sys.argv[1], "rb") as file:
    helpers.scan_part(file.fileno(), 0, 9999, None, is_first=True, limit=9999)
    print(*helpers.pids, flush=True)
    sys.stdin.read()
"""
    argv = [sys.executable, "-c", program, str(large)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        (pid,) = map(int, asking.stdout.readline().split())
        helper = os.pidfd_open(pid)
        try:
            asking.kill()
            assert select.select([helper], [], [], 60)[0], "it is still there"
        finally:
            os.close(helper)


@pytest.mark.usefixtures("all_helpers")
def test_helpers_import_nothing_from_the_working_folder(large, own_parts, tmp_path, monkeypatch):
    (tmp_path / "json.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    read(open_source(large, RealFileSystem()), Fold())
    assert own_parts == []


def test_for_little_none_is_started():
    assert not Helpers(98, worth_bytes=99).may_start
    assert Helpers(99, worth_bytes=99).may_start


def test_orders_are_answered_until_nobody_asks(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(succeeded(0) + succeeded(1))
    size = path.stat().st_size
    mine, theirs = socket.socketpair()
    serving = threading.Thread(target=serve, args=(theirs,))
    serving.start()
    with mine, theirs, path.open("rb") as file:
        order = framed(Order(0, size, None, is_first=True, limit=size))
        socket.send_fds(mine, [order[:9]], [file.fileno()])
        mine.sendall(order[9:])
        length = int.from_bytes(receive(mine, LENGTH_BYTES))
        assert b"job" not in receive(mine, length)
        mine.shutdown(socket.SHUT_WR)
        serving.join(60)
        assert not serving.is_alive()
        theirs.close()
        with pytest.raises(EOFError):
            receive(mine, 1)
