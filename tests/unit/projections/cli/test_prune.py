from __future__ import annotations

import json

import pytest

from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support.data_folders import event, opened, write_log


@pytest.fixture
def data(tmp_path):
    """A log of three segments that are older than any age, and a newest one."""
    data = tmp_path / "data"
    write_log(data, opened(), event(1), event(2))
    write_log(data, event(3), event(4, "job.failed", error_type="Timeout"), first=3)
    write_log(data, event(5), first=5)
    write_log(data, event(6), event(7), first=6)
    return data


def names(data):
    return sorted(p.name for p in (data / "events" / "a").iterdir() if p.name != "lock")


LEFT = [f"{6:020d}.jsonl", "summary.json"]


def test_what_was_done_is_said(syncstats, data):
    syncstats("rebuild")
    before = (data / "stats.json").read_bytes()
    size = sum((data / "events/a" / f"{n:020d}.jsonl").stat().st_size for n in (0, 3, 5))
    ran = syncstats("prune", "--keep", "90d")
    assert (ran.status, ran.err) == (0, "")
    first, second, third = ran.out.splitlines()
    assert first == (
        f"stream 'a': 3 segments removed, with 6 lines ({size} bytes); it begins at seq 6 then"
    )
    assert second == "stream 'a': kept back from seq 6 on: it is the stream's last segment"
    assert third.startswith("The log takes ")
    assert names(data) == LEFT
    syncstats("rebuild")
    assert (data / "stats.json").read_bytes() == before
    assert syncstats("verify").status == 0


def test_json(syncstats, data):
    ran = syncstats("prune", "--keep", "1 KiB", "--json")
    found = ran.json
    removed = found["bytes_before"] - found["bytes_after"]
    assert found == {
        "ok": True,
        "dry_run": False,
        "streams": {
            "a": {
                "removed_segments": 1,
                "removed_lines": 3,
                "removed_bytes": removed,
                "first_seq": 3,
                "compressed_segments": 0,
                "saved_bytes": 0,
                "kept_from_seq": None,
                "why": None,
                "error": None,
            }
        },
        "bytes_before": found["bytes_before"],
        "bytes_after": sum(p.stat().st_size for p in (data / "events/a").glob("*.jsonl")),
    }


def test_a_dry_run_changes_nothing(syncstats, data):
    ran = syncstats("prune", "--keep", "90d", "--compress", "--dry-run")
    assert ran.status == 0
    assert "3 segments would be removed, with 6 lines" in ran.out
    assert "without what would be removed" in ran.out
    assert len(names(data)) == 4
    assert not (data / "stats.json").exists()


def test_compressing_alone(syncstats, data):
    ran = syncstats("prune", "--compress")
    assert ran.status == 0
    assert "stream 'a': 3 segments compressed, " in ran.out
    assert [name[18:] for name in names(data)] == [
        "00.jsonl.zst",
        "03.jsonl.zst",
        "05.jsonl.zst",
        "06.jsonl",
    ]
    assert syncstats("replay", "--json").json["jobs_processed"] == 7


def test_what_leased_jobs_may_need_stays(syncstats, data):
    with JobQueue(data) as queue:
        queue.enqueue_many([NewJob(1), NewJob(2)])
        queue.claim("a", 5, 1)
        queue.claim("a", 4, 1)
    ran = syncstats("prune", "--keep", "1s")
    assert names(data)[0] == f"{3:020d}.jsonl"
    assert "kept back from seq 3 on: jobs are leased since seq 4" in ran.out


@pytest.mark.parametrize(
    ("keep", "why"),
    [
        ("90", "'90' is no age and no size: give 90d"),
        ("0d", "'0d' is no age and no size"),
        ("0MB", "'0MB' is no age and no size: give 90d"),
        ("90y", "'90y' is no age and no size: give 90d"),
        ("-3d", "'-3d' is no age and no size: give 90d"),
        ("1h30m", "'1h30m' is no age and no size: give 90d"),
        ("1.5GB", "'1.5GB' is no age and no size: give 90d"),
        pytest.param("9" * 5000 + "MB", "is no age and no size: give 90d", id="endless"),
        ("", "'' is no age and no size: give 90d"),
        ("1.5M d", "is no age and no size: give 90d"),
    ],
)
def test_what_is_no_age_and_no_size_is_wrong_usage(syncstats, data, keep, why):
    ran = syncstats("prune", "--keep", keep)
    assert (ran.status, ran.out) == (2, "")
    assert why in ran.err
    assert ran.err.count("\n") == 1
    assert len(names(data)) == 4


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("keep", ["1s", "1 m", "1h", "1d", "1w", "1K", "1kb", "1KiB"])
def test_ages_and_sizes(syncstats, keep):
    ran = syncstats("prune", "--keep", keep, "--dry-run", "--json")
    assert ran.json["streams"]["a"]["removed_segments"] == (3 if keep[-1] in "smhdw" else 1)


@pytest.mark.usefixtures("data")
def test_with_nothing_to_do_it_is_wrong_usage(syncstats):
    ran = syncstats("prune")
    assert (ran.status, ran.out) == (2, "")
    assert "give --keep AGE|SIZE, --compress, or both" in ran.err


def test_a_folder_that_is_not_there(syncstats):
    assert syncstats("prune", "--keep", "9d").status == 2


def test_a_stream_that_cannot_be_put_in_order_is_status_1(syncstats, data):
    write_log(data, opened("b"), stream="b")
    (data / "events" / "b" / "summary.json").write_text("{")
    ran = syncstats("prune", "--keep", "90d", "--json")
    assert ran.status == 1
    assert ran.json["ok"] is False
    assert "summary.json is damaged" in ran.json["streams"]["b"]["error"]
    *_, last = ran.err.splitlines()
    assert last.startswith("syncstats: stream 'b' cannot be put in order: ")
    assert names(data) == LEFT


def test_keep_can_be_set_in_a_file(syncstats, data, tmp_path):
    (tmp_path / "c.toml").write_text('[prune]\nkeep = "90d"\n')
    assert syncstats("--config", tmp_path / "c.toml", "prune").status == 0
    assert names(data) == LEFT
    assert json.loads((data / "events/a/summary.json").read_bytes())["end"] == 6
