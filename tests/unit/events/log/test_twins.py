from __future__ import annotations

import gzip

import pytest
import zstandard

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.segment import list_segments, segment_name
from events.log.twins import check_forms

TEXT = b'{"number":1}\n{"number":2}\n'
FS = RealFileSystem()


def check(folder, plain=None, zst=None, gz=None):
    path = folder / segment_name(0)
    if plain is not None:
        path.write_bytes(plain)
    if zst is not None:
        path.with_name(path.name + ".zst").write_bytes(zstandard.compress(zst))
    if gz is not None:
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(gz))
    (segment,) = list_segments(folder, FS)
    check_forms(segment, FS)


@pytest.mark.parametrize(
    "files",
    [
        {"plain": TEXT},
        {"plain": TEXT, "zst": TEXT, "gz": TEXT},
        {"plain": TEXT, "zst": TEXT[:13], "gz": b""},
        {"zst": TEXT, "gz": TEXT[:5]},
    ],
)
def test_what_is_read_holds_all_that_the_others_do(tmp_path, files):
    check(tmp_path, **files)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"plain": TEXT[:13], "zst": TEXT}, r"zst holds more .*`syncstats prune --compress"),
        ({"plain": TEXT, "zst": TEXT, "gz": TEXT * 2}, r"gz holds more .*--compress"),
        ({"zst": TEXT[:13], "gz": TEXT}, r"gz holds more lines than .*zst.*move that out"),
        ({"plain": TEXT, "zst": b"x" + TEXT}, r"jsonl and .*zst are one segment"),
        ({"zst": TEXT, "gz": TEXT[:-1] + b" \n"}, r"zst and .*gz are one segment"),
    ],
)
def test_one_that_hides_lines_of_another_is_told(tmp_path, files, what):
    with pytest.raises(EventsError, match=what):
        check(tmp_path, **files)


def test_a_segment_that_was_compressed_since_is_one_file(tmp_path):
    check(tmp_path, plain=TEXT)
    (segment,) = list_segments(tmp_path, FS)
    segment.path.rename(tmp_path / (segment.path.name + ".zst"))
    check_forms(segment, FS)
