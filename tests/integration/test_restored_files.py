"""Each file of a data folder is lost, restored from an older backup, or damaged: by the command.

The table in docs/howto/restore.md says what happens then; each of its rows names a test of these.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import closing

import pytest

from tests.support.command import ROOT, assert_complaint, syncstats
from tests.support.site import Site
from tests.support.workers import events_of

GUIDE = ROOT / "docs" / "howto" / "restore.md"


class Folder(Site):
    """A data folder whose files are exchanged while nothing runs."""

    def work(self, *whats, args=()):
        """Add jobs and work until none waits: what the worker said on stderr, line by line."""
        if whats:
            self.enqueue(*whats)
        status, _, err = self.run("--drain", "--wait", "--summary-every", "0", *args)
        assert status == 0, err
        lines = err.splitlines()
        assert all(line.startswith("syncstats: ") for line in lines)
        return [line.removeprefix("syncstats: ") for line in lines]

    def call(self, *args):
        return syncstats(*args, "--data", "D", cwd=self.folder)

    def json(self, *args):
        ran = self.call(*args, "--json")
        assert ran.status == 0, ran
        return ran.json

    def work_in_segments(self, opened=3):
        """Work three times two jobs, each write in a segment of its own.

        The segments that a worker opened the stream in: the others depend on how jobs end together.
        """
        for _ in range(3):
            assert self.work("ok", "ok", args=("--segment-bytes", "1")) == []
        segments = sorted((self.data / "events" / self.stream()).glob("*.jsonl"))
        found = [each for each in segments if b'"stream.opened"' in each.read_bytes()]
        assert len(found) == opened
        return found

    def processed(self):
        """Attempts by stats.json; checked against the log."""
        ran = self.call("verify")
        assert ran.status == 0, ran
        return self.counted()

    def counted(self, name="stats.json"):
        """Attempts by stats.json, whatever the log says."""
        return json.loads((self.data / name).read_bytes())["jobs_processed"]

    def back_up(self, *names):
        """Copy files or folders of the data folder; nothing runs."""
        for name in names:
            copy = shutil.copytree if (self.data / name).is_dir() else shutil.copy2
            copy(self.data / name, self.folder / f"backup-{name}")

    def restore(self, *names):
        """Put them back in the place of what is there."""
        for name in names:
            self.lose(name)
            copy = self.folder / f"backup-{name}"
            # Into a folder that stays, as `rsync` and `cp` do: it is the same one afterwards.
            if copy.is_dir():
                shutil.copytree(copy, self.data / name, dirs_exist_ok=True)
            else:
                shutil.copy2(copy, self.data / name)

    def lose(self, name):
        path = self.data / name
        if path.is_dir():
            for file in path.rglob("*.jsonl"):
                file.unlink()
        for file in self.data.glob(f"{name}*"):
            if file.is_file():
                file.unlink()

    def openings(self):
        return [each for each in events_of(self.data) if each["event"] == "stream.opened"]

    def stream(self):
        """The only stream."""
        (folder,) = (self.data / "events").iterdir()
        return folder.name

    def segment(self, stream):
        return min((self.data / "events" / stream).glob("*.jsonl"))

    def cut(self, stream, lines):
        """Cut a log after so many lines."""
        path = self.segment(stream)
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]))


@pytest.fixture
def site(tmp_path):
    with closing(Folder(tmp_path)) as site:
        yield site


# queue.db -----------------------------------------------------------------------------------------


def test_queue_lost(site):
    site.work("ok", "ok", "permanent")
    site.lose("queue.db")
    jobs = "".join(f'{{"scene_id":{n},"data":{{"do":"ok"}}}}\n' for n in range(4))
    ran = syncstats("enqueue", "-", "--data", "D", cwd=site.folder, stdin=jobs)
    assert ran.status == 0, ran
    (site.folder / "truth").unlink()  # job ids begin anew, under another queue_id
    assert site.work() == []
    assert len(site.truth()) == 4
    assert site.processed() == 3 + 4
    assert len({e["queue_id"] for e in site.openings()}) == 2


def test_queue_older(site):
    site.enqueue("ok", "ok")
    site.back_up("queue.db")
    site.work()
    site.work("ok", "ok", "ok")
    site.restore("queue.db")
    (site.folder / "truth").unlink()
    (notice,) = site.work()
    assert notice.startswith(
        "queue.db is older than the log (restored from a backup?): the log holds 5 outcomes that "
        "it does not know."
    )
    assert sorted(site.truth()) == [(1, 1), (2, 1)]  # they ran again
    assert site.processed() == 5 + 2
    assert site.work("ok") == []
    assert max(event["job_id"] for event in site.outcomes()) == 6  # no id a second time
    assert site.processed() == 8
    assert len({e["queue_id"] for e in site.openings()}) == 2


def test_queue_older_than_what_was_pruned(site):
    site.work(*["ok"] * 40)
    site.enqueue(*["ok"] * 20)
    site.back_up("queue.db")
    (site.folder / "truth").unlink()
    assert site.run("--drain", "--batch", "4", "--segment-bytes", "300")[0] == 0
    before = {e["queue_id"] for e in site.openings()}
    ran = site.call("prune", "--keep", "1KiB")
    assert ran.status == 0, ran
    site.restore("queue.db")
    (site.folder / "truth").unlink()
    (notice,) = site.work()
    assert notice.startswith("queue.db is older than the log (restored from a backup?): the log h")
    assert "pruned since" in notice
    assert site.work("ok") == []
    assert site.processed() == 40 + 20 + 20 + 1
    assert site.openings()[-1]["queue_id"] not in before


@pytest.mark.parametrize(
    ("name", "command"), [("queue.db", "show"), ("dlq.db", "show"), ("dlq.db", "dlq list")]
)
def test_databases_damaged(site, name, command):
    site.work("ok", "permanent")
    site.lose(name)
    (site.data / name).write_bytes(b"this is no database, " * 1000)
    mend = {
        "queue.db": "move it away (the jobs that wait in it are lost then)",
        "dlq.db": "move it away, then call `syncstats dlq restore --data ",
    }
    for args in (("run", "--handler", "exec:true", "--drain"), command.split()):
        said = f"D/{name}: it is not an SQLite database; bring it back from a backup, or "
        assert_complaint(site.call(*args), said + mend[name])
    site.lose(name)
    site.work("ok") if name == "queue.db" else site.work()
    assert site.call("verify").status == 0
    if name == "dlq.db":
        assert site.json("dlq", "restore")["restored"] == 1


# dlq.db -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lost", "older"])
def test_dead_letters_lost_or_older(site, how):
    site.work("permanent", "ok")
    if how == "older":
        site.back_up("dlq.db")
    site.work("permanent", "permanent")
    letters = site.json("dlq", "list")["dead_letters"]
    site.lose("dlq.db")
    if how == "older":
        site.restore("dlq.db")
    for _ in range(2):
        (notice,) = site.work("ok")
        assert notice.startswith("dlq.db lacks dead letters that the queue knows of")
        assert f"`syncstats dlq restore --data {site.data}` puts them back from the log" in notice
    missing = 3 if how == "lost" else 2
    assert site.json("dlq", "restore", "--dry-run")["restored"] == missing
    assert site.json("dlq", "restore")["restored"] == missing
    again = site.json("dlq", "list")["dead_letters"]
    known = ("job_id", "scene_id", "error_type", "error_message", "failed_at", "stream", "seq")
    assert [[each[name] for name in known] for each in again] == [
        [each[name] for name in known] for each in letters
    ]
    assert [each["from_log"] for each in again].count(True) == missing
    refused = site.call("dlq", "retry", again[0]["id"])
    assert refused.status == 1
    assert "it was put back from the log, which does not hold its job" in refused.out
    assert site.work("ok") == []


# stats.json ---------------------------------------------------------------------------------------


def test_stats_lost_or_older(site):
    site.work("ok", "permanent")
    site.back_up("stats.json")
    site.work("ok")
    newest = (site.data / "stats.json").read_bytes()
    site.restore("stats.json")
    assert site.work() == []
    assert (site.data / "stats.json").read_bytes() == newest
    site.lose("stats.json")
    assert site.call("rebuild").status == 0
    assert (site.data / "stats.json").read_bytes() == newest
    site.lose("stats.json")
    assert site.work() == []
    assert (site.data / "stats.json").read_bytes() == newest


@pytest.mark.parametrize("how", ["lost", "older", "damaged"])
def test_summaries_lost_older_or_damaged(site, how):
    site.work_in_segments()
    assert site.call("rebuild").status == 0
    site.back_up("summaries")
    site.work_in_segments(opened=6)
    assert site.call("rebuild").status == 0
    newest = (site.data / "stats.json").read_bytes()
    (path,) = (site.data / "summaries").glob("*/*.json")
    if how == "older":
        site.restore("summaries")
    elif how == "lost":
        shutil.rmtree(site.data / "summaries")
    else:
        path.write_bytes(path.read_bytes()[:-100].replace(b'"gaps":0', b'"gaps":1'))
    for _ in range(2):
        made = site.call("rebuild")
        assert (made.status, made.err) == (0, "")
        assert (site.data / "stats.json").read_bytes() == newest
    assert site.call("verify").status == 0


def test_stats_damaged(site):
    site.work("ok", "ok")
    newest = (site.data / "stats.json").read_bytes()
    (site.data / "stats.json").write_bytes(newest[: len(newest) // 2])
    (notice,) = site.work()
    (aside,) = site.data.glob("stats.json.corrupt-*")
    assert f"it was kept as {aside.name}, and is made anew from the log" in notice
    assert (site.data / "stats.json").read_bytes() == newest


# The log ------------------------------------------------------------------------------------------


def test_log_torn(site):
    site.work("ok", "ok")
    stream = site.stream()
    with site.segment(stream).open("ab") as file:
        file.write(b'{"event":"job.succ')
    (notice,) = site.work("ok")
    assert "the last line was torn by a crash; its 18 bytes were moved to" in notice
    assert site.stream() == stream
    assert site.processed() == 3


def test_log_line_damaged(site):
    site.work("ok", "ok", "ok")
    path = site.segment(site.stream())
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"event"', b'"even\x00"')
    path.write_bytes(b"".join(lines))
    (site.data / "stats.json").unlink()
    site.work("ok")
    ran = site.call("verify")
    assert ran.status == 1  # the line took up a number that nobody can read now
    assert json.loads((site.data / "stats.json").read_bytes())["jobs_processed"] == 3


def test_log_lost(site):
    site.work("ok", "ok", "permanent")
    stream = site.stream()
    shutil.rmtree(site.data / "events")
    notices = site.work("ok")
    assert sum(f"the log of stream '{stream}' ends before seq 0" in each for each in notices) == 1
    assert sum("counts stream" in each for each in notices) == 1
    (replaced,) = site.data.glob("stats.json.replaced-*")
    assert json.loads(replaced.read_bytes())["jobs_processed"] == 3
    assert site.processed() == 1
    assert site.stream() != stream
    assert site.work("ok") == []


BY = pytest.mark.parametrize("by", ["rebuild", "worker"])


@BY
@pytest.mark.parametrize("which", [0, 1], ids=["start", "middle"])
def test_log_segment_lost(site, which, by):
    lost = site.work_in_segments()[which]
    check = assert_aside_by_rebuild if by == "rebuild" else assert_kept_by_worker
    check(site, lost)


def test_log_segment_changed_unseen(site):
    changed, *_ = site.work_in_segments()
    assert site.call("rebuild").status == 0
    times, text = changed.stat(), changed.read_bytes()
    changed.write_bytes(text.replace(b'"attempt":1', b'"attempt":7', 1))
    os.utime(changed, ns=(times.st_atime_ns, times.st_mtime_ns))
    ran = site.call("verify")
    assert ran.status == 1
    assert "has other bytes than when it was summed up" in ran.out
    assert "back from a backup first, then `syncstats verify --data D` again" in ran.out
    changed.write_bytes(text)
    assert site.call("verify").status == 0


def test_log_segment_lost_with_the_newest_opening(site):
    *_, lost = site.work_in_segments()
    assert_aside_by_worker(site, lost)


@pytest.mark.parametrize(
    ("keep", "by"), [("2K", "rebuild"), ("2K", "worker"), ("1K", "worker, opening pruned")]
)
def test_summary_lost(site, keep, by):
    *_, opening = site.work_in_segments()
    assert site.call("prune", "--keep", keep).status == 0
    assert opening.exists() == (keep == "2K")
    assert site.processed() == 6
    check = {"rebuild": assert_aside_by_rebuild, "worker": assert_kept_by_worker}
    lost = opening.with_name("summary.json")
    check.get(by, assert_aside_by_worker)(site, lost, "0 to")


def assert_kept_by_worker(site, file, seqs=""):
    """The stats go on with the numbers of what was lost."""
    backup = file.rename(site.folder / "backup")
    assert_gap_is_told(site, seqs)
    assert site.work("ok") == []
    assert site.counted() == 6 + 1
    assert_gap_is_told(site, seqs)
    backup.rename(file)
    assert site.processed() == 6 + 1


def assert_aside_by_rebuild(site, file, seqs=""):
    """The stats lose its numbers; they stay in a file of their own, and come back with it."""
    newest = (site.data / "stats.json").read_bytes()
    backup = file.rename(site.folder / "backup")
    assert_gap_is_told(site, seqs)
    ran = site.call("rebuild")
    assert ran.status == 0, ran
    (aside,) = site.data.glob("stats.json.replaced-*")
    assert f"the log does not hold any more; it was kept as {aside.name}" in ran.err
    assert aside.read_bytes() == newest
    assert site.counted() < 6
    backup.rename(file)
    assert site.call("rebuild").status == 0
    assert site.processed() == 6


def assert_aside_by_worker(site, file, seqs=""):
    newest = (site.data / "stats.json").read_bytes()
    backup = file.rename(site.folder / "backup")
    assert_gap_is_told(site, seqs)
    flaw, kept = site.work("ok")
    assert "at a place that the log does not have; its stats come from the log again" in flaw
    (aside,) = site.data.glob("stats.json.replaced-*")
    assert kept.endswith(f"was kept as {aside.name}")
    assert aside.read_bytes() == newest
    assert site.counted() < 6 + 1
    backup.rename(file)
    assert site.call("rebuild").status == 0
    assert site.processed() == 6 + 1


def assert_gap_is_told(site, seqs):
    ran = site.call("verify")
    assert ran.status == 1, ran
    assert re.search(rf"^Gap: stream .* lines are missing, seq {seqs}", ran.out, re.MULTILINE), ran


def test_summary_damaged(site):
    segments = site.work_in_segments()
    assert site.call("prune", "--keep", "1K").status == 0
    summary = segments[0].with_name("summary.json")
    newest = (site.data / "stats.json").read_bytes()
    whole = summary.read_bytes()
    summary.write_bytes(whole[: len(whole) // 2])
    for args in (("verify", "--data", "D"), ("rebuild", "--data", "D"), ("replay", "D")):
        ran = syncstats(*args, cwd=site.folder)
        assert ran.status == 2, ran
        assert "summary.json is damaged" in ran.err
        assert "bring it back from a backup: the numbers in it stand nowhere else" in ran.err
    assert (site.data / "stats.json").read_bytes() == newest
    (notice,) = site.work("ok")
    assert "summary.json is damaged" in notice
    assert site.counted() >= 6
    summary.write_bytes(whole)
    assert site.work("ok") == []
    assert site.processed() == 6 + 2


@pytest.mark.parametrize(
    "older", [("events",), ("events", "queue.db"), ("events", "stats.json"), ("stats.json",)],
    ids="+".join,
)  # fmt: skip
def test_log_shorter_than_the_others_believe(site, older):
    """The log is older than the queue, than stats.json, or than both; and stats.json alone is."""
    site.work("ok", "ok")
    stream = site.stream()
    site.back_up("events", "queue.db", "stats.json")
    site.work("ok", "permanent")
    site.restore(*older)
    notices = site.work("ok")
    told = {
        "short": any("ends before seq" in each for each in notices),
        "stats": any("stats.json counts stream" in each for each in notices),
    }
    if older == ("stats.json",):
        assert notices == []
        assert site.processed() == 5
        return
    # Two ran again nowhere: what the log lost is counted no more, and said by whoever knew of it.
    assert site.processed() == 3
    assert told == {
        # The dead letter of the lost part is known to dlq.db, also where the queue is older.
        "short": True,
        "stats": "stats.json" not in older,
    }
    assert len(list(site.data.glob("stats.json.replaced-*"))) == told["stats"]
    assert len(list((site.data / "events").iterdir())) == 2
    assert [text for text in site.work("ok") if stream in text] == []


def test_log_restored_from_a_newer_backup(site):
    site.work("ok", "ok", "ok")
    site.back_up("events")
    stream = site.stream()
    site.cut(stream, 3)
    assert any("ends before seq 3" in each for each in site.work("ok"))
    assert site.processed() == 2
    for file in (site.folder / "backup-events" / stream).glob("*.jsonl"):
        shutil.copy2(file, site.data / "events" / stream / file.name)
    assert site.work("ok") == []
    assert site.processed() == 5


def test_owner_lost(site):
    site.work("ok")
    stream = site.stream()
    (site.data / "events" / stream / "owner").unlink()
    assert site.work("ok") == []
    assert len(list((site.data / "events").iterdir())) == 2
    assert site.processed() == 2


def test_locks_lost(site):
    site.work("ok")
    for lock in ["takeover.lock", "runner.lock", "stats.lock", f"events/{site.stream()}/lock"]:
        (site.data / lock).unlink()
    assert site.work("ok") == []
    assert len(list((site.data / "events").iterdir())) == 1
    assert site.processed() == 2


# The whole folder ---------------------------------------------------------------------------------


def test_folder_restored_in_place_and_worked_on(site):
    everything = ("events", "queue.db", "dlq.db", "stats.json")
    site.work("ok", "permanent")
    stream = site.stream()
    site.back_up(*everything)
    site.work("ok", "ok")
    shutil.copy2(site.data / "stats.json", site.folder / "before.json")
    site.restore(*everything)
    assert site.work("ok", "ok", "ok") == []  # all of one age
    assert site.stream() == stream
    assert site.processed() == 5
    for pair in (("before.json", "D/stats.json"), ("D/stats.json", "before.json")):
        merged = syncstats("merge", *pair, cwd=site.folder)
        assert_complaint(merged, f"stream '{stream}' has two histories", "A backup was restored")
        assert merged.err.count("in epoch ") == 2
    again = syncstats("merge", "backup-stats.json", "D/stats.json", "--json", cwd=site.folder)
    assert again.json["jobs_processed"] == 5


def test_folder_copied_and_both_worked_on(site):
    site.work(*["ok"] * 20)
    shutil.copytree(site.data, site.folder / "E")
    other = Folder(site.folder)
    other.data = site.folder / "E"
    site.work(*["ok"] * 100)
    other.enqueue(*["ok"] * 100)
    ran = syncstats(*("run", "--handler", "exec:true", "--data", "E", "--drain"), cwd=site.folder)
    assert (ran.status, ran.err) == (0, "")
    files = ["D/stats.json", "E/stats.json"]
    answers = {
        syncstats("merge", *order, "--json", cwd=site.folder).out
        for order in (files, files[::-1], files * 2, files)
    }
    (answer,) = answers
    assert json.loads(answer)["jobs_processed"] == 20 + 100 + 100


# The guide ----------------------------------------------------------------------------------------


def test_every_row_of_the_guide_names_a_test_that_is_there():
    rows = re.findall(r"^\| (?!file|---)(.*) \|$", GUIDE.read_text(), re.MULTILINE)
    assert len(rows) >= 15
    for row in rows:
        *_, tests = row.split(" | ")
        named = re.findall(r"`(\w+\.py)::(\w+)`", tests)
        assert named, row
        for file, test in named:
            (path,) = (ROOT / "tests").rglob(file)
            assert f"def {test}(" in path.read_text(), row
