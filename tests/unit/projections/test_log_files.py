"""Which files are one log."""

from __future__ import annotations

import gzip

from events.filesystem import REAL
from events.log.segment import open_source
from projections.log_files import group_logs, without_twins
from projections.sources import Source, find_sources


def logs_of(*paths):
    return group_logs(find_sources(map(str, paths), REAL))


def names(log):
    return [source.path.name for source in log.sources]


def test_rotated_files_are_one_log_the_oldest_first_and_logs_stay_in_their_order(tmp_path):
    for name in ("z.log", "z.log.1", "z.log.2.gz", "a.log"):
        (tmp_path / name).touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "z.log.1").touch()
    z, a, other = logs_of(
        *(tmp_path / name for name in ("z.log", "a.log", "z.log.2.gz", "z.log.1", "other/z.log.1"))
    )
    assert (z.name, names(z)) == (str(tmp_path / "z.log"), ["z.log.2.gz", "z.log.1", "z.log"])
    assert names(a) == ["a.log"]
    assert other.name == str(tmp_path / "other" / "z.log.1")


def test_standard_input_is_a_log_by_itself():
    (log,) = logs_of("-")
    assert (log.name, [source.kind for source in log.sources]) == ("standard input", ["stdin"])


def test_an_archive_of_a_plain_file_beside_it_is_left_out_and_no_other(tmp_path):
    def open_(source: Source):
        return open_source(source.path, REAL)

    (tmp_path / "app.log").write_bytes(b"one\ntwo\n")
    (tmp_path / "app.log.1").write_bytes(b"one\n")  # begins alike, and is no archive
    for text, kept in ((b"one\ntwo\n", False), (b"one\n", False), (b"two\n", True)):
        (tmp_path / "app.log.gz").write_bytes(gzip.compress(text))
        (log,) = logs_of(*tmp_path.iterdir())
        left = names(without_twins(log, open_))
        assert ("app.log.gz" in left) is kept
        assert {"app.log", "app.log.1"} <= {*left}
