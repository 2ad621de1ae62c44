"""A keeper compresses what it has folded, a segment a step, if nobody else keeps house."""

from __future__ import annotations

import errno
import threading

import pytest

from events.log.sealing import HOUSEKEEPING_LOCK
from projections.compressing import PAUSE_STEPS, Compressor
from projections.runner import Runner
from tests.support.keepers import DiskFileSystem, Keepers
from tests.support.log_folders import segment


@pytest.fixture
def keepers(tmp_path):
    made = Keepers(tmp_path)
    yield made
    for keeper in made.made:
        keeper.close()


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
