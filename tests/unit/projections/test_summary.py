"""The file of a summary: read as it was written, or refused; and damage that nobody passes over."""

from __future__ import annotations

import json
import os

import pytest

from events.errors import EventsError
from events.filesystem import REAL
from events.log.pruned import pruned_end
from projections.errors import ProjectionError, SummaryError
from projections.runner import Runner
from projections.summary import list_kept, parse_summary, read_summary, write_summary
from projections.verify import verify
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import succeeded
from tests.support.pruned_logs import (
    SEGMENTS,
    folder_of,
    prune_to,
    replayed,
    saved,
)


def test_it_is_read_as_it_was_written(data):
    summary = prune_to(data, 6)
    path = folder_of(data) / "summary.json"
    assert path.stat().st_mode & 0o777 == 0o600
    content = json.loads(path.read_bytes())
    assert {key: content[key] for key in content if key != "entry"} == {
        "schema": 1,
        "fold": 1,
        "stream": "a",
        "end": 6,
        "lines": 8,
    }
    again = read_summary(folder_of(data), REAL)
    assert again == summary
    assert again.to_bytes() == path.read_bytes()
    assert (again.entry.position.segment, again.entry.position.seq) == (3, 6)


def test_without_one_nothing_was_pruned(data):
    assert read_summary(folder_of(data), REAL) is None
    assert read_summary(data / "none", REAL) is None
    assert read_summary(segment(data) / "below a file", REAL) is None
    summary, segments = list_kept(folder_of(data), REAL)
    assert summary is None
    assert [each.first_seq for each in segments] == list(SEGMENTS)


def test_segments_below_its_end_are_passed_over(data):
    prune_to(data, 6, leave=True)
    _, segments = list_kept(folder_of(data), REAL)
    assert [each.first_seq for each in segments] == [6, 9]


@pytest.fixture
def content(data):
    prune_to(data, 6)
    return json.loads((folder_of(data) / "summary.json").read_bytes())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"schema": 2}, "schema version 2, this program reads 1"),
        ({"fold": 7}, r"fold version 7.*cannot be made anew"),
        ({"fold": True}, "fold version True"),
        ({"stream": "b"}, "is of stream 'b', in the folder of 'a'"),
        ({"end": 3}, "ends at seq 3, its position is in segment 3"),
        ({"end": "6"}, "have to be counts"),
        ({"lines": -1}, "have to be counts"),
        ({"end": 2**63}, "have to be counts"),
        ({"lines": 5}, r"holds 6 numbered lines, of 5 in all"),
        ({"entry": {}}, "entry of stream 'a' is damaged"),
    ],
)
def test_one_that_cannot_be_believed_is_told_with_its_name(content, changes, why):
    text = json.dumps(content | changes).encode()
    with pytest.raises(SummaryError, match=f"^the-file.*{why}"):
        parse_summary(text, "the-file", "a")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"schema":1}', b"\xff"])
def test_one_that_is_no_summary_at_all(text):
    with pytest.raises(SummaryError, match="the-file"):
        parse_summary(text, "the-file", "a")


def test_an_entry_without_a_place_is_none(content):
    content["entry"]["position"] |= {"segment": None, "offset": None}
    with pytest.raises(SummaryError, match="position is in segment None"):
        parse_summary(json.dumps(content).encode(), "", "a")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_told_and_never_waited_for(data, make):
    make(folder_of(data) / "summary.json")
    with pytest.raises(SummaryError, match=r"summary\.json is no summary of a stream"):
        read_summary(folder_of(data), REAL)


def test_one_without_end_is_refused_in_bounded_memory(data):
    path = folder_of(data) / "summary.json"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(SummaryError, match=r"summary\.json is no summary.*larger than 64 MiB"):
        read_summary(folder_of(data), REAL)
    with pytest.raises(EventsError, match=r"summary\.json is no summary.*larger than 64 MiB"):
        pruned_end(folder_of(data), REAL)


@pytest.mark.parametrize("end", [-1, 2**63, 2**64, 10**30])
def test_an_end_that_no_event_can_have_is_refused_by_writers_too(data, end):
    (folder_of(data) / "summary.json").write_text(json.dumps({"end": end}))
    with pytest.raises(EventsError, match=r"summary\.json is damaged"):
        pruned_end(folder_of(data), REAL)


def test_one_that_could_not_be_read_again_is_not_written(data, monkeypatch):
    prune_to(data, 6)
    summary = read_summary(folder_of(data), REAL)
    before = (folder_of(data) / "summary.json").read_bytes()
    monkeypatch.setattr("projections.summary.SUMMARY_MAX_BYTES", len(before) - 1)
    with pytest.raises(SummaryError, match="is not pruned"):
        write_summary(folder_of(data), summary, REAL)
    assert (folder_of(data) / "summary.json").read_bytes() == before


@pytest.fixture
def damaged(data):
    saved(data)
    prune_to(data, 6)
    (folder_of(data) / "summary.json").write_text("{")
    return data


def test_nobody_goes_on_as_if_it_were_not_there(damaged):
    with pytest.raises(SummaryError, match=r"summary\.json is damaged"):
        replayed(damaged)
    with pytest.raises(SummaryError, match=r"summary\.json is damaged"):
        verify(damaged)
    before = (damaged / "stats.json").read_bytes()
    with pytest.raises(ProjectionError, match=r"left as it was.*summary\.json is damaged"):
        Runner(damaged).rebuild()
    assert (damaged / "stats.json").read_bytes() == before


def test_a_runner_keeps_the_numbers_of_that_stream_and_goes_on_with_the_others(damaged):
    notices = []
    whole = folder_of(damaged) / "summary.json"
    runner = Runner(damaged, notice=notices.append)
    runner.start()
    append(segment(damaged, first=9), succeeded(11))
    append(segment(damaged, "b"), succeeded(2, "b"))
    for _ in range(2):
        runner.catch_up()
        runner.save()
    assert len(notices) == 1
    assert "stream 'a' cannot be read further" in notices[0]
    assert str(whole) in notices[0]
    assert list(runner.unreadable) == ["a"]
    stored = json.loads((damaged / "stats.json").read_bytes())["streams"]
    assert stored["a"]["position"]["seq"] == 11
    assert stored["b"]["position"]["seq"] == 3


def test_when_it_is_mended_the_runner_goes_on(data):
    saved(data)
    summary = prune_to(data, 6)
    (folder_of(data) / "summary.json").write_text("{")
    runner = Runner(data)
    runner.start()
    append(segment(data, first=9), succeeded(11))
    runner.catch_up()
    write_summary(folder_of(data), summary, REAL)
    runner.catch_up()
    runner.save()
    assert runner.unreadable == {}
    assert (data / "stats.json").read_bytes() == replayed(data).to_bytes()
