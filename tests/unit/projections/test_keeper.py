from __future__ import annotations

import errno
import json
import threading

import pytest

from events.filesystem import RealFileSystem
from events.log.sealing import HOUSEKEEPING_LOCK
from projections.compressing import PAUSE_STEPS, Compressor
from projections.keeper import Keeper
from projections.runner import Runner
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded


class DiskFileSystem(FaultyFileSystem):
    """Fails replacements while it is full."""

    full = False

    def replace_file(self, path, data, mode=None):
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        super().replace_file(path, data, mode)


class Keepers:
    """Keepers of one data folder, as several processes would have them."""

    def __init__(self, data):
        self.data = data
        self.fs = DiskFileSystem()
        self.errors: list[Exception] = []
        self.mended: list[int] = []
        self.unpacked: list[Exception] = []
        self.made: list[Keeper] = []

    def __call__(self, **options) -> Keeper:
        keeper = Keeper(
            self.data,
            Runner(self.data, fs=self.fs),
            fs=self.fs,
            failed=self.errors.append,
            mended=lambda: self.mended.append(len(self.errors)),
            **options,
        )
        self.made.append(keeper)
        return keeper

    def compressing(self, **options) -> Keeper:
        compressor = Compressor(self.data, fs=self.fs, failed=self.unpacked.append)
        return self(compressor=compressor, **options)

    def names(self, stream: str = "a") -> list[str]:
        """Which segments there are, by the end of their names."""
        folder = segment(self.data, stream).parent
        return sorted(path.name[19:] for path in folder.iterdir() if path.name != "lock")

    def rotate(self, *firsts: int, stream: str = "a") -> None:
        """Segments of one line each."""
        for first in firsts:
            append(segment(self.data, stream, first), succeeded(first, stream))

    def work(self, *seqs: int, stream: str = "a") -> None:
        append(segment(self.data, stream), *(succeeded(n, stream) for n in seqs))

    @property
    def jobs(self) -> int | None:
        stats = self.data / "stats.json"
        return json.loads(stats.read_bytes())["jobs_processed"] if stats.exists() else None


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


def test_what_was_folded_is_compressed_one_segment_a_step(keepers):
    keeper = keepers.compressing()
    keepers.rotate(0, 1, 2)
    keeper.step()
    assert keepers.jobs == 3
    assert keepers.names() == ["0.jsonl.zst", "1.jsonl", "2.jsonl"]
    keepers.rotate(3)
    keeper.step()
    assert keepers.jobs == 4, "stats stay current meanwhile"
    for _ in range(3):
        keeper.step()
    assert keepers.names() == ["0.jsonl.zst", "1.jsonl.zst", "2.jsonl.zst", "3.jsonl"]
    stats = (keepers.data / "stats.json").read_bytes()
    Runner(keepers.data).rebuild()
    assert (keepers.data / "stats.json").read_bytes() == stats
    keeper.step()
    assert keepers.unpacked == []


def test_a_segment_that_is_not_folded_to_its_end_is_not_compressed(keepers):
    keeper = keepers.compressing()
    keepers.rotate(0, 1)
    segment(keepers.data, first=2).touch()
    keeper.step()
    keeper.step()
    assert keepers.names() == ["0.jsonl.zst", "1.jsonl", "2.jsonl"]


def test_one_that_stands_by_compresses_nothing(keepers):
    keepers().step()
    keepers.rotate(0, 1)
    other = keepers.compressing()
    other.step()
    other.close()
    assert keepers.names() == ["0.jsonl", "1.jsonl"]


def test_while_another_keeps_house_nothing_is_compressed(keepers):
    keeper = keepers.compressing()
    keepers.rotate(0, 1)
    with keepers.fs.lock(keepers.data / HOUSEKEEPING_LOCK):
        keeper.step()
        assert keepers.names() == ["0.jsonl", "1.jsonl"]
    keeper.step()
    assert keepers.names() == ["0.jsonl.zst", "1.jsonl"]


def test_an_error_while_compressing_is_told_once_and_stats_go_on(keepers):
    keeper = keepers.compressing()
    keepers.rotate(0, 1)
    keepers.fs.faults = {("write_new", n): errno.ENOSPC for n in (1, 2)}
    for _ in range(2 * PAUSE_STEPS):
        keeper.step()
    assert len(keepers.unpacked) == 1
    assert "No space left" in str(keepers.unpacked[0])
    assert keepers.fs.count("write_new") == 2, "it is not tried every second"
    keepers.rotate(2)
    keeper.step()
    assert keepers.jobs == 3
    assert keepers.errors == []
    for _ in range(PAUSE_STEPS):
        keeper.step()
    assert keepers.names() == ["0.jsonl.zst", "1.jsonl.zst", "2.jsonl"]
    keepers.fs.faults = {("write_new", keepers.fs.count("write_new") + 1): errno.ENOSPC}
    keepers.rotate(3)
    keeper.step()
    assert len(keepers.unpacked) == 2


def test_an_error_in_one_stream_does_not_keep_the_others_from_being_compressed(keepers):
    keeper = keepers.compressing()
    keepers.rotate(0, 1)
    keepers.rotate(0, 1, stream="b")
    (keepers.data / "events" / "a" / f"{0:020d}.jsonl.zst").mkdir()
    keeper.step()
    keeper.step()
    assert len(keepers.unpacked) == 1
    assert keepers.names("b") == ["0.jsonl.zst", "1.jsonl"]


def test_a_stream_that_is_a_link_is_not_compressed(keepers):
    keepers.rotate(0, 1, stream="b")
    folder, elsewhere = keepers.data / "events" / "b", keepers.data / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    keeper = keepers.compressing()
    keeper.step()
    assert keepers.jobs == 2
    assert keepers.names("b") == ["0.jsonl", "1.jsonl"]


def test_a_stop_does_not_wait_until_a_large_segment_is_compressed(keepers):
    keepers.rotate(0, 1)
    began = threading.Event()

    class Compressing(DiskFileSystem):
        """Begins, and comes to the first block only when a stop was asked for."""

        def write_new(self, path, data):
            began.set()
            assert keeper._end.wait(30)
            super().write_new(path, data)

    fs = Compressing()
    compressor = Compressor(keepers.data, fs=fs, failed=keepers.unpacked.append)
    keeper = keepers(compressor=compressor, every_s=0.001)
    keeper.start()
    assert began.wait(30)
    keeper.close()
    assert keepers.names() == ["0.jsonl", "1.jsonl"]
    assert keepers.unpacked == []
    assert keepers.jobs == 2
