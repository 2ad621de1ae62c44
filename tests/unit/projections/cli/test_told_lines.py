"""Logs of other programs, watched as they come."""

from __future__ import annotations

import io
import json

import pytest

from events.filesystem import RealFileSystem
from events.formats.outcome import Foreign
from projections.choosing import Choice
from projections.cli.formats import choice_of
from projections.cli.told_lines import HELD_LINES, ToldLines
from projections.following import Follower
from projections.intake import Format

MAPPING = """
name = "shop"
[[outcomes]]
is = "succeeded"
when = { state = "ok" }
[[outcomes]]
is = "failed"
when = { state = "bad" }
[fields]
job = "id"
timestamp = "at"
duration = { field = "ms", unit = "ms" }
[dimensions]
queue = "queue"
[[companions]]
position = "after"
of = ["failed"]
same = ["id"]
when = { state = "buried" }
within_lines = 3
is = "dead"
"""


def line(state, job, second=0, **more):
    at = f"2026-01-01T00:00:{second:02d}Z"
    return json.dumps({"state": state, "id": job, "at": at, "ms": 12, **more}).encode()


@pytest.fixture
def choice(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_text(MAPPING)
    return lambda wrapped=None: choice_of(None, path, wrapped)


@pytest.fixture
def choice_with(tmp_path):
    """A reader whose mapping has these companions instead."""

    def make(companions):
        path = tmp_path / "more.toml"
        path.write_text(MAPPING[: MAPPING.index("[[companions]]")] + companions)
        return ToldLines(
            choice_of(None, path, None), kind=lambda _: "file", invalid=True, told=str, unknown=str
        )

    return make


@pytest.fixture
def reader(choice):
    def make(wrapped=None, *, invalid=True):
        return ToldLines(
            choice(wrapped), kind=lambda _: "file", invalid=invalid, told=str, unknown=str
        )

    return make


def ends(told):
    return [
        (one.event.job, one.end, one.again) if isinstance(one.event, Foreign) else one.reason
        for one in told
    ]


def look(reader, *lines, source="log"):
    return ends(reader.look((source, each) for each in lines))


def test_outcomes_and_nothing_else(reader):
    told = look(reader(), line("begun", "a"), line("ok", "a", queue="q"), b"rubbish")
    assert told[0] == ("a", "succeeded", False)
    assert len(told) == 2
    assert "JSON" in told[1]


def test_invalid_lines_may_be_left_out(reader):
    assert look(reader(invalid=False), b"rubbish") == []


def test_what_waits_is_told_when_its_log_rests_and_not_again_if_nothing_more_is_known(reader):
    watched = reader()
    assert look(watched, line("bad", "a")) == []
    assert look(watched, line("ok", "b"), source="other") == [
        ("b", "succeeded", False),
        ("a", "failed", False),
    ]
    assert look(watched) == []
    rest = [line("ok", "c"), line("ok", "d"), line("ok", "e"), line("ok", "f")]
    assert look(watched, *rest) == [(job, "succeeded", False) for job in "cdef"]


def test_what_is_known_better_later_is_told_again(reader):
    watched = reader()
    look(watched, line("bad", "a"))
    assert look(watched) == [("a", "failed", False)]
    assert look(watched, line("buried", "a")) == [("a", "dead", True)]
    assert look(watched, line("bad", "a", 1), line("buried", "a", 1)) == [("a", "dead", False)]


def test_equal_outcomes_that_wait_are_told_each(reader):
    watched = reader()
    same = line("bad", "a")
    assert look(watched, same, b"{}", same) == [("a", "failed", False)]  # the next took its place
    assert look(watched) == [("a", "failed", False)]
    assert look(watched, line("buried", "a")) == [("a", "dead", True)]


def test_equal_outcomes_of_two_lines_wait_by_themselves(choice_with):
    watched = choice_with("""
[[companions]]
position = "after"
of = ["failed", "dead"]
same = ["thread"]
when = { state = "why" }
within_lines = 9
[companions.fields]
error_type = "error"
""")
    assert look(watched, line("bad", "a", thread=1), line("bad", "a", thread=2)) == []
    told = [*watched.look([])]
    assert ends(told) == [("a", "failed", False)] * 2
    assert ends(watched.look([])) == []
    (told,) = watched.look([("log", line("why", "b", thread=2, error="E"))])
    assert (told.event.error_type, told.again) == ("E", True)
    assert look(watched, line("why", "b", thread=1, error="unknown")) == []  # nothing new


def test_what_is_known_better_and_still_waits_is_told_again(choice_with):
    watched = choice_with("""
[[companions]]
position = "after"
of = ["failed", "dead"]
same = ["id"]
when = { state = "why" }
within_lines = 9
[companions.fields]
error_type = "error"
[[companions]]
position = "after"
of = ["failed", "dead"]
same = ["id"]
when = { state = "buried" }
within_lines = 9
is = "dead"
""")
    assert look(watched, line("bad", "a")) == []
    assert look(watched) == [("a", "failed", False)]
    assert look(watched, line("why", "a", error="E")) == []
    (told,) = watched.look([])
    assert (told.event.error_type, told.again) == ("E", True)
    assert look(watched, line("buried", "a")) == [("a", "dead", True)]


def test_each_source_waits_for_its_own_lines(reader):
    watched = reader()
    told = watched.look([("x", line("bad", "a")), ("y", line("buried", "a"))])
    assert ends(told) == []
    assert ends(watched.rest()) == [("a", "failed", False)]
    assert ends(watched.rest()) == []


def test_wrapped_lines(reader):
    wrapped = json.dumps({"log": line("ok", "a").decode() + "\n", "stream": "stdout"}).encode()
    told = look(reader("docker"), wrapped, b"rubbish")
    assert told[0] == ("a", "succeeded", False)
    assert len(told) == 2


def test_the_newest_of_several_files_by_time(reader, tmp_path):
    for name, seconds in (("x", (1, 3, 5)), ("y", (2, 4, 6))):
        text = b"".join(line("ok", f"{name}{n}", n) + b"\n" for n in seconds)
        (tmp_path / name).write_bytes(text + line("bad", name, 9) + b"\n")
    paths = [str(tmp_path / "x"), str(tmp_path / "y")]

    def newest(limit, passes=None):
        follower = Follower(paths, fs=RealFileSystem(), stdin=io.BytesIO())
        found = reader().newest(follower, limit, passes, pipes=True)
        follower.close()
        return [one.event.job for one in found]

    assert newest(5) == ["x3", "y4", "x5", "y6", "x", "y"][1:]
    assert newest(0) == []
    assert newest(2, lambda one: one.end == "succeeded") == ["x5", "y6"]


class Recognising(Choice):
    """Takes lines for native ones as soon as there are two of them that say so."""

    def recognise(self, sample):
        return Format() if sample.count(b"{}") >= 2 else None


def recognising(kind="file"):
    """A reader, and what it told."""
    told = []
    made = ToldLines(
        Recognising("auto"),
        kind=lambda _: kind,
        invalid=True,
        told=told.append,
        unknown=lambda name: told.append(f"{name}: unknown"),
    )
    return made, told


def test_a_pipe_is_recognised_as_its_lines_come_and_none_is_lost():
    watched, told = recognising("pipe")
    source = iter([("pipe", line) for line in (b"{}", b"{}", b"{}")])
    seen = watched.look(source)
    assert next(seen).line == b"{}"  # and the third was not waited for
    assert [*source] == [("pipe", b"{}")]
    assert told == ["pipe: native lines"]


def test_a_file_is_recognised_by_all_that_a_look_gives():
    watched, told = recognising()
    assert look(watched, b"noise", b"{}") == []
    assert told == []
    assert len(look(watched, b"{}", b"noise")) == 4
    assert len(look(watched, b"{}")) == 1
    assert told == ["log: native lines"]
    assert watched.unknown == []


def test_a_stream_needs_no_recognition():
    watched, told = recognising("stream")
    assert len(look(watched, b"noise")) == 1
    assert told == []


def test_a_log_that_shows_no_format_is_told_once_and_others_go_on():
    watched, told = recognising()
    noise = [("noise", b"noise")] * (HELD_LINES - 1)
    assert len([*watched.look([*noise, ("good", b"{}"), ("good", b"{}")])]) == 2
    assert told == ["good: native lines"]
    assert look(watched, b"noise", source="noise") == []
    assert told[1:] == ["noise: unknown"]
    assert look(watched, b"{}", b"{}", source="noise") == []
    assert len(look(watched, b"{}", source="good")) == 1
    assert told[2:] == []
    assert watched.unknown == ["noise"]
    assert watched.knows_any


def test_lines_that_are_very_long_are_not_held_by_the_hundred():
    watched, told = recognising()
    assert look(watched, b"x" * (1 << 19), b"x" * (1 << 19)) == []
    assert told == ["log: unknown"]


@pytest.mark.parametrize("end", [ToldLines.rest, lambda watched: watched.look([])])
def test_what_is_not_recognised_when_it_rests_is_told_and_may_still_show_its_format(end):
    watched, told = recognising()
    assert look(watched, b"{}") == []
    assert told == []
    assert [*end(watched)] == []
    assert [*watched.rest()] == []
    assert told == ["log: unknown"]
    assert watched.unknown == ["log"]
    assert not watched.knows_any
    assert len(look(watched, b"{}")) == 2
    assert told == ["log: unknown", "log: native lines"]
    assert watched.unknown == []
