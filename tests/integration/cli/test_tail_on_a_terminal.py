"""`syncstats tail --follow` as somebody sees it: on a terminal of 80 columns, drawn by tmux."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.support.command import COMMAND, clean_env
from tests.support.data_folders import event, write_log
from tests.support.handlers import wait_until
from tests.support.tools import tool

FILM = "日本語の映画🎬"


class Pane:
    """A terminal of its own server, of which only this test knows."""

    def __init__(self, tmux: str, socket: Path) -> None:
        self._call = [tmux, "-u", "-S", str(socket), "-f", "/dev/null"]

    def tmux(self, *args: object) -> str:
        done = subprocess.run(
            [*self._call, *map(str, args)], capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode()

    def begin(self, cwd: Path, *args: str, **env: str) -> None:
        """Run `syncstats` in 80 columns; its status is told when it has ended."""
        env = {"LC_ALL": "C.UTF-8", **env}
        words = [*(f"{name}={value}" for name, value in env.items()), *COMMAND, *args]
        script = f"env -u NO_COLOR -u COLUMNS {shlex.join(words)}; echo status $?; exec cat"
        subprocess.run(
            [*self._call, "new-session", "-d", "-x", "80", "-y", "24", "-c", str(cwd), script],
            env=clean_env(), check=True, timeout=60,
        )  # fmt: skip

    def rows(self, *options: str) -> list[str]:
        """What it shows, without empty rows."""
        return [
            row.rstrip() for row in self.tmux("capture-pane", "-p", *options).splitlines() if row
        ]

    def wait_for(self, text: str) -> list[str]:
        wait_until(lambda: any(text in row for row in self.rows()), f"{text!r} is shown", 60)
        return self.rows()


@pytest.fixture
def pane():
    tmux = tool("tmux", "tmux")
    folder = Path(tempfile.mkdtemp(prefix="syncstats-tmux-"))  # a socket's path must be short
    made = Pane(tmux, folder / "s")
    yield made
    made.tmux("kill-server")
    shutil.rmtree(folder)


@pytest.fixture
def log(tmp_path):
    return write_log(tmp_path / "data", event(0))


def append(log: Path, *events: dict[str, object]) -> None:
    with log.open("a") as file:
        file.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in events))


def a_mixture():
    return [
        event(1),
        event(2, confidence="title"),
        event(3, "job.failed", error_type="PlexNotFound", error=f"no item for {FILM * 9}"),
        event(4, "job.failed", error_type="Bad", error="\x1b[2J\x1b[31mgone\n" * 9, to_dlq=True),
    ]


def test_outcomes_take_a_row_each_and_the_totals_the_last(pane, log, tmp_path):
    pane.begin(tmp_path, "tail", "--follow")
    pane.wait_for("0 attempts")
    append(log, *a_mixture())
    rows = pane.wait_for("4 attempts")

    assert rows[0] == "--- 2026-01-01 UTC"
    assert [row.split()[:2] for row in rows[1:-1]] == [
        ["00:00:00", "done"],
        ["00:00:01", "done"],
        ["00:00:02", "done"],
        ["00:00:03", "failed"],
        ["00:00:04", "dead"],
    ]
    assert rows[3].endswith("100ms  low confidence")
    assert re.search(r"PlexNotFound: no item for (日本語の映画🎬)*\w*…$", rows[4])
    assert re.search(r"Bad: \\x1b\[2J\\x1b\[31mgone\\x0a.*…$", rows[5])
    assert rows[6].startswith("4 attempts: 2 succeeded (50.0%), 2 failed, 1 dead; avg 100ms; ")

    colours = "\n".join(pane.rows("-e"))
    assert "\x1b[32mdone" in colours
    assert "\x1b[31mfailed" in colours
    assert "gone" in colours
    assert "\x1b[31mgone" not in colours


def test_a_terminal_that_is_made_narrower_stays_clean(pane, log, tmp_path):
    pane.begin(tmp_path, "tail", "--follow")
    pane.wait_for("0 attempts")
    append(log, *a_mixture()[:2])
    pane.wait_for("2 attempts")
    for width in (41, 80, 60, 25, 80):
        pane.tmux("resize-window", "-x", width, "-y", 24)
        append(log, event(width))
        pane.wait_for(f"00:0{width // 60}:{width % 60:02d} done")
        wait_until(lambda: len(pane.rows()[-1]) < width, "it fits", 60)  # noqa: B023 - used at once
        rows = pane.rows()
        assert sum("/s" in row or "attempts" in row for row in rows) == 1, rows
        assert "/s" in rows[-1]


def test_an_interrupt_leaves_the_outcomes_and_no_trace(pane, log, tmp_path):
    pane.begin(tmp_path, "tail", "--follow")
    pane.wait_for("0 attempts")
    append(log, event(1))
    pane.wait_for("1 attempt:")
    pane.tmux("send-keys", "C-c")
    rows = pane.wait_for("status 130")
    assert [row.split()[:2] for row in rows] == [
        ["---", "2026-01-01"],
        ["00:00:00", "done"],
        ["00:00:01", "done"],
        ["status", "130"],
    ]
    assert pane.tmux("display-message", "-p", "#{cursor_flag}#{alternate_on}").strip() == "10"


def test_no_color(pane, log, tmp_path):
    append(log, *a_mixture())
    pane.begin(tmp_path, "tail", "--follow", NO_COLOR="1")
    pane.wait_for("0 attempts")
    assert "\x1b" not in "".join(pane.rows("-e"))


def test_what_is_picked(pane, log, tmp_path):
    pane.begin(tmp_path, "tail", "--follow", "--only", "dead")
    pane.wait_for("0 shown")
    append(log, *a_mixture())
    rows = pane.wait_for("1 shown")
    assert [row.split()[1] for row in rows[:-1]] == ["2026-01-01", "dead"]
    assert rows[-1].startswith("4 attempts: 2 succeeded (50.0%), 2 failed, 1 dead; avg 100ms; ")
