from __future__ import annotations

from pathlib import Path

import pytest

from events.follow.record import path_text
from projections.errors import WatchError
from projections.ingest.watching import crc_at, reads_of
from tests.unit.projections.ingest.test_ingestion import FakeWatch


def test_an_error_of_the_watch_is_not_one_of_who_takes_what_it_gives():
    class Stale(FakeWatch):
        def look(self):
            yield from super().look()
            raise OSError(116, "Stale file handle", "/mnt/app.log")

    watch = Stale()
    watch.put("/a", b"1\n")
    given = []
    with pytest.raises(WatchError, match=r"Stale file handle \(at /mnt/app.log\); start it again"):
        given.extend(reads_of(watch))
    assert [read.log for read in given] == ["/a"]

    watch.put("/a", b"1\n")

    def take():
        for _ in reads_of(watch):
            raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        take()


def test_the_checksum_of_a_file_is_told_up_to_where_it_was_given():
    watch, name = FakeWatch(), "/a\udcff"
    watch.put("/a", b"1\n", path=path_text(name))

    assert crc_at(watch, "/a", Path(name), 2) == watch.files["/a"].crc
    assert crc_at(watch, "/a", Path(name), 1) is None
    assert crc_at(watch, "/b", Path(name), 2) is None
