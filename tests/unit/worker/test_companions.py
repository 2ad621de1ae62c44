from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from events.filesystem import RealFileSystem
from events.log.pruned import SUMMARY_NAME
from events.model import Failed, Succeeded
from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import Ending
from tests.support.data_folders import event, opened, write_log
from tests.support.faulty_filesystem import FaultyFileSystem
from tests.support.workers import Dies, DyingAt, Place
from worker.errors import PermanentError
from worker.recorder import Ended


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def at(data, boot_id="boot-1"):
    """The data folder, closed at the end of the block, so that its files may be exchanged."""
    return closing(Place(data, boot_id=boot_id))


def work(data, jobs=0, *, boot_id="boot-1", dead=False):
    """Add jobs, let a worker do all that wait: its stream, and what it told."""

    def handle(_job):
        if dead:
            raise PermanentError("no")

    with at(data, boot_id) as place:
        place.enqueue(jobs)
        report = place.worker(handle).run()
        return report.stream, told(place)


def told(place):
    return [text for text in place.told.notices if not text.startswith("took over")]


def start(data, **more):
    """Let a worker start and end: what it told."""
    with at(data, **more) as place:
        place.start().close()
        return told(place)


def queue_id(data):
    with at(data) as place:
        return place.queue.queue_id


def save(data, name):
    """Keep a copy of a database, as a backup tool makes it, also while it is in use."""
    with (
        closing(sqlite3.connect(data / name)) as source,
        closing(sqlite3.connect(data / f"{name}.saved")) as target,
    ):
        source.backup(target)


def restore(data, name):
    for file in data.glob(f"{name}-*"):
        file.unlink()
    shutil.copy(data / f"{name}.saved", data / name)


def lose(data, name):
    for file in data.glob(f"{name}*"):
        file.unlink()


def outcome(job, how):
    common = {"job_id": job.id, "kind": job.kind, "attempt": job.attempt}
    if how == "success":
        return Ended(job, Succeeded(**common))
    return Ended(job, Failed(**common, error_type="E", to_dlq=True))


def segment(data, stream):
    (path,) = (data / "events" / stream).glob("*.jsonl")
    return path


def cut(data, stream, lines):
    path = segment(data, stream)
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:lines]))
    return whole


# A log that is older than the queue ---------------------------------------------------------------


def test_a_cut_log_is_not_gone_on_with_and_what_is_missing_is_told_once(data):
    stream, _ = work(data, 3)
    whole = cut(data, stream, 3)  # opened, worker.started, one outcome
    other, notices = work(data, 1)
    assert other != stream
    (notice,) = notices
    assert notice == (
        f"the log of stream '{stream}' ends before seq 3, and the queue or the dead letters know "
        "of it up to seq 6: what is between is missing (the log was cut or lost, or an older copy "
        f"was restored). Put a newer events/{stream} back if there is one; the stats count what "
        "the log holds, and the stream is not gone on with"
    )
    assert len(segment(data, stream).read_bytes().splitlines()) == 3
    assert work(data, 1) == (other, [])
    cut(data, stream, 2)
    assert "ends before seq 2" in start(data)[0]
    assert start(data) == []
    segment(data, stream).write_bytes(whole)
    assert start(data) == []
    cut(data, stream, 2)
    assert "ends before seq 2" in start(data)[0]


def test_a_log_that_lacks_only_what_was_never_acknowledged_is_gone_on_with(data):
    with at(data) as place:
        place.enqueue(1)
        own = place.start()
        for job in place.queue.claim(own.name, own.recorder.next_seq, 1):
            own.recorder.add(outcome(job, "success"))
        own.recorder.commit()
        own.recorder.emit("note")
        own.recorder.commit()
        own.close()  # no graceful end
    cut(data, own.name, 2)
    assert work(data, 1) == (own.name, [])


def test_a_log_that_lacks_what_a_worker_told_at_its_end_is_not_gone_on_with(data):
    stream, _ = work(data, 3)
    assert work(data, 1) == (stream, [])
    with at(data) as place:
        end = len(place.log(stream))
        assert place.log(stream)[-1]["event"] == "worker.stopped"
    cut(data, stream, end - 1)
    other, (notice,) = work(data, 1)
    assert other != stream
    assert f"ends before seq {end - 1}" in notice


def test_a_worker_that_finds_nothing_to_do_notes_nothing(data):
    with at(data) as place:
        report = place.worker(lambda _job: None).run()
        assert place.queue.companions.streams() == {}
        assert place.log(report.stream) == []


def test_a_cut_log_of_another_boot_is_told_too(data):
    stream, _ = work(data, 3)
    cut(data, stream, 3)
    assert "ends before seq 3" in start(data, boot_id="boot-2")[0]


def test_a_log_that_is_gone_is_told_once(data):
    stream, _ = work(data, 3)
    shutil.rmtree(data / "events" / stream)
    other, notices = work(data, 1)
    assert other != stream
    assert [f"the log of stream '{stream}' ends before seq 0" in text for text in notices] == [True]
    assert start(data) == []


def test_a_torn_end_is_no_cut_log(data):
    stream, _ = work(data, 3)
    with segment(data, stream).open("ab") as file:
        file.write(b'{"event":"job.s')
    again, (notice,) = work(data, 1)
    assert again == stream
    assert "torn" in notice


# A queue that is older than the log ---------------------------------------------------------------


def restored_queue(data, jobs=2):
    """A queue as it was when so many of its jobs waited, and a log in which they have ended."""
    with at(data) as place:
        place.enqueue(jobs)
    save(data, "queue.db")
    stream, _ = work(data)
    restore(data, "queue.db")
    return stream


def test_an_older_queue_goes_on_as_another_one_and_its_jobs_run_again(data):
    stream = restored_queue(data)
    before = queue_id(data)
    again, (notice,) = work(data)
    assert again == stream
    after = queue_id(data)
    assert after != before
    assert notice == (
        "queue.db is older than the log (restored from a backup?): the log holds 2 outcomes that "
        "it does not know. Their jobs, where they wait in it again, are run again and count as "
        f"runs of their own (at least once); the queue goes on under a new id, {after}"
    )
    with at(data) as place:
        openings = [line for line in place.log(stream) if line["event"] == "stream.opened"]
        assert [line["queue_id"] for line in openings] == [before, after]
        runs = [(line["job_id"], line["attempt"]) for line in place.outcomes()]
        assert runs == [(1, 1), (2, 1)] * 2
        assert place.queue.counts().due == place.queue.counts().leased == 0
    assert work(data, 1) == (stream, [])
    assert queue_id(data) == after


def test_job_ids_in_the_log_are_not_given_again(data):
    with at(data) as place:
        place.enqueue(1)
    save(data, "queue.db")
    work(data, 5)
    restore(data, "queue.db")
    start(data)
    with at(data) as place:
        place.enqueue(2)
        assert [job.id for job in place.queue.claim("x", 0, 9)] == [1, 7, 8]


def test_a_queue_from_before_its_stream_was_begun(data):
    with at(data) as place:
        place.start().close()
    shutil.rmtree(data / "events")
    stream = restored_queue(data, 1)
    assert "holds 1 outcome that it does not know" in start(data)[0]
    assert start(data) == []
    assert work(data, 1)[0] == stream


def test_the_same_backup_restored_twice_is_told_twice(data):
    restored_queue(data)
    ids = {queue_id(data)}
    for _ in range(2):
        work(data)
        ids.add(queue_id(data))
        restore(data, "queue.db")
        assert len(start(data)) == 1
        ids.add(queue_id(data))
    assert len(ids) == 4  # that of the backup, and one for each time


def test_leases_of_the_older_queue_are_settled_by_the_log(data):
    with at(data) as place:
        place.enqueue(4)
        own = place.start()
        place.queue.claim(own.name, own.recorder.next_seq, 2)
        own.close()
    save(data, "queue.db")
    stream, _ = work(data)  # all four end, two of them after a loss
    restore(data, "queue.db")
    with at(data) as place:
        place.start().close()
        (notice,) = told(place)
        assert "holds 4 outcomes" in notice  # those that are leased have another attempt there
        assert place.queue.counts().due == 4
    with at(data) as place:
        jobs = place.queue.claim(stream, 100, 1)
        assert jobs[0].losses == 1


def test_outcomes_that_its_leases_cover_are_applied_as_always(data):
    with at(data) as place:
        place.enqueue(4)
        own = place.start()
        jobs = place.queue.claim(own.name, own.recorder.next_seq, 2)
        save(data, "queue.db")
        for _ in range(2):
            for job in jobs:
                own.recorder.add(outcome(job, "success"))
            jobs = own.recorder.commit(claim=2)
        own.close()
    restore(data, "queue.db")
    with at(data) as place:
        place.start().close()
        assert "holds 2 outcomes" in told(place)[0]
        assert "2 recorded outcomes applied" in place.told.notices[1]
        assert [job.id for job in place.queue.claim("x", 0, 9)] == [3, 4]


@pytest.mark.parametrize(("part", "call", "after"), [
    ("letters", "insert", False),
    ("letters", "insert", True),
    ("queue", "apply", False),
    ("queue", "apply", True),
])  # fmt: skip
def test_a_worker_that_died_before_it_acknowledged_is_no_older_queue(data, part, call, after):
    work(data, 1)
    before = queue_id(data)
    with at(data) as place:
        place.enqueue(2)
        own = place.start(**{part: DyingAt(getattr(place, part), call, after=after)})
        jobs = place.queue.claim(own.name, own.recorder.next_seq, 2)
        for job, how in zip(jobs, ["success", "dead"], strict=True):
            own.recorder.add(outcome(job, how))
        with pytest.raises(Dies):
            own.recorder.commit()
        own.close()
    assert start(data) == []
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        assert place.queue.counts().due == 0
        assert len(place.dead()) == 1


def test_a_worker_that_lives_may_be_ahead_of_the_queue(data):
    with at(data) as place:
        place.enqueue(2)
        own = place.start(DyingAt(place.queue, "apply", after=False))
        for job in place.queue.claim(own.name, own.recorder.next_seq, 2):
            own.recorder.add(outcome(job, "success"))
        with pytest.raises(Dies):
            own.recorder.commit()
        with place.queue._database.transaction() as connection:
            connection.execute("DELETE FROM jobs")  # not even a lease covers its outcomes
        before = place.queue.queue_id
        other = place.start()
        assert told(place) == []
        assert place.queue.queue_id == before
        other.close()
        own.close()
        place.start().close()
        assert len(told(place)) == 1


def test_a_queue_made_anew_takes_nothing_from_the_old_log_and_says_nothing(data):
    stream, _ = work(data, 3)
    lose(data, "queue.db")
    again, notices = work(data, 2)
    assert (again, notices) == (stream, [])
    with at(data) as place:
        assert len(place.outcomes()) == 5
    assert start(data) == []


def test_streams_copied_from_elsewhere_are_looked_at_once(data, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    copied, _ = work(elsewhere, 3)
    work(data, 1)
    shutil.copytree(elsewhere / "events" / copied, data / "events" / copied)
    before = queue_id(data)
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        assert place.queue.companions.stream(copied).looked_seq == len(place.log(copied))


def test_streams_that_hold_no_outcome_and_lines_of_others_are_no_reason(data):
    write_log(data, event(0, "note"), event(1, "note"), stream="notes")
    write_log(data, "no JSON", stream="junk")
    write_log(data, event(40), event(41), stream="pruned", first=40)
    before = queue_id(data)
    assert work(data, 1)[1] == []
    assert start(data) == []
    assert queue_id(data) == before


@pytest.mark.parametrize("unmarked", [False, True])
@pytest.mark.parametrize("name", ["job.succeeded", "job.failed", "note"])
@pytest.mark.parametrize("seq", [2**63 - 2, 2**63 - 1])
def test_numbers_near_their_end_are_bound_nowhere(data, seq, name, unmarked):
    """Neither where the stream is of this queue, nor where it is not, nor in one of before."""
    work(data, 1)
    before = queue_id(data)
    for stream, theirs in {"ours": before, "theirs": "other", "whose": None}.items():
        far = event(
            seq,
            *(name, stream),
            timestamp="2026-01-01T00:00:00Z",
            job_id=seq,
            error_type="E",
            to_dlq=True,
        )
        opening = [opened(stream) | {"queue_id": theirs}] if theirs else []
        write_log(data, *opening, far, stream=stream)
    write_log(data, stream="named", first=2**63 - 1)
    if unmarked:
        unmark(data)
    assert work(data, 1)[1] == []
    assert start(data) == []
    assert queue_id(data) == before


def test_a_pruned_stream_of_ours_is_compared(data):
    with at(data) as place:
        write_log(data, event(40, stream="p"), event(41, stream="p"), stream="p", first=40)
        place.queue.apply("p", [Ending(1, 1, 40)])
        before = place.queue.queue_id
    assert "holds 1 outcome that it does not know" in start(data)[0]
    assert queue_id(data) != before


def prune(data, stream, end):
    """Let segments of a stream begin at ``end`` only, as after a prune."""
    folder = data / "events" / stream
    (folder / SUMMARY_NAME).write_text(json.dumps({"end": end}))
    for path in folder.glob("*.jsonl"):
        if int(path.stem) < end:
            path.unlink()


PRUNED_SINCE = "and that were pruned since. Their jobs"


def test_an_older_queue_is_known_by_outcomes_that_were_pruned(data):
    stream, _ = work(data, 2)
    before = queue_id(data)
    with at(data) as place:
        place.enqueue(3)
    save(data, "queue.db")
    work(data)
    with at(data) as place:
        end = len(place.log(stream))
    write_log(data, stream=stream, first=end)
    prune(data, stream, end)
    restore(data, "queue.db")
    again, (notice,) = work(data)
    assert again == stream
    assert f"the log held outcomes that it does not know, {PRUNED_SINCE}" in notice
    assert queue_id(data) != before
    assert start(data) == []


def test_what_is_left_counts_and_what_was_pruned_is_said(data):
    stream, _ = work(data, 2)
    with at(data) as place:
        end = len(place.log(stream))
    save(data, "queue.db")
    write_log(data, event(end + 5, stream=stream, job_id=70), stream=stream, first=end + 5)
    prune(data, stream, end + 5)
    restore(data, "queue.db")
    (notice,) = start(data)
    assert "holds 1 outcome that it does not know, and held others that were pruned" in notice
    with at(data) as place:
        place.enqueue(1)
        assert [job.id for job in place.queue.claim("x", 0, 1)] == [71]


@pytest.mark.parametrize("how", ["opening", "lease"])
def test_a_pruned_stream_is_this_queues_by_an_opening_or_a_lease(data, how):
    work(data, 1)
    with at(data) as place:
        place.enqueue(1)
        opening = opened("p") | {"seq": 9, "queue_id": place.queue.queue_id}
        if how == "lease":
            place.queue.claim("p", 3, 1)
    write_log(data, *([opening] if how == "opening" else []), stream="p", first=9)
    prune(data, "p", 9)
    assert PRUNED_SINCE in start(data)[0]
    assert start(data) == []


@pytest.mark.parametrize("opening", [True, False])
def test_what_was_pruned_of_streams_from_elsewhere_is_no_reason(data, opening):
    work(data, 1)
    before = queue_id(data)
    theirs = [opened("p") | {"seq": 9, "queue_id": "other"}] if opening else []
    write_log(data, *theirs, event(10, stream="p"), stream="p", first=9)
    prune(data, "p", 9)
    for _ in range(2):
        assert start(data) == []
    assert queue_id(data) == before


def test_nor_what_was_pruned_of_a_queue_that_is_lost(data):
    stream, _ = work(data, 3)
    with at(data) as place:
        end = len(place.log(stream))
    write_log(data, stream=stream, first=end)
    prune(data, stream, end)
    lose(data, "queue.db")
    assert work(data, 1) == (stream, [])
    assert start(data) == []


def test_nor_what_stands_before_a_lease(data):
    """Lines that are no outcomes, behind the last one; then a worker died with a lease."""
    stream, _ = work(data, 2)
    with at(data) as place:
        end = len(place.log(stream))
        write_log(data, event(end, "note", stream=stream), stream=stream, first=end)
        place.enqueue(1)
        place.queue.claim(stream, end + 1, 1)
        before = place.queue.queue_id
    write_log(data, stream=stream, first=end + 1)
    prune(data, stream, end + 1)
    assert start(data) == []  # which ends the lease
    assert start(data) == []
    assert queue_id(data) == before


def test_a_summary_that_is_damaged_or_interrupted_is_no_reason(data):
    stream, _ = work(data, 2)
    for content in ('{"end":', '{"end": 900}'):  # the segments below it are there still
        (data / "events" / stream / SUMMARY_NAME).write_text(content)
        assert [text for text in start(data) if "older than" in text] == []


class PrunedMeanwhile(RealFileSystem):
    """Old segments go in the moment before the newer one of them is opened."""

    def __init__(self, *segments):
        self.segments = segments

    def open_read(self, path):
        if path == self.segments[-1]:
            for each in self.segments:
                each.unlink(missing_ok=True)
        return super().open_read(path)


def test_a_stream_that_is_pruned_while_it_is_looked_at_is_looked_at_again(data):
    with at(data) as place:
        opening = opened("p") | {"queue_id": place.queue.queue_id}
        old = write_log(data, opening, event(1, stream="p"), stream="p")
        newer = write_log(data, event(2, stream="p"), stream="p", first=2)
        write_log(data, event(3, stream="p"), event(4, stream="p"), stream="p", first=3)
        place.queue.apply("p", [Ending(1, 1, 3)])
        place.fs = PrunedMeanwhile(old, newer)
        place.start().close()
        assert not newer.exists()
        (notice,) = told(place)
        assert "holds 1 outcome that it does not know" in notice


def test_hundreds_of_dead_streams_cost_one_look_at_the_end_of_each(data):
    with at(data) as place:
        lines = [opened() | {"queue_id": place.queue.queue_id}]
        lines += [event(seq) for seq in range(1, 400)]
        for number in range(100):
            name = f"s{number}"
            for first in (0, 200):
                part = [line | {"stream": name} for line in lines[first : first + 200]]
                write_log(data, *part, stream=name, first=first)
            place.queue.apply(name, [Ending(1, 1, 399)])
        place.fs = FaultyFileSystem()
        place.start().close()
        assert told(place) == []
        last = f"{200:020d}.jsonl"
        looks = [name for operation, name in place.fs.calls if operation == "open_read"]
        assert set(looks) - {"owner"} == {last}
        assert looks.count(last) <= 2 * 100  # the second: whether it ends with a whole line
        assert place.fs.count("sync_file") == 0
    assert not list(data.glob("events/s*/lock"))


def test_a_log_that_cannot_be_brought_to_disk_is_told_and_changes_nothing(data):
    restored_queue(data)
    before = queue_id(data)
    with at(data) as place:
        place.fs = FaultyFileSystem(faults={("sync_file", 1): errno.EIO})
        place.start().close()
        assert "cannot be compared with the queue" in told(place)[0]
    assert queue_id(data) == before
    assert "older than the log" in start(data)[0]


def test_a_stream_that_cannot_be_read_is_left_to_those_who_read_it(data):
    (data / "events" / "odd").mkdir(parents=True)
    (data / "events" / "odd" / f"{0:020d}.jsonl.gz").write_bytes(b"nothing")
    assert work(data, 1)[1] == []


# A queue that noted nothing yet -------------------------------------------------------------------


def unmark(data):
    """Make the queue what one of before is after its tables were brought up to date."""
    with closing(sqlite3.connect(data / "queue.db")) as connection, connection:
        connection.execute("DELETE FROM acknowledged")
        connection.execute("INSERT INTO meta VALUES ('unmarked', '1')")


def test_a_queue_of_before_takes_its_logs_for_applied(data):
    stream, _ = work(data, 3, dead=True)
    unmark(data)
    before = queue_id(data)
    assert start(data) == []
    assert queue_id(data) == before
    with at(data) as place:
        known = place.queue.companions.stream(stream)
        assert (known.next_seq, known.next_dead) == (len(place.log()), 5)
    cut(data, stream, 3)
    assert len(start(data)) == 1


def test_logs_that_cannot_be_read_are_taken_for_nothing(data):
    stream, _ = work(data, 1)
    (data / "events" / "odd").mkdir(parents=True)
    (data / "events" / "odd" / f"{0:020d}.jsonl.gz").write_bytes(b"nothing")
    unmark(data)
    assert start(data) == []
    with at(data) as place:
        assert place.queue.companions.stream("odd").next_seq == 0
        assert place.queue.companions.stream(stream).next_seq == len(place.log(stream))


def test_all_but_what_is_leased_still(data):
    stream, _ = work(data, 1)
    with at(data) as place:
        place.enqueue(1)
        own = place.start()
        end = own.recorder.next_seq
        place.queue.claim(own.name, end, 1)
        own.close()
    unmark(data)
    write = json.dumps(event(end, stream=stream, job_id=2))
    with segment(data, stream).open("a") as file:
        file.write(write + "\n")
    with at(data) as place:
        place.start().close()
        assert told(place) == []
        assert place.queue.counts().due == 0
        assert place.queue.companions.stream(stream).next_seq == end + 1


# Dead letters that are older than the log ---------------------------------------------------------

LACKS = "dlq.db lacks dead letters that the queue knows of"


def test_lost_dead_letters_are_told_until_they_are_put_back(data):
    work(data, 2, dead=True)
    assert start(data) == []
    lose(data, "dlq.db")
    for _ in range(2):
        (notice,) = start(data)
        assert LACKS in notice
        assert "`syncstats dlq restore`" in notice
    # new letters of the same stream do not hide that the old ones are missing
    work(data, 1, dead=True)
    assert LACKS in start(data)[0]


def test_older_dead_letters_are_told(data):
    work(data, 1, dead=True)
    save(data, "dlq.db")
    work(data, 1, dead=True)
    restore(data, "dlq.db")
    assert LACKS in start(data)[0]


def test_a_file_lost_before_anything_died_is_nothing_to_tell(data):
    work(data, 2)
    lose(data, "dlq.db")
    assert work(data, 1)[1] == []
    with at(data) as place:
        assert place.queue.companions.letters() == (place.letters.dlq_id, False)


def test_letters_that_were_purged_are_not_missing(data):
    work(data, 2, dead=True)
    DeadLetterQueue(data).purge(everything=True)
    assert start(data) == []


def test_letters_that_an_older_queue_does_not_know_are_not_missing_either(data):
    with at(data) as place:
        place.enqueue(2)
    save(data, "queue.db")
    work(data, dead=True)
    restore(data, "queue.db")
    assert len(start(data)) == 1
    lose(data, "dlq.db")
    assert LACKS in start(data)[0]
