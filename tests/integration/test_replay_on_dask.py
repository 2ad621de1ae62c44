"""`syncstats replay --engine dask`: a scheduler, two workers, an S3 server, and a killed worker."""

from __future__ import annotations

import io
import os
import signal
import socketserver
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Thread

import pytest
import zstandard

from projections.engines import partitions
from projections.engines.dask import PACKAGES, DaskEngine, dask_engine
from projections.engines.local import local_cluster
from projections.engines.planning import plan
from projections.engines.replaying import replay_on
from projections.errors import EngineError, SourceError
from projections.replay import NATIVE_CHOICE, replay
from tests.support.command import HEARS_SIGINT, assert_complaint, clean_env, syncstats
from tests.support.dask_cluster import dask_cluster
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, succeeded
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    packages(*PACKAGES)
    with dask_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def log(tmp_path):
    """Files with all that may be in the way."""
    folder = tmp_path / "log"
    folder.mkdir()
    for n in range(8):
        lines = [succeeded(n * 400 + i, "a") for i in range(400)]
        append(folder / f"{n}.jsonl", *lines)
    append(folder / "2.jsonl", b"no JSON\n", *[succeeded(i, "a") for i in range(395, 405)])
    append(folder / "7.jsonl", *[failed(None, None)] * 7, opened(0, "e", "b"), b"no end")
    compress(folder / "3.jsonl", ".gz")
    half = (folder / "4.jsonl").read_bytes()
    cut = half.index(b"\n", len(half) // 2) + 1
    frames = zstandard.compress(half[:cut]) + zstandard.compress(half[cut:])
    append(folder / "4.jsonl.zst", frames)
    (folder / "4.jsonl").unlink()
    return folder


def alone(*paths):
    return replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot.to_bytes()


@pytest.fixture
def small_partitions(monkeypatch):
    monkeypatch.setattr(partitions, "LEAST_BYTES", 1 << 12)
    monkeypatch.setattr(partitions, "MOST_BYTES", 1 << 15)


# On a cluster ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("log")
def test_the_command_prints_on_a_cluster_what_it_prints_alone(cluster, tmp_path):
    here = syncstats("replay", "log", "--json", cwd=tmp_path)
    there = syncstats(
        "replay", "log", "--json", "--engine", "dask", "--scheduler", cluster.address, cwd=tmp_path
    )
    assert there == here
    assert here.status == 0
    assert "log/2.jsonl, line 401, byte" in there.err


@pytest.mark.usefixtures("small_partitions")
def test_many_partitions_are_merged_in_a_tree_to_the_same_bytes(cluster, log):
    todo = plan([str(log)], NATIVE_CHOICE)
    told = []
    replayed, _ = replay_on(DaskEngine(cluster.client), todo, progress=told.append)

    assert replayed.snapshot.to_bytes() == alone(log)
    assert len(told) >= 8
    assert sum(told) == todo.stored


@pytest.mark.usefixtures("small_partitions")
def test_a_file_that_is_gone_ends_it_with_one_error(cluster, log):
    todo = plan([str(log)], NATIVE_CHOICE)
    (log / "5.jsonl").unlink()

    with pytest.raises(SourceError, match=r"5\.jsonl cannot be read: No such file"):
        replay_on(DaskEngine(cluster.client), todo)


@pytest.mark.usefixtures("small_partitions")
def test_a_worker_that_is_killed_midway_changes_nothing(log, tmp_path):
    packages(*PACKAGES)
    todo = plan([str(log)], NATIVE_CHOICE)
    with dask_cluster(tmp_path) as own:
        engine = DaskEngine(own.client)
        done = []

        def progress(stored):
            done.append(stored)
            if len(done) == 2:
                own.kill(0)

        replayed, _ = replay_on(engine, todo, progress=progress)
        assert replayed.snapshot.to_bytes() == alone(log)
        assert own.workers[0].returncode == -signal.SIGKILL
        assert len(own.client.nthreads()) == 1
        assert len(done) >= 8


def test_workers_that_cannot_run_it_are_told_of_in_one_line(log, tmp_path):
    packages(*PACKAGES)
    theirs = tmp_path / "theirs" / "projections"
    theirs.mkdir(parents=True)
    (theirs / "__init__.py").write_text("raise ImportError('not that')")  # somebody else's
    with dask_cluster(tmp_path, 1, PYTHONPATH=str(theirs.parent)) as own:
        call = ("replay", log, "--engine", "dask", "--scheduler", own.address)
        assert_complaint(syncstats(*call, cwd=tmp_path), "a worker cannot do it", "same syncstats")


@pytest.mark.usefixtures("small_partitions")
def test_a_scheduler_that_is_killed_midway_ends_it_with_one_error(log, tmp_path, capfd):
    packages(*PACKAGES)
    todo = plan([str(log)], NATIVE_CHOICE)
    with dask_cluster(tmp_path) as own, dask_engine(own.address, todo.work) as engine:
        with pytest.raises(EngineError, match="has the Dask scheduler been stopped"):
            replay_on(engine, todo, progress=lambda _: own.stop())
        assert capfd.readouterr().err == ""


# On this machine ---------------------------------------------------------------------------------


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
        "import os, signal, sys\n"
        "from projections.cli import main\n"
        "from projections.engines import replaying\n"
        f"replaying.replay_on = lambda *_, **__: os.killpg(0, signal.{sent})\n"
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


# A store -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3():
    """The environment in which s3:// is a server on loopback, and a client of it."""
    packages(*PACKAGES, "s3fs", "moto", "flask")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    env = {
        "FSSPEC_S3_ENDPOINT_URL": url,
        "FSSPEC_S3_KEY": "somebody",
        "FSSPEC_S3_SECRET": "something",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    client = boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="somebody",
        aws_secret_access_key="something",
    )
    yield env, client
    client.close()
    server.stop()


def put(client, bucket, folder):
    client.create_bucket(Bucket=bucket)
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, str(path.relative_to(folder)))


def test_objects_of_a_bucket_give_what_the_files_give(s3, log, tmp_path):
    env, client = s3
    put(client, "logs", log)
    here = syncstats("replay", log, "--json", cwd=tmp_path)

    there = syncstats("replay", "s3://logs/**/*", "--json", "--engine", "dask", cwd=tmp_path, **env)
    assert (there.out, there.status) == (here.out, 0)
    assert there.err == here.err.replace(str(log), "s3://logs")


def test_an_event_log_in_a_bucket_has_its_places(s3, tmp_path):
    env, client = s3
    for first in (0, 50):
        append(segment(tmp_path / "data", first=first), *[succeeded(first + n) for n in range(50)])
    compress(segment(tmp_path / "data"), ".zst")
    put(client, "data", tmp_path / "data")
    here = syncstats("replay", "data", "--json", cwd=tmp_path)

    there = syncstats("replay", "s3://data", "--json", "--engine", "dask", cwd=tmp_path, **env)
    assert there == here
    assert here.json["streams"]["a"]["position"]["segment"] == 50


def test_what_a_store_does_not_give_is_told_in_one_line(s3, tmp_path):
    env, client = s3
    client.create_bucket(Bucket="empty")
    call = ("replay", "--engine", "dask")

    for url in ("s3://empty/*.jsonl", "s3://nobodys/a.jsonl", "s3://nobodys/*.jsonl"):
        assert_complaint(syncstats(*call, url, cwd=tmp_path, **env), url)


def test_files_of_a_web_server_that_knows_no_ranges_are_read(tmp_path, log):
    packages(*PACKAGES, "aiohttp")
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "-d", str(log)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            port = server.stdout.readline().split(" port ")[1].split()[0]
            urls = [f"http://127.0.0.1:{port}/{name}" for name in ("4.jsonl.zst", "3.jsonl.gz")]
            there = syncstats("replay", *urls, "--json", "--engine", "dask", cwd=tmp_path)
        finally:
            server.terminate()
    here = syncstats("replay", log / "4.jsonl.zst", log / "3.jsonl.gz", "--json", cwd=tmp_path)
    assert there == here


# Complaints --------------------------------------------------------------------------------------


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
    assert "pip install 'syncstats[dask]'" in done.stderr


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


def test_a_workers_address_is_no_schedulers(cluster):
    worker = next(iter(cluster.client.scheduler_info()["workers"]))
    with pytest.raises(EngineError, match="what answers there is a Worker"), dask_engine(worker, 1):
        pass


def test_a_cluster_that_has_no_worker_for_long_is_told_of(log, tmp_path, monkeypatch):
    packages(*PACKAGES)
    monkeypatch.setattr("projections.engines.dask.LOOK_S", 0.01)
    with (
        dask_cluster(tmp_path, 0) as own,
        pytest.raises(EngineError, match="has had no worker for"),
    ):
        replay_on(DaskEngine(own.client), plan([str(log)], NATIVE_CHOICE))


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
