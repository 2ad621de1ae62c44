"""merge: of what replay has made of several logs."""

from __future__ import annotations

import pytest

from tests.support.command import assert_complaint
from tests.support.data_folders import a_log, event, opened, write_log


@pytest.fixture
def files(syncstats, tmp_path):
    """An older and a newer file of one machine, and one of another."""
    for name, stream, events in (
        ("old", "a", a_log()[:3]),
        ("new", "a", a_log()),
        ("far", "b", [event(0, stream="b")]),
    ):
        write_log(tmp_path / name, *events, stream=stream)
        syncstats("replay", name, "--out", f"{name}.json")


@pytest.mark.usefixtures("files")
def test_merge_counts_nothing_twice(syncstats, tmp_path):
    ran = syncstats("merge", "old.json", "far.json", "new.json", "new.json", "--json")
    assert ran.json["jobs_processed"] == 6
    syncstats("merge", "new.json", "far.json", "--out", "one.json")
    out = syncstats("merge", "far.json", "old.json", "new.json", "--out", "two.json").out
    assert out.endswith("Written to two.json.\n")
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


@pytest.mark.usefixtures("files")
def test_merge_of_two_histories_is_refused(syncstats, tmp_path):
    other = [opened() | {"epoch": "other"}, *a_log()[1:4]]
    write_log(tmp_path / "restored", *other)
    syncstats("replay", "restored", "--out", "restored.json")
    ran = syncstats("merge", "new.json", "restored.json")
    assert (ran.status, ran.out) == (2, "")
    assert "'a' has two histories" in ran.err


def test_merge_says_what_it_could_not_check(syncstats, tmp_path):
    write_log(tmp_path / "old", opened(), event(1))
    many = [event(n, "stream.opened", epoch=f"e{n}") for n in range(2, 80)]
    write_log(tmp_path / "new", opened(), event(1), *many)
    for name in ("old", "new"):
        syncstats("replay", name, "--out", f"{name}.json")
    ran = syncstats("merge", "old.json", "new.json")
    assert ran.status == 0
    assert ran.err.startswith("syncstats: stream 'a': one file is older than all openings")


@pytest.mark.parametrize(
    ("content", "part"),
    [("{}", "is no snapshot"), ("x", "damaged"), (None, "No such file or directory")],
)
def test_what_cannot_be_merged(content, part, syncstats, tmp_path):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    ran = syncstats("merge", "x.json")
    assert (ran.status, ran.out) == (2, "")
    assert "x.json" in ran.err
    assert part in ran.err


def test_merge_refuses_lines_without_a_place(syncstats):
    loose = '{"event":"job.succeeded","timestamp":"2026-01-01T00:00:00Z"}\n'
    syncstats("replay", "-", "--out", "loose.json", stdin=loose)
    assert_complaint(syncstats("merge", "loose.json", "loose.json"), "without stream and seq")
    ran = syncstats("merge", "loose.json")  # one alone is printed
    assert ran.status == 0
    assert ran.out.splitlines()[0].startswith("Attempts     1 = ")
    assert "Log          newest outcome 2026-01-01 00:00:00Z" in ran.out.splitlines()
