"""Dead streams are put in order by a take-over, or told of, whether or not they hold jobs."""

from __future__ import annotations

import pytest

from tests.support.faulty_filesystem import FaultyFileSystem


def test_a_stream_that_cannot_be_mended_is_passed_over_if_it_holds_no_jobs(place, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / f"{0:020d}.jsonl").write_bytes(b"{torn")
    place.start().close()
    (place.data / "events" / "linked").symlink_to(tmp_path / "elsewhere")
    own = place.start()
    own.close()
    assert (
        "stream 'linked' cannot be put in order, and work goes on without"
        in (place.told.notices[0])
    )


def test_a_stream_that_holds_jobs_and_cannot_be_mended_is_an_error(place, tmp_path):
    place.enqueue(1)
    stream, _ = place.die_with_leases(1)
    folder = place.data / "events" / stream
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="symbolic link"):
        place.start()
    folder.unlink()
    (tmp_path / "elsewhere").rename(folder)
    place.start().close()  # nothing was left locked
    assert place.queue.counts().due == 1


def write_stream(place, name, files):
    folder = place.data / "events" / name
    folder.mkdir(parents=True)
    for file, content in files.items():
        (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize(
    "files",
    [
        {},
        {f"{0:020d}.jsonl": b""},
        {f"{0:020d}.jsonl": b"{}\n"},
        {f"{0:020d}.jsonl.gz": b"whatever"},
    ],
)
def test_a_dead_stream_with_nothing_to_mend_costs_nothing(place, files):
    folder = write_stream(place, "other", files)
    place.fs = FaultyFileSystem()
    place.start().close()
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)  # not even a lock
    assert place.fs.count("sync_file") == 0
    assert place.told.notices == []


def test_a_torn_line_of_any_dead_stream_is_cut_aside(place):
    name = f"{0:020d}.jsonl"
    folder = write_stream(place, "other", {name: b'{"event":"x"}\n{torn'})
    place.start().close()
    assert (folder / name).read_bytes() == b'{"event":"x"}\n'
    assert "stream 'other': the last line was torn by a crash" in place.told.notices[0]


def test_a_stream_that_cannot_be_looked_at_is_told(place):
    write_stream(place, "other", {})
    (place.data / "events" / "other" / f"{0:020d}.jsonl").mkdir()
    place.start().close()
    assert [notice for notice in place.told.notices if "stream 'other'" in notice]
