from __future__ import annotations

import pytest

from projections.errors import WatchError
from projections.ingest.watching import reads_of
from tests.support.fake_watch import FakeWatch


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
