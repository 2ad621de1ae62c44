"""`syncstats rebuild`, by summaries and without; and what `verify` says of these."""

from __future__ import annotations

import os

import pytest

from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded
from tests.support.summed_logs import (
    false_summary,
    one_more_duplicate,
    summary_files,
    write_segments,
)


@pytest.fixture
def data(tmp_path):
    """Four sealed segments and a last one, and their summaries."""
    data = tmp_path / "data"
    write_segments(data, 4)
    return data


def test_it_makes_the_same_with_summaries_and_without(syncstats, data):
    append(segment(data, first=4), b"not json\n")
    first = syncstats("rebuild", "--json")
    before = (data / "stats.json").read_bytes()
    assert summary_files(data)
    for options in ((), ("--no-summaries",)):
        again = syncstats("rebuild", "--json", *options)
        assert (again.status, again.out, again.err) == (0, first.out, first.err)
        assert "line 5, byte" in again.err
        assert (data / "stats.json").read_bytes() == before


def test_verify_tells_of_a_segment_that_changed_unseen(syncstats, data):
    syncstats("rebuild")
    path = segment(data, first=4)
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"job_id": 2', b'"job_id": 5', 1))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    found = syncstats("verify")
    assert found.status == 1
    assert f"Wrong: data/{path.relative_to(data)} has other bytes than when it was" in found.out
    assert "stats.json is what the log says" in found.out
    assert found.out.endswith(
        "Bring that segment back from a backup first, then `syncstats verify` again:\n"
        "docs/howto/restore.md. Only without a backup, `syncstats rebuild --no-summaries`\n"
        "takes it as it is.\n"
    )
    assert found.out.count("syncstats rebuild") == 1
    assert syncstats("rebuild", "--no-summaries").status == 0
    assert syncstats("verify").status == 0


def test_verify_leads_to_a_rebuild_that_reads_all(syncstats, data):
    syncstats("rebuild")
    path = segment(data, first=4)
    times = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"duration_ns": 4', b'"duration_ns": 5'))
    path.write_bytes(path.read_bytes().replace(b'"duration_ns": 2', b'"duration_ns": 7'))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    syncstats("rebuild")
    found = syncstats("verify")
    assert found.status == 1
    assert found.out.count("Wrong: ") == 1
    assert "stats.json differs from the log" in found.out
    assert "`syncstats rebuild` makes it anew" not in found.out
    assert "Bring that segment back" in found.out
    syncstats("rebuild", "--no-summaries")
    assert syncstats("verify").status == 0


def test_a_false_summary_alone_leads_to_a_rebuild_that_reads_all(syncstats, data):
    syncstats("rebuild")
    (path,) = summary_files(data)
    false_summary(path, 0, one_more_duplicate)
    found = syncstats("verify", "--data", data)
    assert found.out.endswith(
        "`syncstats rebuild --no-summaries` makes the summaries and stats.json anew.\n"
    )
    assert found.out.count("syncstats rebuild") == 1
    syncstats("rebuild", "--no-summaries")
    assert syncstats("verify").status == 0


def test_where_they_cannot_be_written_it_says_so_and_goes_on(syncstats, data):
    (data / "summaries").write_text("in the way")
    made = syncstats("rebuild")
    assert made.status == 0
    assert made.err.count("\n") == 1
    assert made.err.startswith("syncstats: the summaries of segments cannot be written")
    assert syncstats("verify").status == 0


def test_it_says_where_the_file_was_right_already(syncstats, data):
    assert syncstats("rebuild").out.startswith("data/stats.json is made anew from the log.\n")
    before = (data / "stats.json").stat()
    again = "data/stats.json is what the log says already, and was left as it is.\n"
    assert syncstats("rebuild").out.startswith(again)
    assert (data / "stats.json").stat().st_mtime_ns == before.st_mtime_ns
    assert (data / "stats.json").stat().st_ino == before.st_ino
    append(segment(data, first=16), succeeded(20))
    assert syncstats("rebuild").out.startswith("data/stats.json is made anew from the log.\n")


@pytest.mark.parametrize("folder", ["data", "my data"])
@pytest.mark.parametrize("command", [["show"], ["verify"]])
@pytest.mark.parametrize("content", ["{}", '{"streams"'])
def test_what_is_no_snapshot_in_a_data_folder_leads_to_a_rebuild(
    request, syncstats, folder, command, content
):
    data = request.getfixturevalue("data").rename(folder)
    (data / "stats.json").write_text(content)
    ran = syncstats(*command, "--data", folder)
    call = "rebuild" if folder == "data" else "rebuild --data 'my data'"
    assert (ran.status, ran.out) == (2, "")
    assert f"; make it anew from its log with `syncstats {call}`" in ran.err
    assert "replay --out" not in ran.err
