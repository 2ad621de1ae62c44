from __future__ import annotations

import io
import os
import threading
from contextlib import suppress

import pytest

from events.filesystem import REAL
from projections.errors import SaveError, SourceError, WatchError
from projections.ingest.ingestion import Ingestion
from projections.ingest.keeping import Keeping
from projections.ingest.state import State
from projections.ingest.store import StateStore
from tests.support.fake_watch import FakeWatch
from tests.support.held_clock import HeldClock
from tests.support.ingesting import AUTO, SIDEKIQ
from tests.unit.projections.test_intake import DONE, FAIL


class Watch(FakeWatch):
    """Gives something at each look, then lets somebody stop what looks."""

    def __init__(self, *looks, undecided=0):
        super().__init__()
        self.looks = list(looks)
        self.undecided = undecided
        self.at_end = lambda: None

    def look(self):
        if self.looks:
            self.looks.pop(0)(self)
        else:
            self.at_end()
        yield from super().look()

    def wait_s(self):
        return 0.0

    def settle(self):
        self.undecided -= 1
        return self.undecided >= 0


class Site:
    def __init__(self, folder, watch, *, stdin=None, choice=SIDEKIQ):
        self.clock = HeldClock()
        self.store = StateStore(folder / "state", fs=REAL, clock=self.clock)
        self.said, self.problems, self.told = [], [], []
        state = self.store.load() or State("ingest-1")
        self.ingestion = Ingestion(
            watch, self.store, state, choice, epoch="e", told=self.told.append
        )
        self.keeping = Keeping(
            self.ingestion,
            watch,
            clock=self.clock,
            stdin=stdin,
            failed=lambda error: self.said.append(str(error)),
            mended=lambda: self.said.append("mended"),
            problem=self.problems.append,
        )
        if stdin is None:
            watch.at_end = self.keeping.stop

    def follow(self, *, only_stdin):
        """Follow, with a bound: a loop that never ends would hang the whole run."""
        self._bounded(lambda: self.keeping.follow(only_stdin=only_stdin))

    def read_once(self):
        """Read once, likewise."""
        self._bounded(self.keeping.read_once)

    def _bounded(self, run):
        ended = []

        def keep():
            try:
                run()
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                ended.append(error)
            else:
                ended.append(None)

        thread = threading.Thread(target=keep, daemon=True)
        thread.start()
        thread.join(60)
        if not ended:
            self.keeping.stop()
            raise AssertionError("it does not end")
        if ended[0] is not None:
            raise ended[0]

    @property
    def saved(self):
        state = self.store.load()
        return None if state is None else state.entries["ingest-1"].stats.jobs_processed


def test_all_that_is_there_is_read_until_nothing_is_undecided(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE), lambda w: w.put("/a", DONE), undecided=1)
    site = Site(tmp_path, watch)
    site.read_once()

    assert site.keeping.end() == []
    assert site.saved == 2
    assert not site.keeping.stopped


def test_what_is_followed_is_saved_at_most_once_a_second(tmp_path):
    seen = []

    def look(seconds):
        def give(watch):
            seen.append(site.saved)
            site.clock.move_s(seconds)
            watch.put("/a", DONE)

        return give

    site = Site(tmp_path, Watch(look(0.6), look(0.6), look(0.6), look(0.6)))
    site.follow(only_stdin=False)

    assert seen == [None, None, 2, 2]
    assert site.keeping.stopped
    site.keeping.end()
    assert site.saved == 4


def test_a_state_that_cannot_be_saved_is_told_once_and_tried_again(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(28, "No space left on device")

    def fill(watch):
        monkeypatch.setattr(type(REAL), "replace_file", refused)
        pass_time(watch)

    def empty(watch):
        monkeypatch.undo()
        pass_time(watch)

    def pass_time(watch):
        site.clock.move_s(1)
        watch.put("/a", DONE)

    site = Site(tmp_path, Watch(fill, pass_time, empty, pass_time))
    site.follow(only_stdin=False)

    assert site.said == [f"{tmp_path / 'state'} cannot be saved: No space left on device", "mended"]
    site.keeping.end()
    assert site.saved == 4


def test_who_follows_is_told_once_of_a_log_that_shows_no_format(tmp_path):
    def pass_time(_watch):
        site.clock.move_s(4)

    watch = Watch(lambda w: w.put("/a", b'{"x":1}\n'), *[pass_time] * 8)
    site = Site(tmp_path, watch, choice=AUTO)
    site.follow(only_stdin=False)
    assert len(site.told) == 1
    assert "/a: its lines are in no format that is known" in site.told[0]
    assert site.keeping.end() == ["/a"]


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


@pytest.mark.parametrize("follow", [False, True])
def test_logs_that_cannot_be_read_on_end_it_and_what_was_read_can_be_saved(tmp_path, follow):
    def stale(_watch):
        raise OSError(116, "Stale file handle", "/mnt/app.log")

    site = Site(tmp_path, Watch(lambda w: w.put("/a", DONE), stale, undecided=5))
    read = (lambda: site.follow(only_stdin=False)) if follow else site.read_once
    with pytest.raises(WatchError, match=r"Stale file handle \(at /mnt/app.log\)") as caught:
        read()
    assert "saved" not in str(caught.value)
    site.keeping.end()
    assert site.saved == 1


def test_logs_that_cannot_be_passed_over_are_no_trouble_of_the_state(tmp_path):
    def stale(_watch):
        raise OSError(116, "Stale file handle")

    with pytest.raises(WatchError, match="the logs cannot be read on: Stale file handle"):
        Site(tmp_path, Watch(stale)).keeping.pass_over()


def test_a_log_that_cannot_be_brought_to_the_disk_is_not_covered_by_a_state(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE))
    site = Site(tmp_path, watch)
    site.read_once()

    def refuse():
        raise OSError(5, "Input/output error")

    watch.sync, sync = refuse, watch.sync
    with pytest.raises(SaveError, match=r"is not saved, as a log .* Input/output error"):
        site.keeping.end()
    assert site.saved is None
    watch.sync = sync
    site.keeping.end()
    assert site.saved == 1


def test_formats_that_stay_unknown_are_told_at_the_end(tmp_path):
    site = Site(tmp_path, Watch(), stdin=io.BytesIO(b'{"x":1}\n'), choice=AUTO)
    site.read_once()

    assert site.keeping.end() == ["-"]


def test_what_is_there_can_be_passed_over(tmp_path):
    watch = Watch(lambda w: w.put("/a", DONE), lambda w: w.put("/a", DONE))
    site = Site(tmp_path, watch)
    site.keeping.pass_over()
    assert (site.ingestion.lines, site.store.load().files[0].offset) == (0, len(DONE))

    site.read_once()
    site.keeping.end()
    assert site.saved == 1
