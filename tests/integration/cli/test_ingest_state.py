"""The state of `syncstats ingest`: added to others, damaged, not writable, saved all the same."""

from __future__ import annotations

import errno
import json
from typing import TYPE_CHECKING

import pytest

from events.follow.watch import Read, Watch
from tests.support.command import assert_complaint, syncstats
from tests.support.forked_command import forked
from tests.support.ingest_command import ARGS, DONE, ERRORS, SAMPLE, counts, saved
from tests.support.privileges import as_permissions_say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def test_states_of_two_machines_add_up_and_the_same_one_does_not(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "app.log").write_bytes(SAMPLE)
        syncstats("ingest", "app.log", *ARGS, cwd=tmp_path / name)
    one, two = tmp_path / "one" / "state.json", tmp_path / "two" / "state.json"
    older = tmp_path / "older.json"
    older.write_bytes(one.read_bytes())
    with (tmp_path / "one" / "app.log").open("ab") as file:
        file.write(DONE)
    syncstats("ingest", "app.log", *ARGS, cwd=tmp_path / "one")

    def merged(*files: Path) -> int:
        return syncstats("merge", *files, "--json", cwd=tmp_path).json["jobs_processed"]

    assert merged(one, two) == 121
    assert merged(one, one, one) == 61
    assert merged(older, one) == merged(one, older) == 61
    # Both the state and its copy were gone on with.
    (tmp_path / "two" / "state.json").write_bytes(older.read_bytes())
    (tmp_path / "two" / "b.log").write_bytes(2 * DONE)
    syncstats("ingest", "b.log", *ARGS, cwd=tmp_path / "two")
    assert_complaint(syncstats("merge", one, two, cwd=tmp_path), "two histories")


def test_a_damaged_state_is_refused_until_somebody_says_otherwise(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    state = tmp_path / "state.json"
    state.write_text('{"half":')
    for _ in range(2):
        ran = syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
        assert_complaint(ran, "state.json is damaged", "--new-state", "backup")
    assert state.read_text() == '{"half":'

    ran = syncstats("ingest", "app.log", *ARGS, "--new-state", "--json", cwd=tmp_path)
    assert (ran.status, counts(ran.json)) == (0, (60, 52, 8, ERRORS))
    (kept,) = tmp_path.glob("state.json.corrupt-*")
    assert kept.read_text() == '{"half":'
    assert kept.name in ran.err
    sound = syncstats("ingest", "app.log", *ARGS, "--new-state", "--json", cwd=tmp_path)
    assert (sound.json, sound.err) == (ran.json, "")


def without_settled(ingest: dict) -> None:
    del ingest["settled"]


def with_other_waiting(waiting: object) -> Callable[[dict], None]:
    def change(ingest: dict) -> None:
        for kept in ingest["logs"].values():
            kept["waiting"] = waiting

    return change


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (with_other_waiting({"translator": 7}), "app.log"),
        (with_other_waiting([1]), "waiting"),
        (with_other_waiting(None), "waits in no log"),
        (without_settled, "counted for good"),
    ],
)
def test_damage_in_what_waits_is_damage_of_the_state(tmp_path, damage, said):
    fail = next(line for line in SAMPLE.splitlines(keepends=True) if b'"msg":"fail"' in line)
    (tmp_path / "app.log").write_bytes(fail)
    syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
    state = json.loads((tmp_path / "state.json").read_bytes())
    damage(state["ingest"])
    (tmp_path / "state.json").write_text(json.dumps(state))

    ran = syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
    assert_complaint(ran, "state.json is damaged", said, "--new-state")
    again = syncstats("ingest", "app.log", *ARGS, "--new-state", "--json", cwd=tmp_path)
    assert (again.status, again.json["jobs_failed"]) == (0, 1)


def test_a_state_that_cannot_be_written_ends_with_one_line(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "s.json.lock").touch()
    folder.chmod(0o500)
    ran = syncstats(
        "ingest",
        "app.log",
        *("--state", "closed/s.json"),
        *ARGS[2:],
        cwd=tmp_path,
        preexec=as_permissions_say(),
    )
    folder.chmod(0o700)

    assert_complaint(ran, "s.json cannot be saved", "Permission denied", status=1)


@pytest.mark.parametrize("more", [(), ("--follow",)])
def test_an_error_of_a_log_is_not_said_to_be_one_of_the_state_which_is_saved(tmp_path, more):
    """A watch guards its own reading; whatever gets through is told as what it is."""
    (tmp_path / "app.log").write_bytes(SAMPLE)
    look = Watch.look

    def stale(watch: Watch) -> Iterator[Read]:
        yield from look(watch)
        raise OSError(errno.ESTALE, "Stale file handle", "app.log")

    def break_it() -> None:
        Watch.look = stale  # type: ignore[method-assign]  # in a process of its own

    ran = forked("ingest", "app.log", *ARGS, *more, cwd=tmp_path, before=break_it)
    assert_complaint(ran, "logs cannot be read on", "Stale file handle", "app.log")
    assert "state.json" not in ran.err
    assert saved(tmp_path) == 60
