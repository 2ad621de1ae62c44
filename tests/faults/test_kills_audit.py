"""The audit of `tests.faults.harness`, put to folders that were whole and are damaged."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.harness.audit import audit
from tests.faults.harness.handler import TRUTH
from tests.support.killing import harness, kept_folder

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What some kills have left, with everything in order."""
    folder = tmp_path_factory.mktemp("whole")
    ran = harness(folder, "--cycles", 14, "--seed", 5, "--check-every", 99, "--keep")
    assert ran.status == 0, ran
    return kept_folder(ran)


@pytest.fixture
def folder(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "copy")
    found = audit(tmp_path / "copy")
    assert (found.lost, found.twice) == ([], [])
    return tmp_path / "copy"


def lines_of_log(folder: Path) -> list[tuple[Path, bytes, dict[str, Any]]]:
    return [
        (path, line, json.loads(line))
        for path in sorted((folder / "D/events").glob("*/*.jsonl"))
        for line in path.read_bytes().splitlines(keepends=True)
    ]


def an_outcome(folder: Path, **wanted: Any) -> tuple[Path, bytes, dict[str, Any]]:
    return next(
        each
        for each in lines_of_log(folder)
        if each[2]["event"].startswith("job.")
        and all(each[2].get(name) == value for name, value in wanted.items())
    )


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            assert connection.execute(statement).rowcount != 0, statement
        connection.commit()


def lose_a_line(folder):
    path, line, _ = an_outcome(folder, event="job.succeeded")
    change(path, line, b"")


def record_it_twice(folder):
    path, _, event = an_outcome(folder, event="job.succeeded")
    last = max(e["seq"] for p, _, e in lines_of_log(folder) if p.parent == path.parent)
    again = json.dumps(event | {"seq": last + 1}).encode() + b"\n"
    newest = max(path.parent.glob("*.jsonl"))
    newest.write_bytes(newest.read_bytes() + again)


def number_two_lines_alike(folder):
    path, line, event = an_outcome(folder, event="job.succeeded")
    change(path, line, line + json.dumps(event | {"confidence": "other"}).encode() + b"\n")


def glue_two_lines(folder):
    path, line = next(
        (path, line)
        for path, line, event in lines_of_log(folder)
        if event["event"] == "job.succeeded" and not path.read_bytes().endswith(line)
    )
    change(path, line, line[:-9])


def record_another_end(folder):
    path, line, _ = an_outcome(folder, confidence="high")
    change(path, line, line.replace(b'"high"', b'"none"'))


def lose_a_dead_letter(folder):
    execute(
        folder / "D/dlq.db",
        "DELETE FROM dead_letters WHERE id = (SELECT max(id) FROM dead_letters)",
        "DELETE FROM deleted_letters",
    )


def letter_of_nothing(folder):
    execute(
        folder / "D/dlq.db",
        "UPDATE dead_letters SET seq = 99999 WHERE id IN (SELECT max(id) FROM dead_letters)",
    )


def let_a_letter_tell_of_another_job(folder):
    execute(folder / "D/dlq.db", "UPDATE dead_letters SET scene_id = scene_id + 1")


def leave_a_job_in_the_queue(folder):
    execute(
        folder / "D/queue.db",
        "INSERT INTO jobs (kind, data, enqueued_at_us, due_at_us) VALUES ('x', '{}', 0, 0)",
    )


def acknowledge_a_job_that_is_not_there(folder):
    told = json.loads((folder / "told").read_bytes())
    told["added"].append(max(told["added"]) + 1)
    (folder / "told").write_text(json.dumps(told))


def add_a_job_that_was_not_told(folder):
    told = json.loads((folder / "told").read_bytes())
    told["added"].pop()
    (folder / "told").write_text(json.dumps(told))


def do_something_unrecorded(folder):
    with (folder / TRUTH).open("a") as truth:
        truth.write("B 1 1 77 nobody ok\nE 1 1 77 nobody succeeded/high\n")


def run_an_attempt_twice(folder):
    first = (folder / TRUTH).read_text().splitlines()[0]
    with (folder / TRUTH).open("a") as truth:
        truth.write(f"{first}\n")


def record_what_was_not_done(folder):
    _, _, event = an_outcome(folder, event="job.succeeded")
    truth = folder / TRUTH
    mark = f" {event['job_id']} {event['attempt']} "
    lines = truth.read_text().splitlines(keepends=True)
    truth.write_text("".join(line for line in lines if mark not in line))


def count_one_more(folder):
    stats = json.loads((folder / "D/stats.json").read_bytes())
    stats["jobs_succeeded"] += 1
    (folder / "D/stats.json").write_text(json.dumps(stats))


def count_one_less(folder):
    stats = json.loads((folder / "D/stats.json").read_bytes())
    stats["errors_by_type"]["TransientError"] -= 1
    (folder / "D/stats.json").write_text(json.dumps(stats))


@pytest.mark.xdist_group("audit of kills")  # one of the folders that is damaged is enough
@pytest.mark.parametrize(
    ("damage", "kind", "sentence"),
    [
        (lose_a_line, "lost", "lacks seq"),
        (record_it_twice, "twice", "has outcomes at"),
        (record_it_twice, "twice", "has 2 ends"),
        (number_two_lines_alike, "twice", "is there twice"),
        (glue_two_lines, "lost", "is none"),
        (record_another_end, "lost", "is recorded as succeeded/none"),
        (lose_a_dead_letter, "lost", "has no letter"),
        (letter_of_nothing, "lost", "where nothing has died"),
        (let_a_letter_tell_of_another_job, "lost", "should be"),
        (leave_a_job_in_the_queue, "lost", "is still in the queue"),
        (acknowledge_a_job_that_is_not_there, "lost", "has jobs []"),
        (add_a_job_that_was_not_told, "twice", "wanted 0"),
        (do_something_unrecorded, "lost", "was not killed"),
        (run_an_attempt_twice, "twice", "was run twice"),
        (record_what_was_not_done, "lost", "done was None"),
        (count_one_more, "twice", "says jobs_succeeded"),
        (count_one_less, "lost", "says errors_by_type"),
    ],
)
def test_the_audit_finds_each_damage(damage, kind, sentence, folder):
    damage(folder)
    found = audit(folder)
    assert any(sentence in each for each in getattr(found, kind)), found
