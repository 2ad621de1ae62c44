"""Standard input is read to its end, beside logs or alone, and a pipe may stay open."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress

import pytest

from projections.errors import SourceError
from tests.support.kept_ingest import Site, Watch
from tests.unit.projections.test_intake import DONE, FAIL


def test_standard_input_is_read_to_its_end_and_settled(tmp_path):
    site = Site(tmp_path, Watch(), stdin=io.BytesIO(DONE + FAIL + b"{"))
    site.follow(only_stdin=True)
    site.keeping.end()

    state = site.store.load()
    assert site.saved == 2
    assert (state.settled, state.logs) == (None, {})
    assert [problem.incomplete for problem in site.problems] == [True]


def test_lines_on_standard_input_count_each_time(tmp_path):
    for expected in (1, 2):
        site = Site(tmp_path, Watch(), stdin=io.BytesIO(DONE))
        site.read_once()
        site.keeping.end()
        assert site.saved == expected


def test_a_pipe_that_stays_open_does_not_hold_up_the_end(tmp_path):
    read, write = os.pipe()
    with os.fdopen(read, "rb", buffering=0) as pipe, os.fdopen(write, "wb") as other:
        other.write(DONE)
        other.flush()
        watch = Watch()
        site = Site(tmp_path, watch, stdin=pipe)
        watch.at_end = lambda: site.ingestion.lines and site.keeping.stop()
        site.follow(only_stdin=True)
        site.keeping.end()
        assert site.saved == 1


def test_a_pipe_that_does_not_block_is_waited_for(tmp_path):
    asked = threading.Event()

    class Pipe(io.FileIO):
        def readinto(self, buffer):
            asked.set()
            return super().readinto(buffer)

    read, write = os.pipe()
    os.set_blocking(read, False)

    def fill():
        assert asked.wait(60)
        with suppress(OSError):
            os.write(write, DONE)
            os.close(write)

    with Pipe(read, "rb") as pipe:
        watch = Watch()
        watch.at_end = fill
        site = Site(tmp_path, watch, stdin=pipe)
        site.read_once()
        site.keeping.end()
    assert site.saved == 1


def test_what_was_taken_from_a_pipe_when_the_end_is_asked_for_counts(tmp_path):
    ended = threading.Event()

    class Pipe(io.BytesIO):
        def readinto(self, buffer):
            size = super().readinto(buffer)
            if not size:
                ended.set()  # all before was handed over
            return size

    site = Site(tmp_path, Watch(), stdin=Pipe(DONE))
    site.keeping.stop()
    site.keeping.stop()
    site.read_once()
    assert ended.wait(60)
    site.keeping.end()
    assert site.saved == 1


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(5, "Input/output error"), "Input/output error"),
        (ValueError("read of closed file"), "ValueError: read of closed file"),
        (MemoryError(), "MemoryError"),
    ],
)
@pytest.mark.parametrize("follow", [False, True])
def test_standard_input_that_cannot_be_read_is_told_and_what_was_read_of_it_counts(
    tmp_path, error, why, follow
):
    class Broken(io.RawIOBase):
        def __init__(self):
            self.given = False

        def readinto(self, buffer):
            if self.given:
                raise error
            self.given = True
            buffer[: len(DONE)] = DONE
            return len(DONE)

    site = Site(tmp_path, Watch(), stdin=Broken())
    read = (lambda: site.follow(only_stdin=True)) if follow else site.read_once

    with pytest.raises(SourceError, match=f"standard input cannot be read: {why}"):
        read()
    site.keeping.end()
    assert site.saved == 1


def test_a_thing_that_does_not_say_whether_it_can_be_sought_is_told_too(tmp_path):
    class Closed(io.RawIOBase):
        def seekable(self):
            raise ValueError("closed")

    with pytest.raises(SourceError, match="ValueError: closed"):
        Site(tmp_path, Watch(), stdin=Closed()).read_once()
