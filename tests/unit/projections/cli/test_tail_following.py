"""tail --follow: what comes, in which order, over rotation."""

from __future__ import annotations

import gzip
import io
import os
import sys

import pytest

from projections.cli.main import main
from projections.following import FIND_EVERY
from tests.support.data_folders import a_log, event, lines_of, opened, write_log
from tests.support.oban_lines import OBAN
from tests.support.scripted_event import ScriptedEvent


def interrupt():
    raise KeyboardInterrupt


@pytest.fixture
def following(monkeypatch):
    """Run `tail --follow`; between two looks do what is given, at last interrupt."""

    def follow(*args, then=()):
        stop = ScriptedEvent(*then, interrupt)
        monkeypatch.setattr("projections.cli.tail._until", lambda: stop)
        return main(["tail", "--follow", *map(str, args)])

    return follow


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_json_follows(following, tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    path.write_text(lines_of(event(1)))

    def append():
        with path.open("a") as file:
            file.write(lines_of(event(2), event(3, "job.failed")))

    assert following(path, "--json", "--only", "succeeded", then=[append]) == 130
    assert capsys.readouterr().out == lines_of(event(1), event(2))


def test_follow_another_format(following, tmp_path, capsys):
    path = tmp_path / "log"
    path.write_text(lines_of(OBAN))

    def append():
        with path.open("a") as file:
            file.write(lines_of(OBAN | {"id": 8}))

    assert following(path, "--format", "oban", then=[append]) == 130
    jobs = [line.split()[3] for line in capsys.readouterr().out.splitlines()[1:]]
    assert jobs == ["7", "8"]


def test_follow_a_log_whose_first_line_shows_no_format(following, tmp_path, capsys):
    log, other = tmp_path / "log", tmp_path / "other"
    log.write_text("starting\n" * 99)  # the longer one is no copy that is being made
    other.write_text(lines_of(OBAN | {"id": 5}))

    def append(path, text):
        with path.open("a") as file:
            file.write(text)

    steps = [
        lambda: append(other, lines_of(OBAN | {"id": 6})),
        lambda: None,
        lambda: append(log, lines_of(OBAN, OBAN | {"id": 8})),
    ]
    assert following(log, other, "--format", "auto", then=steps) == 130
    out, err = capsys.readouterr()
    assert [line.split()[3] for line in out.splitlines() if " done " in line] == list("5678")
    first, unknown, known = err.splitlines()
    assert first == f"syncstats: {other}: oban lines"
    assert unknown.startswith(f"syncstats: the lines of {log} are in no format that is known: say ")
    assert known == f"syncstats: {log}: oban lines"


def test_follow_a_stream_its_rotation_and_a_new_stream(following, tmp_path, capsys):
    data = tmp_path / "data"
    segment = write_log(data, opened(), event(1))

    def append():
        with segment.open("a") as file:
            file.write(lines_of(event(2)))

    def rotate():
        with segment.open("a") as file:
            file.write(lines_of(event(3)))
        write_log(data, event(4), first=4)

    status = following(
        then=[append, rotate, lambda: write_log(data, event(0, stream="b"), stream="b")]
        + [int] * FIND_EVERY
    )
    assert status == 130
    times = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert times == [f"00:00:0{n}" for n in (0, 1, 2, 3, 4, 0)]


def test_follow_a_file_that_is_replaced_or_cut(following, tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    path.write_text(lines_of(event(1), event(2)))

    def rotate():
        with path.open("a") as file:
            file.write(lines_of(event(3)))
        path.rename(tmp_path / "x.1")

    def anew():
        path.write_text(lines_of(event(4), event(5)))

    def cut():
        path.write_text(lines_of(event(6)))

    assert following(path, "--lines", 1, then=[rotate, anew, cut]) == 130
    times = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert times == [f"00:00:0{n}" for n in (2, 3, 4, 5, 6)]


def test_follow_a_file_that_is_copied_cut_and_rewritten(following, tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    path.write_text(lines_of(event(1), event(2)))

    def copy_and_cut():
        (tmp_path / "x.jsonl.1").write_bytes(path.read_bytes())
        path.write_text(lines_of(event(3), event(4)))  # as many bytes

    def rotate_twice_and_compress():
        path.rename(tmp_path / "x.jsonl.3")
        with gzip.open(tmp_path / "x.jsonl.2.gz", "wt") as file:
            file.write(lines_of(event(5)))
        path.write_text(lines_of(event(6)))

    then = [copy_and_cut, *[int] * 4, rotate_twice_and_compress, *[int] * 4]
    assert following(path, then=then) == 130
    shown = capsys.readouterr()
    times = [line.split()[0] for line in shown.out.splitlines()[1:]]
    assert sorted(times) == [f"00:00:0{n}" for n in (1, 2, 3, 4, 5, 6)]
    assert shown.err == ""


def test_a_copy_is_told_on_stderr_when_following(following, syncstats, tmp_path, capsys):
    for name in ("x.jsonl", "y.jsonl"):
        (tmp_path / name).write_text(lines_of(event(1)))
        os.utime(tmp_path / name, (0, 0))  # nobody is copying it any more
    assert following("x.jsonl", "y.jsonl", then=[int] * 4) == 130
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1 + 1
    assert shown.err == "syncstats: y.jsonl holds the same as x.jsonl and is not counted again\n"
    ran = syncstats("tail", "x.jsonl", "y.jsonl")
    assert (len(ran.out.splitlines()), ran.err) == (1 + 2, "")


def test_follow_waits_for_the_end_of_a_line(following, tmp_path, capsys):
    path = tmp_path / "x.jsonl"
    text = lines_of(event(1))
    path.write_text(text[:20])

    def finish():
        with path.open("a") as file:
            file.write(text[20:])

    following(path, then=[finish])
    assert len(capsys.readouterr().out.splitlines()) == 1 + 1


def test_on_a_terminal_the_stats_stay_below(following, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    segment = write_log(tmp_path / "data", *a_log())

    def append():
        with segment.open("a") as file:
            file.write(lines_of(event(7), event(8, "job.failed", error="x" * 200)))

    following("--lines", 3, then=[append])
    assert "2 attempts: 1 succeeded (50.0%), 1 failed, 0 dead; avg 1" in out.getvalue()
    following("--lines", 1, "--full", then=[])
    assert out.getvalue().count("x") > 200


@pytest.mark.parametrize("args", [["--json"], []])
def test_standard_input_is_shown_as_it_comes(monkeypatch, capsys, args):
    shown = []

    class Slow(io.RawIOBase):
        """Gives a line at a time; notes what was shown before it was asked for the next one."""

        def __init__(self):
            self.left = [event(n) for n in (1, 2, 3)]

        def readable(self):
            return True

        def readinto(self, into):
            shown.append(capsys.readouterr().out.count("scene"))
            data = lines_of(self.left.pop(0)).encode() if self.left else b""
            into[: len(data)] = data
            return len(data)

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Slow())))
    assert main(["tail", "--follow", "-", *args]) == 0
    assert shown == [0, 1, 1, 1]


def test_it_ends_when_its_reader_has_gone_though_nothing_comes(following, monkeypatch, tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(lines_of(event(1)))
    read, write = os.pipe()
    with os.fdopen(write, "w") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert following(path, then=[int, lambda: os.close(read), pytest.fail]) == 141
