"""A file that is being tallied before what folds it is loaded: the same numbers, nothing left."""

from __future__ import annotations

import io
import threading

import pytest

from events.filesystem import RealFileSystem
from projections.head_start import head_start
from projections.parts import LARGE_BYTES
from projections.replay import replay
from tests.support.kernel_lines import needs_kernel
from tests.support.other_python import python
from tests.support.outcome_lines import failed

FS = RealFileSystem()


@pytest.fixture(autouse=True, scope="module")
def _kernel():
    needs_kernel()


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    path.write_bytes(b"".join(failed(n, error="x" * 2000) for n in range(5000)) + b"bad\nhalf")
    assert path.stat().st_size > LARGE_BYTES
    return path


def replayed(path, begun=None):
    problems = []
    found = replay([str(path)], stdin=io.BytesIO(), problem=problems.append, begun=begun)
    return found.snapshot.to_bytes(), problems, found.incomplete_lines


def test_what_was_begun_is_taken_up_once(large):
    expected = replayed(large)
    with head_start(str(large), FS) as begun:
        assert replayed(large, begun) == expected
        with large.open("rb") as file:
            assert begun.take(file.fileno()) is None
    assert expected[2] == 1


def test_another_file_is_read_from_its_start(large, tmp_path):
    other = tmp_path / "other.jsonl"
    other.write_bytes(large.read_bytes() + b"\n" + failed(5002))
    expected = replayed(other)
    with head_start(str(large), FS) as begun:
        assert replayed(other, begun) == expected


def test_what_was_written_since_is_read_too(large, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(large.read_bytes())
    with head_start(str(path), FS) as begun:
        with path.open("ab") as file:
            file.write(b"\n" + failed(5002))
        found = replayed(path, begun)
    assert found == replayed(path)


def test_nothing_is_left_where_it_is_not_taken_up(large):
    before = threading.active_count()
    with head_start(str(large), FS) as begun:
        assert begun is not None
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["none", "small.jsonl", "packed.jsonl.gz", ".", "a\0b"])
def test_what_is_not_read_in_parts_is_not_begun(tmp_path, name):
    (tmp_path / "small.jsonl").write_bytes(failed(0))
    (tmp_path / "packed.jsonl.gz").write_bytes(b"damaged")
    with head_start(str(tmp_path / name), FS) as begun:
        assert begun is None


def test_it_loads_little():
    heavy = "'msgspec', 'orjson', 'rich', 'structlog', 'worker.stats', 'projections.fold'"
    code = f"import sys, projections.head_start; print([m for m in ({heavy}) if m in sys.modules])"
    assert python(code).strip() == "[]"
