"""Stores that have URLs; fsspec's own store in memory stands for them."""

from __future__ import annotations

import io
import pickle
import re

import pytest
import zstandard

from projections.engines import remote
from projections.engines.places import find_all
from projections.engines.remote import open_store
from projections.errors import SourceError
from projections.replay import NATIVE_CHOICE, replay
from tests.support.command import ROOT
from tests.support.engines import Here, replay_here
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, succeeded
from tests.support.pruned_logs import prune_to
from tests.support.tools import packages


@pytest.fixture
def store():
    """Puts a folder's files into a store, under memory://bucket/."""
    packages("fsspec")
    import fsspec

    memory = fsspec.filesystem("memory")

    def put(folder):
        for path in folder.rglob("*"):
            if path.is_file():
                memory.pipe_file(f"/bucket/{path.relative_to(folder)}", path.read_bytes())

    yield put
    memory.store.clear()
    memory.pseudo_dirs[:] = [""]


def fold(*paths):
    return replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot


def names(*urls):
    return [(s.kind, p.shown(s.path)) for p, s in find_all(urls, folder=None)]


def test_an_event_log_with_summaries_gives_the_same_bytes_from_a_store(tmp_path, store):
    for first in (0, 3, 6):
        append(segment(tmp_path, first=first), *[succeeded(first + n) for n in range(3)])
    append(segment(tmp_path, "b"), opened(0, "e", "b"), failed(1, "b"), b"no JSON\n", b"no end")
    prune_to(tmp_path, 3)
    compress(segment(tmp_path, first=3), ".zst", keep=True)
    store(tmp_path)
    whole = fold(tmp_path)

    for url in ("memory://bucket", "memory://bucket/", "memory://bucket/events"):
        assert replay_here(Here(), url).snapshot.to_bytes() == whole.to_bytes()
    alone = replay_here(Here(), "memory://bucket/events/a").snapshot
    assert alone.to_bytes() == fold(tmp_path / "events" / "a").to_bytes()
    assert alone.streams["a"].position.segment == 6


def test_globs_name_what_they_name_on_a_machine(tmp_path, store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.jsonl", "x/b.jsonl", "x/y/c.jsonl", "x/d.txt", "x/.e.jsonl", ".z/f.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        append(tmp_path / name, succeeded(0))
    store(tmp_path)
    for pattern in ("**/*.jsonl", "*.jsonl", "x/*", "x/?.*", "**/y/*", "x/.*", "**/[bc].jsonl"):
        here = [f"memory:///bucket/{s.path}" for _, s in find_all([pattern], folder=None)]
        assert [name for _, name in names(f"memory://bucket/{pattern}")] == here


def test_each_object_is_named_once(tmp_path, store):
    append(tmp_path / "a.jsonl", succeeded(None, None))
    store(tmp_path)
    urls = ["memory://bucket/a.jsonl", "memory://bucket/*.jsonl", "memory://bucket"]

    assert names(*urls) == [("file", "memory:///bucket/a.jsonl")]
    assert replay_here(Here(), *urls).snapshot.total().jobs_succeeded == 1


def test_a_machines_files_and_a_stores_are_read_together(tmp_path, store):
    append(tmp_path / "a.jsonl", succeeded(0))
    store(tmp_path)
    append(tmp_path / "a.jsonl", succeeded(1))

    stats = replay_here(Here(), tmp_path, "memory://bucket/*").snapshot
    assert stats.total().jobs_succeeded == 2
    assert stats.duplicates == 1


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("memory://bucket/none.jsonl", r"memory:///bucket/none\.jsonl does not exist"),
        ("memory://bucket/*.none", r"memory:///bucket/\*\.none matches nothing"),
        ("memory://bucket/empty", "memory:///bucket/empty holds no .jsonl files"),
    ],
)
def test_what_is_not_there_is_told_with_its_url(tmp_path, store, url, said):
    (tmp_path / "empty").mkdir()
    append(tmp_path / "empty" / "x.txt")
    store(tmp_path)

    with pytest.raises(SourceError, match=f"^{said}"):
        find_all([url], folder=None)


def documented():
    """The protocols in the table of packages, each with its package."""
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `(\w+)://[^|]+ \| `(\w+)`", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("protocol", "package"), [*documented(), ("simplecache::s3", "s3fs"), ("hf", "PACKAGE")]
)
def test_a_protocol_whose_package_is_missing_is_told_with_how_to_get_it(
    monkeypatch, protocol, package
):
    packages("fsspec")

    def missing(_):
        raise ImportError("Install what reads it")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(SourceError) as raised:
        open_store(f"{protocol}://bucket/a.jsonl")
    assert str(raised.value) == (
        f"{protocol}://bucket/a.jsonl cannot be read: Install what reads it. The extra 'dask' "
        "brings no protocol's package: put it beside syncstats, here and where the workers are "
        f"(`pipx inject syncstats {package}`)"
    )


def test_the_documented_protocols_are_those_that_are_told():
    assert {protocol for protocol, _ in documented()} == {"s3", "gs", "az", "hdfs", "https"}
    packages("fsspec")
    import fsspec

    assert set(remote.PACKAGES) <= {*fsspec.available_protocols()}


@pytest.mark.parametrize(
    ("url", "protocol"),
    [("S3://b/x", "S3"), ("foo://b/x", "foo"), ("simplecache::Gs://b/x", "Gs")],
)
def test_a_protocol_that_there_is_not_is_told_with_those_that_there_are(url, protocol):
    packages("fsspec")
    with pytest.raises(SourceError) as raised:
        find_all([url], folder=None)
    assert str(raised.value) == (
        f"{url} cannot be read: no such protocol '{protocol}': write s3, gs, az, hdfs or https, in "
        "small letters"
    )


def test_another_error_of_a_known_protocol_is_told_as_it_is(monkeypatch):
    packages("fsspec")

    def refuse(_):
        raise ValueError("no bucket")

    monkeypatch.setattr("fsspec.core.url_to_fs", refuse)
    with pytest.raises(SourceError, match=r"^s3://x cannot be read: ValueError: no bucket$"):
        open_store("s3://x")


def test_problems_and_damage_are_told_with_urls(tmp_path, store):
    append(tmp_path / "a.jsonl", b"no JSON\n")
    append(tmp_path / "b.jsonl.zst", b"no frame")
    store(tmp_path)
    problems = []

    with pytest.raises(SourceError, match=r"^memory:///bucket/b\.jsonl\.zst cannot be decompr"):
        replay_here(Here(), "memory://bucket/*", problem=problems.append)
    assert [str(p)[:40] for p in problems] == ["memory:///bucket/a.jsonl, line 1, byte 0"]


class _Broken:
    """What a store whose library fails in its own way gives."""

    def __init__(self, error, **info):
        self.error = error
        self.found = info

    def _strip_protocol(self, path):
        return path.removeprefix("s3://")

    def info(self, path):
        return {"name": path, "type": "file", **self.found}

    def open(self, *_, **__):
        raise self.error


class _LibraryError(Exception):
    pass


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (_LibraryError("no credentials"), "_LibraryError: no credentials"),
        (PermissionError("Access Denied"), "Access Denied"),
        (FileNotFoundError("b/a"), "No such file or directory"),
    ],
)
def test_a_librarys_own_error_is_an_error_of_the_system(error, said):
    with pytest.raises(OSError, match=said) as raised:
        remote.RemoteFiles(_Broken(error), "s3://").open_read("b/a")
    assert raised.value.filename == "s3://b/a"


def test_a_size_that_is_not_told_is_none():
    assert remote.RemoteFiles(_Broken(None, size=None), "s3://").size("b/a") == 0


@pytest.mark.usefixtures("store")
def test_what_cannot_be_sought_is_copied_and_then_sought(monkeypatch):
    text = succeeded(0) + succeeded(1)
    packed = zstandard.compress(text) + zstandard.compress(succeeded(2))
    files, _ = open_store("memory://bucket/a.jsonl.zst")

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError("not seekable")

    monkeypatch.setattr(files._fs, "open", lambda *_, **__: Pipe(packed))
    with files.open_read("bucket/a.jsonl.zst") as file:
        assert file.seek(0, io.SEEK_END) == len(packed)
        file.seek(0)
        assert file.read() == packed


def test_a_store_goes_over_without_what_was_listed(tmp_path, store):
    for n in range(100):
        append(tmp_path / f"a-file-with-a-long-name-{n}.jsonl", succeeded(n))
    store(tmp_path)
    found = find_all(["memory://bucket/*"], folder=None)

    assert len(found) == 100
    assert len(pickle.dumps(found[0][0])) < 2000


def test_listings_are_asked_once_for_all_files(tmp_path, store, monkeypatch):
    """A request for each of 10,000 objects would take minutes."""
    for n in range(30):
        append(tmp_path / f"{n}.jsonl", succeeded(n))
    store(tmp_path)
    from fsspec.implementations.memory import MemoryFileSystem

    from projections.engines.planning import plan

    asked = []
    info = MemoryFileSystem.info
    monkeypatch.setattr(
        MemoryFileSystem, "info", lambda *a, **k: asked.append(a[1]) or info(*a, **k)
    )
    assert len(plan(["memory://bucket/*.jsonl"], NATIVE_CHOICE).pieces) == 30
    assert len(asked) <= 31  # those that this store's own glob asks
