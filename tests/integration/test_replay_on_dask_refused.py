"""What cannot be a cluster, or is not installed, is told of in one line."""

from __future__ import annotations

import socketserver
import subprocess
import sys
from threading import Thread

import pytest

from projections.engines.dask import PACKAGES, dask_engine
from projections.errors import EngineError
from tests.support.awkward_files import awkward_files
from tests.support.command import assert_complaint, clean_env, syncstats
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture
def log(tmp_path):
    return awkward_files(tmp_path / "log")


def test_an_engine_that_is_not_installed_is_told_with_how_to_get_it(tmp_path):
    script = (
        "import sys\n"
        "sys.modules['distributed'] = None\n"
        "from projections.cli.main import main\n"
        "sys.exit(main(['replay', '.', '--engine', 'dask']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "pip install '.[dask]'" in done.stderr


def test_a_scheduler_without_the_engine_is_refused(tmp_path):
    ran = syncstats("replay", ".", "--scheduler", "tcp://127.0.0.1:1", cwd=tmp_path)
    assert_complaint(ran, "--scheduler is for --engine dask")


def test_a_scheduler_that_does_not_answer_is_told_of(monkeypatch):
    packages(*PACKAGES)
    monkeypatch.setattr("projections.engines.connecting.CONNECT_S", 1)

    said = r"no Dask scheduler answers at tcp://127\.0\.0\.1:1: is it running"
    with pytest.raises(EngineError, match=said), dask_engine("tcp://127.0.0.1:1", 1):
        pass


@pytest.mark.parametrize("address", ["", "nowhere", "http://127.0.0.1:1", "tls://127.0.0.1:1"])
def test_an_address_that_cannot_be_a_schedulers_is_told_of(log, tmp_path, address):
    packages(*PACKAGES)
    call = ("replay", log, "--engine", "dask", "--scheduler", address)
    assert_complaint(syncstats(*call, cwd=tmp_path), "no Dask scheduler answers at")


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff" * 64])
def test_whatever_else_listens_there_is_told_of(monkeypatch, capfd, answer):
    packages(*PACKAGES)
    monkeypatch.setattr("projections.engines.connecting.CONNECT_S", 1)
    monkeypatch.setattr("projections.engines.connecting.ANSWER_S", 1)
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Answers) as server:
        server.answer = answer
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"tcp://127.0.0.1:{server.server_address[1]}"
        with (
            pytest.raises(EngineError, match="no Dask scheduler answers at"),
            dask_engine(address, 1),
        ):
            pass
        server.shutdown()
    assert capfd.readouterr() == ("", "")


class _Answers(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.server.answer)
        while self.request.recv(1 << 16):
            pass
