"""Logs of other programs, watched as they come."""

from __future__ import annotations

import io
import json

import pytest

from events.filesystem import RealFileSystem
from projections.choosing import Choice
from projections.cli.formats import choice_of
from projections.cli.told_lines import ToldLines
from projections.errors import SourceError
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
def reader(choice):
    def make(wrapped=None, *, invalid=True):
        return ToldLines(choice(wrapped), fs=RealFileSystem(), invalid=invalid, told=lambda _: None)

    return make


def ends(told):
    return [(one.event.job, one.end, one.again) if one.event else one.reason for one in told]


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
    """Takes lines for native ones as soon as there are two of them."""

    def recognise(self, sample):
        return Format() if sample.count(b"\n") >= 2 else None


def test_a_pipe_is_recognised_by_its_first_lines_and_none_is_lost():
    found = []
    watched = ToldLines(Recognising("auto"), fs=RealFileSystem(), invalid=True, told=found.append)
    told = [watched.look([("standard input", b'{"event": "%d"}' % n)]) for n in range(3)]
    assert [[one.event.event for one in each] for each in told] == [[], ["0", "1"], ["2"]]
    assert found == ["standard input: native lines"]


def test_a_file_is_recognised_by_its_head(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"{}\n{}\n")
    watched = ToldLines(Recognising("auto"), fs=RealFileSystem(), invalid=True, told=str)
    assert len([*watched.look([(str(path), b"{}")])]) == 1
    path.write_bytes(b"{}\n")
    with pytest.raises(SourceError, match="no format that is known"):
        [
            *ToldLines(Recognising("auto"), fs=RealFileSystem(), invalid=True, told=str).look(
                [(str(path), b"{}")]
            )
        ]


def test_what_was_not_recognised_to_the_end_is_told():
    watched = ToldLines(Recognising("auto"), fs=RealFileSystem(), invalid=True, told=str)
    assert [*watched.look([("pipe", b"{}")])] == []
    with pytest.raises(SourceError, match="the lines of pipe are in no format that is known"):
        [*watched.rest()]
