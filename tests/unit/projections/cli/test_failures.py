from __future__ import annotations

import errno

import click
import pytest
from click.testing import CliRunner

from events.errors import SyncStatsError
from projections.cli.failures import explain
from projections.cli.main import cli
from projections.errors import StrictError


class Mute(Exception):  # noqa: N818 - the name is the point
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize(
    ("error", "line", "status"),
    [
        (SyncStatsError("a\n  b"), "a b", 2),
        (StrictError("line 1"), "line 1", 1),
        (FileNotFoundError(2, "No such file or directory", "x"), "x: No such file or directory", 2),
        (
            OSError(28, "No space left on device"),
            (
                "a file, or standard output, cannot be written to or read: "
                "No space left on device; free some space and try again"
            ),
            2,
        ),
        (
            OSError(errno.EDQUOT, "Disk quota exceeded", "d/stats.json"),
            "d/stats.json: Disk quota exceeded; free some space and try again",
            2,
        ),
        (OSError(), "a file, or standard output, cannot be written to or read: OSError", 2),
        (click.ClickException("so"), "so", 2),
        (click.UsageError("so"), "so", 2),
        (
            click.BadParameter("so", ctx=click.Context(click.Command("c"), info_name="c")),
            "Invalid value: so (see `c --help`)",
            2,
        ),
        (BrokenPipeError(), None, 141),
        (click.Abort(), None, 130),
        (KeyboardInterrupt(), None, 130),
    ],
)
def test_line_and_status(error, line, status):
    assert explain(error) == (line, status)


def test_what_a_terminal_obeys_is_escaped():
    line, _ = explain(SyncStatsError("file \x1b[2J\x9b1m.json"))
    assert line is not None
    assert "\x1b" not in line
    assert "\x9b" not in line


def test_an_error_whose_text_fails_is_still_named():
    line, status = explain(Mute())
    assert line is not None
    assert line.startswith("unexpected Mute: (its message cannot be shown)")
    assert status == 2


@pytest.mark.parametrize(
    ("env", "variable"),
    [
        ({"SYNCSTATS_RUN_GRACE": "long", "SYNCSTATS_RUN_HANDLER": "a:b"}, "SYNCSTATS_RUN_GRACE"),
        ({"SYNCSTATS_DATA": __file__, "SYNCSTATS_RUN_HANDLER": "a:b"}, "SYNCSTATS_DATA"),
    ],
)
def test_a_wrong_value_from_the_environment_names_its_variable(env, variable, monkeypatch):
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(cli, ["run"], standalone_mode=False)
    assert result.exception is not None
    line, status = explain(result.exception)
    assert f"(from the environment variable {variable}) (see `" in f"{line}"
    assert status == 2


def test_a_wrong_value_from_the_command_line_names_no_variable():
    args = ["run", "--handler", "a:b", "--grace", "long"]
    result = CliRunner().invoke(cli, args, standalone_mode=False)
    assert result.exception is not None
    assert "environment" not in f"{explain(result.exception)[0]}"
