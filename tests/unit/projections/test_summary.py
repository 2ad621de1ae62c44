from __future__ import annotations

import io
import json
import os

import pytest

from events.errors import EventsError
from events.filesystem import RealFileSystem
from events.log.pruned import pruned_end
from projections.errors import ProjectionError, SourceError, SummaryError
from projections.following import Follower
from projections.log_view import LogView
from projections.placing import lies_on_log
from projections.replay import replay
from projections.runner import Runner
from projections.summary import list_kept, parse_summary, read_summary, write_summary
from projections.verify import verify
from tests.support.log_folders import append, compress, segment
from tests.support.outcome_lines import failed, opened, skipped, succeeded
from tests.support.pruned_logs import prune_to

FS = RealFileSystem()
SEGMENTS = {
    0: (opened(0, "e0"), succeeded(1), failed(2), b"not json\n"),
    3: (succeeded(3), succeeded(2), opened(4, "e1"), succeeded(5, duration_ns=-1)),
    6: (skipped(6), failed(7, to_dlq=True), b"\n"),
    9: (succeeded(9), succeeded(10)),
}


@pytest.fixture
def data(tmp_path):
    data = tmp_path / "data"
    for first, lines in SEGMENTS.items():
        append(segment(data, first=first), *lines)
    append(segment(data, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    return data


def folder_of(data, stream="a"):
    return data / "events" / stream


def replayed(*paths):
    return replay([str(path) for path in paths], stdin=io.BytesIO()).snapshot


def saved(data):
    runner = Runner(data)
    runner.start()
    runner.catch_up()
    runner.save()
    return (data / "stats.json").read_bytes()


# The file -----------------------------------------------------------------------------------------


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
    again = read_summary(folder_of(data), FS)
    assert again == summary
    assert again.to_bytes() == path.read_bytes()
    assert (again.entry.position.segment, again.entry.position.seq) == (3, 6)


def test_without_one_nothing_was_pruned(data):
    assert read_summary(folder_of(data), FS) is None
    assert read_summary(data / "none", FS) is None
    assert read_summary(segment(data) / "below a file", FS) is None
    summary, segments = list_kept(folder_of(data), FS)
    assert summary is None
    assert [each.first_seq for each in segments] == list(SEGMENTS)


def test_segments_below_its_end_are_passed_over(data):
    prune_to(data, 6, leave=True)
    _, segments = list_kept(folder_of(data), FS)
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
        read_summary(folder_of(data), FS)


def test_one_without_end_is_refused_in_bounded_memory(data):
    path = folder_of(data) / "summary.json"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(SummaryError, match=r"summary\.json is no summary.*larger than 64 MiB"):
        read_summary(folder_of(data), FS)
    with pytest.raises(EventsError, match=r"summary\.json is no summary.*larger than 64 MiB"):
        pruned_end(folder_of(data), FS)


@pytest.mark.parametrize("end", [-1, 2**63, 2**64, 10**30])
def test_an_end_that_no_event_can_have_is_refused_by_writers_too(data, end):
    (folder_of(data) / "summary.json").write_text(json.dumps({"end": end}))
    with pytest.raises(EventsError, match=r"summary\.json is damaged"):
        pruned_end(folder_of(data), FS)


def test_one_that_could_not_be_read_again_is_not_written(data, monkeypatch):
    prune_to(data, 6)
    summary = read_summary(folder_of(data), FS)
    before = (folder_of(data) / "summary.json").read_bytes()
    monkeypatch.setattr("projections.summary.SUMMARY_MAX_BYTES", len(before) - 1)
    with pytest.raises(SummaryError, match="is not pruned"):
        write_summary(folder_of(data), summary, FS)
    assert (folder_of(data) / "summary.json").read_bytes() == before


# Reading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leave", [False, True])
@pytest.mark.parametrize("end", [3, 6, 9])
def test_all_that_count_give_the_same_as_before(data, end, leave):
    before = replayed(data).to_bytes()
    assert saved(data) == before
    prune_to(data, end, leave=leave)

    assert replayed(data).to_bytes() == before
    assert saved(data) == before
    (data / "stats.json").unlink()
    assert saved(data) == before
    Runner(data).rebuild()
    assert (data / "stats.json").read_bytes() == before
    found = verify(data)
    assert (found.differences, found.breaks, found.behind) == ((), (), 0)


def test_twice_pruned_and_compressed(data):
    before = replayed(data).to_bytes()
    compress(segment(data), ".zst")
    compress(segment(data, first=3), ".gz")
    prune_to(data, 3)
    compress(segment(data, first=6), ".zst")
    again = prune_to(data, 9, leave=True)
    assert again.lines == 10
    assert replayed(data).to_bytes() == saved(data) == before


def test_a_live_view_goes_on_where_segments_behind_it_are_pruned(data):
    view = LogView(data, fs=FS)
    view.catch_up()
    prune_to(data, 9)
    append(segment(data, first=9), succeeded(11))
    assert view.catch_up()
    assert view.to_bytes() == replayed(data).to_bytes()
    assert not view.lost


def test_a_view_that_lags_behind_a_prune_goes_on_from_the_summary(data):
    notices = []
    view = LogView(data, fs=FS, notice=notices.append)
    for first in (6, 9):
        segment(data, first=first).rename(data / str(first))
    view.catch_up()
    for first in (6, 9):
        (data / str(first)).rename(segment(data, first=first))
    prune_to(data, 9)
    view.catch_up()
    assert view.to_bytes() == replayed(data).to_bytes()
    assert notices == []
    assert not view.lost


class PruningWhenRead(RealFileSystem):
    """Prunes at the moment at which a segment is opened."""

    def __init__(self, data, name, end):
        self.data = data
        self.name = name
        self.end = end

    def open_read(self, path):
        if str(path).endswith(self.name):
            self.name = "none"
            prune_to(self.data, self.end)
        return super().open_read(path)


@pytest.fixture(params=[0, 3, 6])
def pruned_at(request, data):
    before = replayed(data).to_bytes()
    return PruningWhenRead(data, f"{request.param:020d}.jsonl", 9), before


def test_a_view_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    view = LogView(data, fs=fs)
    view.catch_up()
    assert view.unreadable == {}
    assert view.to_bytes() == before


def test_a_replay_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    assert replay([str(data)], stdin=io.BytesIO(), fs=fs).snapshot.to_bytes() == before


def test_a_check_that_meets_a_prune(data, pruned_at):
    fs, _ = pruned_at
    saved(data)
    found = verify(data, fs=fs)
    assert found.ok is False, "the log has gaps of its own"
    assert found.differences == found.breaks == ()
    assert (found.attempts, found.pruned_attempts) == (7, 4)


def test_a_rebuild_that_meets_a_prune(data, pruned_at):
    fs, before = pruned_at
    assert Runner(data, fs=fs).rebuild().to_bytes() == before


def test_a_segment_that_is_gone_without_a_summary_is_told(data):
    class Losing(RealFileSystem):
        def open_read(self, path):
            if path == segment(data):
                segment(data, first=3).unlink(missing_ok=True)
            return super().open_read(path)

    view = LogView(data, fs=Losing())
    view.catch_up()
    assert list(view.unreadable) == ["a"]
    append(segment(data, first=3), *SEGMENTS[3])
    with pytest.raises(SourceError, match="No such file"):
        replay([str(data)], stdin=io.BytesIO(), fs=Losing())
    append(segment(data, first=3), *SEGMENTS[3])
    with pytest.raises(ProjectionError, match="cannot be read to its end"):
        verify(data, fs=Losing())


def test_a_follower_goes_on_behind_what_is_pruned(data):
    class Pruning(RealFileSystem):
        def open_read(self, path):
            if path.name == segment(data, first=3).name and path.exists():
                prune_to(data, 9)
            return super().open_read(path)

    follower = Follower([str(folder_of(data))], fs=Pruning(), stdin=io.BytesIO())
    seqs = [json.loads(line).get("seq") for _, line in follower.lines() if b"seq" in line]
    assert seqs == [0, 1, 2, 9, 10]
    append(segment(data, first=9), succeeded(11))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [11]
    follower.close()


def test_a_follower_of_a_stream_of_which_only_the_summary_is_left(data):
    prune_to(data, 99)
    follower = Follower([str(folder_of(data))], fs=FS, stdin=io.BytesIO())
    assert follower.newest(5) == []
    append(segment(data, first=99), succeeded(99))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [99]
    follower.close()


@pytest.mark.parametrize("start", ["before", "after"])
def test_a_follower_of_files_gives_a_segment_once_that_is_compressed(data, start):
    pattern = str(folder_of(data) / "*.jsonl*")
    if start == "after":
        compress(segment(data), ".zst", keep=True)
    follower = Follower([pattern], fs=FS, stdin=io.BytesIO(), find_every=1)
    first = [line for _, line in follower.lines()]
    if start == "before":
        compress(segment(data), ".zst")
    else:
        segment(data).unlink()
    append(segment(data, first=9), succeeded(11))
    assert [json.loads(line)["seq"] for _, line in follower.lines()] == [11]
    assert len(first) == sum(len(lines) for lines in SEGMENTS.values()) - 1, "but the empty one"
    follower.close()


def test_a_glob_of_a_segment_and_its_compressed_twin_reads_it_once(data):
    before = replayed(folder_of(data) / "*.jsonl*").to_bytes()
    compress(segment(data), ".zst", keep=True)
    assert replayed(folder_of(data) / "*.jsonl*").to_bytes() == before
    packed, plain = segment(data, suffix=".zst"), segment(data)
    assert replayed(packed, plain).total() == replayed(plain).total()
    assert replayed(packed, plain).duplicates == 0
    assert replayed(data, folder_of(data) / "*").duplicates == replayed(data).duplicates

    class Compressing(RealFileSystem):
        def open_read(self, path):
            segment(data).unlink(missing_ok=True)
            return super().open_read(path)

    pattern = str(folder_of(data) / "*.jsonl*")
    again = replay([pattern], stdin=io.BytesIO(), fs=Compressing()).snapshot
    assert again.to_bytes() == before


# Damage -------------------------------------------------------------------------------------------


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
    write_summary(folder_of(data), summary, FS)
    runner.catch_up()
    runner.save()
    assert runner.unreadable == {}
    assert (data / "stats.json").read_bytes() == replayed(data).to_bytes()


class PrunedMeanwhile(RealFileSystem):
    """The log is pruned in the moment before its second segment is opened."""

    def __init__(self, data):
        self.data = data
        self.is_pruned = False

    def open_read(self, path):
        if path == segment(self.data, first=3) and not self.is_pruned:
            self.is_pruned = True
            prune_to(self.data, 6)
        return super().open_read(path)


class GoneMeanwhile(RealFileSystem):
    """Lists a segment that is not there."""

    def list_folder(self, path):
        return sorted({*super().list_folder(path), segment(path.parents[1], first=3).name})


def test_stats_are_believed_where_the_log_is_pruned_while_they_are_looked_up(data):
    stats = saved(data)
    fs, notices = PrunedMeanwhile(data), []
    runner = Runner(data, fs=fs, notice=notices.append)
    runner.start()
    assert fs.is_pruned
    assert notices == []
    assert runner.snapshot.to_bytes() == stats


def test_a_segment_that_is_gone_and_was_not_pruned_is_an_error(data):
    saved(data)
    segment(data, first=3).unlink()
    with pytest.raises(FileNotFoundError):
        Runner(data, fs=GoneMeanwhile()).start()


# Older and other stats.json -----------------------------------------------------------------------


def test_an_older_stats_json_is_made_anew_from_summary_and_log(data):
    for first in (6, 9):
        segment(data, first=first).rename(data / str(first))
    old = saved(data)
    for first in (6, 9):
        (data / str(first)).rename(segment(data, first=first))
    new = saved(data)
    prune_to(data, 9)
    (data / "stats.json").write_bytes(old)
    found = verify(data)
    (difference,) = found.differences
    assert "covers it up to seq 6, its summary.json up to seq 8: an older copy" in difference
    notices = []
    runner = Runner(data, notice=notices.append)
    runner.start()
    runner.catch_up()
    runner.save()
    assert (data / "stats.json").read_bytes() == new
    assert "counts stream 'a' up to seq 6, its summary.json up to seq 8" in notices[0]
    assert verify(data).differences == ()


@pytest.mark.parametrize("end", [3, 6, 9])
def test_an_entry_lies_on_a_pruned_log_if_it_goes_on_from_the_summary(data, end):
    entry = replayed(data).streams["a"]
    prune_to(data, end)
    assert lies_on_log(entry, folder_of(data), FS)
    other = data.parent / "other"
    for first, lines in SEGMENTS.items():
        changed = [line.replace(b'"epoch": "e', b'"epoch": "f') for line in lines]
        append(segment(other, first=first), *changed)
    assert not lies_on_log(replayed(other).streams["a"], folder_of(data), FS)


def test_its_last_seq_and_its_opening_may_be_pruned(data):
    append(segment(data, "c"), opened(0, "x", "c"), succeeded(1, "c"))
    append(segment(data, "c", 2), b"not json\n", succeeded(1, "c"))
    entry = replayed(data).streams["c"]
    prune_to(data, 2, "c")
    assert lies_on_log(entry, folder_of(data, "c"), FS)


def test_an_entry_that_lacks_something_of_the_summary_does_not_lie_on_the_log(data):
    """As one that was made when the pruned part had lost its lines."""
    prune_to(data, 6)
    fewer = data.parent / "fewer"
    for first in (6, 9):
        append(segment(fewer, first=first), *SEGMENTS[first])
    assert not lies_on_log(replayed(fewer).streams["a"], folder_of(data), FS)


def test_a_log_that_does_not_go_on_where_its_summary_ends_is_told(data):
    saved(data)
    prune_to(data, 6)
    segment(data, first=6).unlink()
    found = verify(data)
    assert not found.ok
    (broken,) = found.breaks
    assert broken.startswith("stream 'a': its summary.json ends at seq 6, but the log after that")
    assert broken.endswith("begins at seq 9: segments are missing")
    segment(data, first=9).unlink()
    (data / "stats.json").unlink()
    found = verify(data)
    assert not found.ok
    assert "is empty: segments are missing" in found.breaks[0]


# Several folders of one stream --------------------------------------------------------------------


@pytest.fixture
def copy(data):
    """Another folder with the same log."""
    copy = data.parent / "copy"
    for first, lines in SEGMENTS.items():
        append(segment(copy, first=first), *lines)
    return copy


def counts(snapshot):
    entry = snapshot.streams["a"]
    return snapshot.total(), entry.seen, entry.epochs, entry.duplicates, entry.invalid_lines


@pytest.mark.parametrize("ends", [(3, None), (6, 3), (3, 6), (9, 9)])
def test_a_stream_in_two_folders_counts_once(data, copy, ends):
    both = counts(replayed(data, copy))
    for each, end in zip((data, copy), ends, strict=True):
        if end is not None:
            prune_to(each, end)
    assert counts(replayed(data, copy)) == both
    assert counts(replayed(copy, data)) == both


def test_a_folder_that_holds_what_was_pruned_elsewhere(data, copy):
    """The lines were moved to an archive before they were pruned here."""
    alone = counts(replayed(data))
    prune_to(data, 6)
    for first in (6, 9):
        segment(copy, first=first).unlink()
    total, seen, epochs, *_ = counts(replayed(copy, data))
    assert (total, seen, epochs) == alone[:3]


def test_two_summaries_of_different_parts_add_up(data, copy):
    alone = counts(replayed(data))
    for first in (0, 3):
        segment(copy, first=first).unlink()
    append(segment(copy, first=0), b"not json\n")
    prune_to(copy, 9)
    prune_to(data, 6)
    for first in (6, 9):
        segment(data, first=first).unlink()
    total, seen, *_ = counts(replayed(copy, data))
    assert (total, seen) == alone[:2]


def test_two_summaries_that_hold_some_of_each_other_are_refused(data, copy):
    segment(copy, first=0).unlink()
    segment(data, first=6).unlink()
    prune_to(copy, 9)
    prune_to(data, 6)
    with pytest.raises(SourceError, match="pruned of another folder of stream 'a' only in part"):
        replayed(data, copy)


def test_a_log_and_a_loose_file_that_holds_what_was_pruned(data):
    loose = append(data.parent / "old.jsonl", *SEGMENTS[0], *SEGMENTS[3])
    total, seen, epochs, *_ = counts(replayed(data))
    prune_to(data, 6)
    again = replayed(data, loose)
    assert counts(again)[:3] == (total, seen, epochs)
    assert again.streams["a"].position.segment is None


def test_a_prune_of_one_of_two_folders_while_they_are_read_is_told(data, copy):
    fs = PruningWhenRead(data, segment(data, first=3).name, 9)
    with pytest.raises(SourceError, match="cannot be read"):
        replay([str(data), str(copy)], stdin=io.BytesIO(), fs=fs)


def test_a_summary_that_a_glob_names_beside_its_stream_is_no_file_of_lines(data):
    before = replayed(data).to_bytes()
    prune_to(data, 6)
    assert replayed(data, folder_of(data) / "*.json*").to_bytes() == before
