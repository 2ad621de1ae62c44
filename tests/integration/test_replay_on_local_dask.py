"""`syncstats replay --engine dask`: processes of this machine that nobody else can use; all end."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from projections.engines.dask import PACKAGES, dask_engine
from projections.engines.local import local_cluster
from projections.engines.planning import plan
from projections.engines.replaying import replay_on
from projections.replay import NATIVE_CHOICE
from tests.support.awkward_files import alone, awkward_files
from tests.support.command import HEARS_SIGINT, clean_env, syncstats
from tests.support.log_folders import append
from tests.support.outcome_lines import succeeded
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture
def log(tmp_path):
    return awkward_files(tmp_path / "log")


def test_without_a_scheduler_processes_of_this_machine_do_it_and_leave_nothing(log, tmp_path):
    packages(*PACKAGES)
    scratch = tmp_path / "no socket's name has room in it any more".replace(" ", "/")
    scratch.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    here = syncstats("replay", log, "--json", cwd=tmp_path)

    call = ("replay", log, "--json", "--engine", "dask")
    assert syncstats(*call, cwd=tmp_path, TMPDIR=str(scratch)) == here
    assert sorted(tmp_path.rglob("*")) == before


def test_modules_in_the_working_folder_are_not_run(log, tmp_path):
    packages(*PACKAGES)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    # multiprocessing's helpers are started by `python -c`, which looks there first.
    for name in ("multiprocessing", "selectors", "signal", "distributed", "projections"):
        (theirs / f"{name}.py").write_text("import os; os.write(2, b'theirs')\n")
    here = syncstats("replay", log, "--json", cwd=tmp_path)
    script = "import sys; from projections.cli.main import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, "replay", str(log), "--json", "--engine", "dask"],
        cwd=theirs,
        env=clean_env(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (here.status, here.out, here.err)


def test_a_cluster_of_its_own_listens_on_loopback_only_and_is_gone_afterwards(log):
    packages(*PACKAGES)
    import psutil

    todo = plan([str(log)], NATIVE_CHOICE)
    others = psutil.Process().children(recursive=True)
    with dask_engine(None, 2 << 30) as engine:
        workers = [p for p in psutil.Process().children(recursive=True) if p not in others]
        heard = [
            connection.laddr.ip
            for process in (psutil.Process(), *workers)
            for connection in process.net_connections()
            if connection.status == psutil.CONN_LISTEN
        ]
        assert set(heard) == {"127.0.0.1"}
        replayed, _ = replay_on(engine, todo)
        started = [p for p in workers if p.ppid() != os.getpid()]  # who starts them stays with us
        assert started
    assert replayed.snapshot.to_bytes() == alone(log)
    assert not psutil.wait_procs(started, 30)[1]


def test_nobody_else_on_this_machine_can_have_code_run_by_its_cluster():
    packages(*PACKAGES)
    from distributed import Client

    with local_cluster(1) as cluster:
        address = cluster.scheduler_address.removeprefix("tls://")
        for theirs in (f"tcp://{address}", f"tls://{address}"):
            with pytest.raises((OSError, TypeError)):
                Client(theirs, timeout=1, set_as_default=False)


@pytest.mark.parametrize(
    ("sent", "status"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)], ids=str
)
def test_a_signal_to_all_its_processes_ends_them_and_leaves_nothing(log, tmp_path, sent, status):
    packages(*PACKAGES)
    import psutil

    script = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # `nohup make test` would keep it ignored\n"
        "from projections.cli import main\n"
        "from projections.engines import replaying\n"
        "def replay_on(*_, **__):\n"
        f"    os.killpg(0, signal.{sent})\n"
        "    while True:\n"
        "        time.sleep(0.01)  # another thread may have got it: this one hears of it soon\n"
        "replaying.replay_on = replay_on\n"
        "sys.exit(main.main(sys.argv[1:]))\n"
    )
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(
            [*HEARS_SIGINT, sys.executable, "-c", script, "replay", str(log), "--engine", "dask"],
            env=clean_env(TMPDIR=scratch),
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process,
    ):
        out, err = process.communicate(timeout=60)
        assert process.returncode == status, err
        assert (out, err) == (b"", b"")
        assert list(Path(scratch).iterdir()) == []
    left = [p for p in psutil.process_iter(["pid"]) if _session(p.pid) == process.pid]
    assert not psutil.wait_procs(left, 30)[1]


def _session(pid):
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def test_nothing_of_dask_is_loaded_without_being_asked_for(tmp_path):
    append(tmp_path / "a.jsonl", succeeded(0))
    script = (
        "import sys\n"
        "from projections.cli.main import main\n"
        "status = main(['replay', 'a.jsonl', '--json'])\n"
        "loaded = {'dask', 'distributed', 'fsspec', 'projections.engines'} & set(sys.modules)\n"
        "sys.exit(f'loaded {loaded}' if loaded else status)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=clean_env(),
        stdout=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0
