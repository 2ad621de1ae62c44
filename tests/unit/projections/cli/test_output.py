from __future__ import annotations

import doctest
import io
import json
import math
import re
import sys

import pytest

from projections.cli import output
from projections.cli.errors import CommandError
from projections.cli.output import (
    Column,
    console_for,
    duration,
    is_terminal,
    note,
    print_json,
    say,
    table,
)

COLUMNS = (Column("id", right=True), Column("error", cut=True))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_examples():
    result = doctest.testmod(output)
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.00001, "<0.1ms"), (0.0094, "9.4ms"), (0.00999, "10ms"), (0.9994, "999ms"),
        (0.9996, "1.0s"), (59.94, "59.9s"), (59.96, "1m 0s"), (3599.6, "1h 0m"),
        (86_399, "23h 59m"), (86_400, "1d 0h"),
    ],
)  # fmt: skip
def test_durations_round_into_the_next_unit(seconds, text):
    assert duration(seconds) == text


def test_json_is_one_ascii_line(capsys):
    print_json({"name": "ü\x9b\u202e\ud800", "n": 2**70})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert out.isascii()
    assert json.loads(out) == {"name": "ü\x9b\u202e\ud800", "n": 2**70}


def test_json_has_no_nan():
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json(math.nan)


def test_lines_are_escaped(capsys):
    say("a\x1b[31mb")
    note("c\x9bd")
    out, err = capsys.readouterr()
    assert "\x1b" not in out
    assert "\x9b" not in err


def test_closed_stdout_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(CommandError, match="standard output is closed"):
        say("x")


def test_table_in_a_pipe_is_bare_and_80_wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    table(COLUMNS, [("1", "x" * 200), ("22", "[bold]y[/] \x1b[31m :smile:")])
    lines = out.getvalue().splitlines()
    assert lines[0].split() == ["id", "error"]
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80
    assert lines[1].endswith("x…")
    assert lines[2].startswith("22  [bold]y[/]")
    assert lines[2].endswith(":smile:")
    assert "\x1b" not in out.getvalue()
    assert not re.search(r"[│─━┃]", out.getvalue())
    assert all(line == line.rstrip() for line in lines)


def test_long_cells_go_on_in_the_next_line(monkeypatch):
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    table((Column("error"),), [("word " * 30,)])
    assert out.getvalue().count("word") == 30
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_table_on_a_terminal_has_colour_unless_no_color(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", out := Terminal())
    table(COLUMNS, [("1", "x")])
    assert "\x1b[1m" in out.getvalue()
    assert "─" in out.getvalue()
    console = console_for(out)
    assert console.width == 60
    assert not console.no_color
    monkeypatch.setenv("NO_COLOR", "1")
    assert console_for(out).no_color


def test_a_closed_stream_is_no_terminal():
    stream = Terminal()
    assert is_terminal(stream)
    stream.close()
    assert not is_terminal(stream)
