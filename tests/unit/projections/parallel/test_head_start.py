"""A file that is being tallied before what folds it is loaded: the same numbers, nothing left."""

from __future__ import annotations

import io
import os
import threading
from contextlib import closing

import pytest

from projections.errors import SourceError
from projections.parallel import early_blocks
from projections.parallel.head_start import head_start
from projections.parallel.parts import LARGE_BYTES
from projections.replay import replay
from tests.support.kernel_lines import needs_kernel
from tests.support.log_folders import compress
from tests.support.other_python import python
from tests.support.outcome_lines import failed, succeeded

SUFFIXES = ["", ".gz", ".zst"]


@pytest.fixture(autouse=True, scope="module")
def _kernel():
    needs_kernel()


def lines(count, first=0):
    """Lines that do not become small when they are compressed."""
    return b"".join(failed(n, error=os.urandom(500).hex()) for n in range(first, first + count))


def write(path, suffix, text):
    path.write_bytes(text)
    return compress(path, suffix) if suffix else path


@pytest.fixture(scope="module")
def text():
    text = lines(8500) + b"bad\n" + lines(50, 8500) + b"half"
    assert len(text) > LARGE_BYTES
    return text


@pytest.fixture(params=SUFFIXES)
def large(request, tmp_path, text):
    return write(tmp_path / "log.jsonl", request.param, text)


def replayed(path, begun=None):
    problems = []
    found = replay([str(path)], stdin=io.BytesIO(), problem=problems.append, begun=begun)
    return found.snapshot.to_bytes(), problems, found.incomplete_lines


def test_what_was_begun_is_taken_up_once(large):
    expected = replayed(large)
    with closing(head_start(str(large))) as begun:
        assert replayed(large, begun) == expected
        with large.open("rb") as file:
            assert begun.take_parts(file.fileno()) is None
            assert begun.take_blocks(file.fileno()) is None
    assert expected[2] == 1
    assert len(expected[1]) == 2


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_another_file_is_read_from_its_start(large, tmp_path, text, suffix):
    other = write(tmp_path / "other.jsonl", suffix, text + b"\n" + failed(9000))
    expected = replayed(other)
    with closing(head_start(str(large))) as begun:
        assert replayed(other, begun) == expected


def test_what_was_written_since_is_read_too(tmp_path, text):
    path = write(tmp_path / "log.jsonl", "", text)
    with closing(head_start(str(path))) as begun:
        with path.open("ab") as file:
            file.write(b"\n" + failed(9000))
        found = replayed(path, begun)
    assert found == replayed(path)


def test_nothing_is_left_where_it_is_not_taken_up(large):
    before = threading.active_count()
    with closing(head_start(str(large))) as begun:
        assert begun is not None
    assert threading.active_count() == before


@pytest.mark.parametrize("name", ["none", "small.jsonl", "packed.jsonl.gz", "."])
def test_what_is_small_or_no_file_is_not_begun(tmp_path, name):
    (tmp_path / "small.jsonl").write_bytes(failed(0))
    (tmp_path / "packed.jsonl.gz").write_bytes(b"damaged")
    assert head_start(str(tmp_path / name)) is None


def test_it_loads_little():
    heavy = "'click', 'msgspec', 'orjson', 'rich', 'structlog', 'worker.stats', 'projections.fold'"
    code = (
        "import sys, projections.parallel.head_start;"
        f"print([m for m in ({heavy}) if m in sys.modules])"
    )
    assert python(code).strip() == "[]"


# Compressed ---------------------------------------------------------------------------------------


def tallied_early(path):
    """Wait until no more of a compressed file is tallied before somebody takes it."""
    begun = head_start(str(path))
    for thread in threading.enumerate():
        if thread.name == "early blocks":
            thread.join()
    return closing(begun)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
@pytest.mark.parametrize(
    "more",
    [
        lines(50, 100),
        lines(100, 2950),
        lines(1, 9000) + lines(2900, 50) + lines(1, 9001),
        b"\xff\n" * 10,
        b"x" * 9_000_000 + b"\n" + lines(5, 9002),
        succeeded(9003).replace(b"succeeded", b"\\u0073ucceeded") * 3,
    ],
    ids=["seen", "seen and unseen", "many", "no JSON", "a long one", "escapes"],
)
def test_lines_that_need_a_closer_look_are_looked_at(tmp_path, suffix, more):
    path = write(tmp_path / "log.jsonl", suffix, lines(3000) + more + lines(3000, 9500))
    with tallied_early(path) as begun:
        assert replayed(path, begun) == replayed(path)


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
@pytest.mark.parametrize("at", [0.1, 0.9])
def test_damage_is_told_where_it_is(tmp_path, text, suffix, at):
    path = write(tmp_path / "log.jsonl", suffix, text)
    packed = bytearray(path.read_bytes())
    packed[int(len(packed) * at)] ^= 0xFF
    path.write_bytes(packed)

    def told(begun=None):
        try:
            return replayed(path, begun)
        except SourceError as error:
            return str(error)

    with tallied_early(path) as begun:
        assert told(begun) == told()


def test_only_so_much_is_tallied_before_it_is_taken(tmp_path, text, monkeypatch):
    monkeypatch.setattr(early_blocks, "MOST_BLOCKS", 2)
    path = write(tmp_path / "log.jsonl", ".zst", text)
    with tallied_early(path) as begun, path.open("rb") as file:
        blocks = begun.take_blocks(file.fileno())
        assert len(list(blocks)) == 2
        assert sum(len(lent.lines) for lent in blocks.lent) > 0
