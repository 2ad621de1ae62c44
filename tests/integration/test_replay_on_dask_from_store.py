"""`syncstats replay --engine dask` reads objects of an S3 server, and of a web server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from projections.engines.dask import PACKAGES
from tests.support.awkward_files import awkward_files
from tests.support.command import assert_complaint, syncstats
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import succeeded
from tests.support.tools import packages

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dask")]


@pytest.fixture
def log(tmp_path):
    return awkward_files(tmp_path / "log")


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
