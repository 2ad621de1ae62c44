"""`dlq list`, `summary` and `show`, `retry` and `purge`: what they say, and what they change."""

from __future__ import annotations

import pytest

from sync_queue.dlq import DeadLetterQueue
from sync_queue.jobs import NewJob
from sync_queue.queue import JobQueue
from tests.support.data_folders import die, enqueue

READING = (["dlq", "list"], ["dlq", "summary"], ["dlq", "show", "1"])
CHANGING = (["dlq", "retry", "1"], ["dlq", "purge", "1"])


class PlexNotFound(Exception):  # noqa: N818 - the name is part of the format
    pass


def fail(error):
    """Give the error with a traceback of its own."""
    with pytest.raises(type(error)) as caught:
        raise error
    return caught.value


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    error = fail(PlexNotFound("no item for /m/a.mkv\x1b[2J?X-Plex-Token=abc\nsecond line"))
    die(folder, error, job_id=7, scene_id=70, update_type="metadata",
        data={"path": "/m/a.mkv", "token": "geheim"}, job_key="scene_70")  # fmt: skip
    die(folder, fail(ValueError("bad")), job_id=8, scene_id=80, update_type="metadata", data={})
    die(folder, fail(PlexNotFound("")), job_id=9, scene_id=None, update_type="metadata", data=1)
    return folder


def ids(data):
    return [letter.id for letter in DeadLetterQueue(data).list()]


@pytest.mark.usefixtures("data")
def test_list_is_newest_first_and_on_80_columns(syncstats):
    ran = syncstats("dlq", "list")
    head, *rows = ran.out.splitlines()
    assert ran.status == 0
    assert head.split() == ["id", "failed", "at", "scene", "error", "message"]
    assert [row.split()[0] for row in rows] == ["3", "2", "1"]
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\x1b" not in ran.out
    assert "abc" not in ran.out


@pytest.mark.usefixtures("data")
def test_list_by_type_and_limit(syncstats):
    ran = syncstats("dlq", "list", "--type", "ValueError", "--json")
    assert [letter["id"] for letter in ran.json["dead_letters"]] == [2]
    ran = syncstats("dlq", "list", "--limit", 2)
    assert ran.out.splitlines()[-1] == "2 of 3 dead letters in all; --limit 0 lists all."
    assert len(syncstats("dlq", "list", "--limit", 0).out.splitlines()) == 4
    assert syncstats("dlq", "list", "--type", "X").out == "No dead letters of X in data.\n"


@pytest.mark.usefixtures("data")
def test_list_json(syncstats):
    found = syncstats("dlq", "list", "--json").json
    assert found["total"] == 3
    letter = found["dead_letters"][1]
    assert letter.pop("failed_at").endswith("Z")
    assert letter == {
        "id": 2, "job_id": 8, "scene_id": 80, "error_type": "ValueError", "error_message": "bad",
        "retry_count": 3, "stream": None, "seq": None, "from_log": False,
    }  # fmt: skip


def test_a_letter_without_time_and_type(syncstats, data):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "dlq.db")) as connection, connection:
        connection.execute(
            "UPDATE dead_letters SET failed_at = NULL, error_type = NULL, error_message = NULL,"
            "retry_count = NULL, stack_trace = NULL, job_data = NULL WHERE id = 2"
        )
    row = syncstats("dlq", "list").out.splitlines()[-1]  # without a time it is the oldest
    assert row.split() == ["2", "?", "80", "unknown"]
    shown = syncstats("dlq", "show", 2).out
    assert "failed at" not in shown
    assert "No job was stored with it." in shown
    assert syncstats("dlq", "show", 2, "--json").json["failed_at"] is None


@pytest.mark.usefixtures("data")
def test_summary(syncstats):
    assert syncstats("dlq", "summary", "--json").json == {"PlexNotFound": 2, "ValueError": 1}
    out = syncstats("dlq", "summary").out.splitlines()
    assert out[1].split() == ["PlexNotFound", "2"]
    assert out[-1] == "3 dead letters in data."


@pytest.mark.usefixtures("data")
def test_show_tells_all_and_no_secret(syncstats):
    ran = syncstats("dlq", "show", 1)
    assert ran.status == 0
    for part in (
        "Dead letter 1", "PlexNotFound", "no item for /m/a.mkv", "second line", "after      3 fail",
        "Traceback (most recent call last)", '"path": "/m/a.mkv"', '"token": "[redacted]"',
    ):  # fmt: skip
        assert part in ran.out
    assert "geheim" not in ran.out
    assert "abc" not in ran.out
    assert "\x1b" not in ran.out


@pytest.mark.usefixtures("data")
def test_show_of_an_empty_message(syncstats):
    assert "  message    \n" in syncstats("dlq", "show", 3).out


@pytest.mark.usefixtures("data")
def test_show_json(syncstats):
    found = syncstats("dlq", "show", 1, "--json").json
    assert found["job"]["data"] == {"path": "/m/a.mkv", "token": "[redacted]"}
    assert found["stack_trace"].startswith("Traceback")
    assert found["unreadable"] is None


def test_show_of_a_job_that_cannot_be_read(syncstats, data):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(data / "dlq.db")) as connection, connection:
        connection.execute("UPDATE dead_letters SET job_data = x'ff' WHERE id = 2")
    assert "Its job cannot be read: " in syncstats("dlq", "show", 2).out
    assert syncstats("dlq", "show", 2, "--json").json["job"] is None


@pytest.mark.usefixtures("data")
def test_show_of_no_letter(syncstats):
    ran = syncstats("dlq", "show", 99)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "syncstats: no dead letter 99 in data: `syncstats dlq list` shows what is\n"


@pytest.mark.parametrize("id_", ["0", "x", str(2**63)])
def test_what_is_no_id(id_, syncstats, data):
    assert syncstats("dlq", "show", id_).status == 2
    assert syncstats("dlq", "purge", id_).status == 2
    assert ids(data) == [3, 2, 1]


def test_retry_enqueues_each_and_says_so(syncstats, data):
    ran = syncstats("dlq", "retry", 1, 2)
    assert ran.status == 0
    assert ran.out.splitlines() == [
        "dead letter 1 enqueued as job 1", "dead letter 2 enqueued as job 2", "2 of 2 done.",
    ]  # fmt: skip
    assert ids(data) == [3]
    with JobQueue(data) as queue:
        assert [job.scene_id for job in queue.claim("a", 0, 9)] == [70, 80]


@pytest.mark.usefixtures("data")
def test_retry_of_what_is_not_there_is_told_per_item(syncstats):
    ran = syncstats("dlq", "retry", 2, 99, "--json")
    assert ran.status == 1
    assert (ran.json["done"], ran.json["not_done"], ran.json["dry_run"]) == (1, 1, False)
    assert [(item["id"], item["outcome"]) for item in ran.json["items"]] == [
        (2, "retried"), (99, "missing"),
    ]  # fmt: skip


def test_retry_keeps_what_waits_by_its_key(syncstats, data):
    enqueue(data, NewJob(70, job_key="scene_70"))
    ran = syncstats("dlq", "retry", 1)
    assert ran.status == 1
    assert "dead letter 1 is kept" in ran.out
    assert "done" not in ran.out
    assert ids(data) == [3, 2, 1]


def test_by_type_and_all(syncstats, data):
    assert syncstats("dlq", "retry", "--type", "PlexNotFound").out.endswith("2 of 2 done.\n")
    assert ids(data) == [2]
    assert syncstats("dlq", "purge", "--all").out == "dead letter 2 deleted\n"
    assert ids(data) == []
    ran = syncstats("dlq", "purge", "--all")
    assert (ran.status, ran.out) == (0, "No dead letter matches: nothing to do.\n")


def test_purge_by_id(syncstats, data):
    ran = syncstats("dlq", "purge", 1, 99)
    assert ran.status == 1
    assert ran.out.splitlines()[-1] == "1 of 2 done."
    assert ids(data) == [3, 2]


@pytest.mark.parametrize("command", ["retry", "purge"])
def test_dry_run_changes_nothing(command, syncstats, data):
    ran = syncstats("dlq", command, "--all", "--dry-run")
    assert ran.status == 0
    assert ran.out.endswith("3 of 3 would be done.\n")
    assert syncstats("dlq", command, "--all", "--dry-run", "--json").json["dry_run"] is True
    assert ids(data) == [3, 2, 1]
    assert not (data / "queue.db").exists()


@pytest.mark.parametrize("command", ["retry", "purge"])
@pytest.mark.parametrize(
    "chosen", [[], ["--dry-run"], ["1", "--all"], ["--all", "--type", "X"], ["1", "--type", "X"]]
)
def test_exactly_one_way_of_choosing(command, chosen, syncstats, data):
    ran = syncstats("dlq", command, *chosen)
    assert (ran.status, ran.out) == (2, "")
    assert "choose dead letters by ID..., by --type T or with --all" in ran.err
    assert f"syncstats dlq {command} --help" in ran.err
    assert ids(data) == [3, 2, 1]


@pytest.mark.parametrize("args", [*READING, *CHANGING])
def test_no_folder(args, syncstats, tmp_path):
    ran = syncstats(*args, "--data", "none")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("syncstats: no data folder none: ")
    assert not (tmp_path / "none").exists()


def test_a_folder_in_which_nothing_died(syncstats, tmp_path):
    (tmp_path / "data").mkdir()
    assert syncstats("dlq", "list").out == "No dead letters in data.\n"
    assert syncstats("dlq", "list", "--json").json == {"total": 0, "dead_letters": []}
    assert syncstats("dlq", "summary").out == "No dead letters in data.\n"
    assert syncstats("dlq", "summary", "--json").json == {}
    assert syncstats("dlq", "show", 1).status == 2
    for command in ("retry", "purge"):
        assert syncstats("dlq", command, "--all").status == 0
        ran = syncstats("dlq", command, 1)
        assert (ran.status, ran.out) == (1, "there is no dead letter 1\n")
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize("args", [*READING, *CHANGING])
def test_a_foreign_file(args, syncstats, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dlq.db").write_bytes(b"no database at all" * 100)
    ran = syncstats(*args)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("syncstats: ")
    assert "dlq.db" in ran.err
    assert ran.err.count("\n") == 1
