"""One process keeps stats.json and the others stand by; errors are told once, and saved again."""

from __future__ import annotations

import errno
import threading

import pytest

from events.filesystem import RealFileSystem
from projections.keeper import Keeper
from projections.runner import Runner
from tests.support.keepers import Keepers


@pytest.fixture
def keepers(tmp_path):
    made = Keepers(tmp_path)
    yield made
    for keeper in made.made:
        keeper.close()


def test_one_keeps_the_stats_and_the_others_stand_by(keepers):
    one, two = keepers(), keepers()
    keepers.work(0)
    one.step()
    assert keepers.jobs == 1
    keepers.work(1)
    two.step()
    assert keepers.jobs == 1
    one.step()
    assert keepers.jobs == 2
    one.close()
    keepers.work(2)
    two.step()
    assert keepers.jobs == 3


def test_at_its_end_each_saves_what_came_last(keepers):
    """Also one that stands by: the other may be ending just now."""
    one, two = keepers(), keepers()
    keepers.work(0)
    one.step()
    two.step()
    keepers.work(1)
    two.close()
    assert keepers.jobs == 2
    keepers.work(2)
    one.close()
    assert keepers.jobs == 3
    assert keepers.errors == []


def test_errors_are_told_once_and_a_later_save_succeeds(keepers):
    keeper = keepers()
    keepers.work(0)
    keepers.fs.full = True
    for _ in range(3):
        keeper.step()
    assert [str(error) for error in keepers.errors] == [
        f"[Errno 28] No space left on device: '{keepers.data / 'stats.json'}'"
    ]
    keepers.fs.full = False
    keeper.step()
    assert keepers.jobs == 1
    assert keepers.mended == [1], "and that it can be saved again"
    keepers.work(1)
    keepers.fs.full = True
    keeper.step()
    assert len(keepers.errors) == 2
    keepers.fs.full = False
    keeper.step()
    keeper.step()
    assert keepers.mended == [1, 2]


def test_after_a_failed_sync_it_saves_again_when_another_segment_was_begun(keepers):
    keeper = keepers()
    keepers.work(0)
    keepers.fs.faults = {("sync_file", 1): errno.EIO}
    for _ in range(3):
        keeper.step()
    assert keepers.jobs is None
    assert len(keepers.errors) == 1
    keepers.rotate(1)
    keeper.step()
    assert keepers.jobs == 2
    assert keepers.mended == [1]


def test_a_start_that_failed_is_tried_again(keepers):
    keepers.work(0)
    keepers().close()
    before = (keepers.data / "stats.json").read_bytes()
    keepers.fs.faults = {("open_read", keepers.fs.count("open_read") + 1): errno.EMFILE}
    keeper = keepers()
    keeper.step()
    assert len(keepers.errors) == 1
    assert (keepers.data / "stats.json").read_bytes() == before
    keepers.work(1)
    keeper.step()
    assert keepers.jobs == 2


def test_the_thread_saves_while_work_goes_on_and_ends_at_once(keepers):
    saved = threading.Event()

    class Telling(RealFileSystem):
        def replace_file(self, path, data, mode=None):
            super().replace_file(path, data, mode)
            saved.set()

    fs = Telling()
    keeper = Keeper(keepers.data, Runner(keepers.data, fs=fs), fs=fs, every_s=0.001)
    keepers.work(0)
    keeper.start()
    assert saved.wait(30)
    assert keepers.jobs == 1
    keeper.close()
    saved.clear()
    slow = Keeper(keepers.data, Runner(keepers.data, fs=fs), fs=fs, every_s=10_000)
    slow.start()
    keepers.work(1)
    slow.close()
    assert saved.is_set()
    assert keepers.jobs == 2


def test_one_that_was_never_started_may_be_closed_and_closed_again(keepers):
    keeper = keepers()
    keeper.close()
    keeper.close()
    assert keepers.jobs is None
    assert keepers.fs.try_lock(keepers.data / "runner.lock") is not None
