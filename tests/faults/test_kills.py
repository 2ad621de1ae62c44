"""Real workers are killed at chosen steps and random moments; and broken ones do not get through.

The plan and the audit are those of ``make faults``, see `tests.faults.harness`.
"""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.harness.audit import audit
from tests.faults.harness.handler import TRUTH
from tests.faults.harness.plan import cycles
from tests.faults.harness.points import POINTS
from tests.faults.harness.steps import Gate
from tests.support.command import ROOT, Ran, clean_env

CLOSING = re.compile(
    r"kills=(?P<kills>\d+) jobs=(?P<jobs>\d+) outcomes=(?P<outcomes>\d+) "
    r"lost=(?P<lost>\d+) twice=(?P<twice>\d+) torn_repaired=(?P<torn>\d+)(?: odd=\d+)?\n"
)


def harness(folder: Path, *args: object, timeout_s: float = 200) -> Ran:
    """Run it as `make faults` does; without measuring coverage, which makes it far slower."""
    env = clean_env(TMPDIR=str(folder))
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.harness", *map(str, args)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def closing_line(ran: Ran) -> dict[str, int]:
    match = CLOSING.fullmatch(ran.out)
    assert match is not None, ran
    return {name: int(number) for name, number in match.groupdict().items()}


def kept_folder(ran: Ran) -> Path:
    (folder,) = re.findall(r"kept: (.*)$", ran.err, re.MULTILINE)
    return Path(folder)


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_repeat_nothing(tmp_path):
    ran = harness(tmp_path, "--cycles", 50, "--seed", 7)
    assert (ran.status, ran.err) == (0, ""), ran
    told = closing_line(ran)
    assert told["kills"] >= 50
    assert told["outcomes"] >= told["jobs"] >= 50 * 8
    assert (told["lost"], told["twice"]) == (0, 0)
    assert list(tmp_path.iterdir()) == []


# The product, broken

BROKEN = {
    "acknowledge-first": "append.*",
    "dead-letter-after-queue": "letters.before",
    "leases-kept": "*",
    "no-tail-repair": "append.torn",
}

# Or the next worker sees it before the audit does, and does not go on: workers in order leave
# nobody a reason to say this.
NOTICES = (
    "dlq.db lacks dead letters that the queue knows of",
    "and the queue or the dead letters know of it up to seq",
)


@pytest.mark.slow
@pytest.mark.parametrize("mutation", BROKEN)
def test_a_broken_worker_is_caught_within_few_kills(mutation, tmp_path):
    ran = harness(
        tmp_path,
        *("--cycles", 20, "--seed", 7, "--mutation", mutation),
        *("--only", BROKEN[mutation], "--check-every", 4),
    )
    told = closing_line(ran)
    assert ran.status == 1
    assert "a defect of syncstats" not in ran.err  # what was broken is the order, not the program
    assert "Traceback" not in ran.err
    noticed = any(notice in ran.err for notice in NOTICES)
    assert told["lost"] + told["twice"] > 0 or noticed, ran.err
    assert f"python -m tests.faults.harness --cycles 20 --seed 7 --mutation {mutation}" in ran.err
    assert (kept_folder(ran) / "D/queue.db").exists()


# The audit, put to folders that were whole and are damaged


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


# The plan, and the gate at which a process dies


def test_the_plan_follows_from_the_seed():
    plans = [list(cycles(seed, 200)) for seed in (7, 7, 8)]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert list(cycles(7, 50)) == plans[0][:50]  # of a longer run, what came first


def test_a_round_of_the_plan_has_each_chosen_point():
    kills = [cycle.kill for cycle in cycles(1, 200)]
    assert {kill.point.name for kill in kills if kill.point} == {point.name for point in POINTS}
    assert any(kill.everyone for kill in kills)
    assert any(kill.point is None and not kill.everyone for kill in kills)


class KilledError(Exception):
    """Stands for the end of the process."""


class Gated(Gate):
    def die(self, step):
        raise KilledError(step)


def test_a_gate_dies_at_the_nth_step_of_the_pattern_and_at_no_other():
    gate = Gated("take.*: > queue.apply:#@after", 2)
    gate.reach("queue.apply:3", "after")  # not within
    with gate.inside("take.over:"):
        gate.reach("queue.apply:0", "after")  # no number above zero
        gate.reach("queue.apply:3", "before")
        gate.reach("queue.apply:3", "after")
        with gate.inside("stream.recover:s"):
            gate.reach("queue.apply:3", "after")  # deeper
        with pytest.raises(KilledError, match=r"take\.over: > queue\.apply:4@after"):
            gate.reach("queue.apply:4", "after")
        gate.reach("queue.apply:5", "after")  # once only


def test_a_torn_write_is_never_whole_and_never_nothing():
    for share in (0.0, 0.5, 0.999999):
        part = Gated("**write@torn", share=share).tears("file.write:x > write", b"0123456789")
        assert part is not None
        assert 1 <= len(part) <= 9
    assert Gated("**write@torn").tears("write", b"1") is None
    assert Gated("other").tears("write", b"0123456789") is None


def test_a_gate_dies_of_idleness_where_it_shall():
    patient, gate = Gated("x"), Gated("x", idle_looks=3)
    for _ in range(2):
        gate.look_for_work()
    gate.has_worked()
    for _ in range(2):
        patient.look_for_work()
        gate.look_for_work()
    patient.look_for_work()
    with pytest.raises(KilledError):
        gate.look_for_work()
