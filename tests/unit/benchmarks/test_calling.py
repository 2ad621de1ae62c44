"""The benchmarks' programs say what they take, and end without a traceback."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from benchmarks.calling import INTERRUPTED, add, count, ended, folder, seconds
from tests.support.command import ROOT, clean_env

PROGRAMS = [
    "benchmarks",
    "benchmarks.scale",
    "benchmarks.summaries",
    "benchmarks.formats",
    "benchmarks.recording",
]


def called(program, *args):
    return subprocess.run(
        [sys.executable, "-m", program, *map(str, args)],
        cwd=ROOT,
        env=clean_env(COLUMNS="80"),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_fits_and_tells_of_each_option_what_it_is_and_its_default(program):
    help_ = called(program, "--help").stdout
    assert max(map(len, help_.splitlines())) <= 80
    _, _, options = help_.partition("options:\n")
    each = (" ".join(text.split()) for text in options.split("\n  -")[2:])
    for text in each:
        name = text.split()[0]
        assert len(text.split("  ")[0].split()) > 2, f"{name} has no text"
        if not name.endswith(("-out", "-page", "-real", "-keep")):
            assert "[default: " in text, name


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_to_measure_is_refused(program):
    option = {"benchmarks.scale": "--streams", "benchmarks.recording": "--jobs"}
    done = called(program, option.get(program, "--lines"), 0)
    assert (done.returncode, done.stdout) == (2, "")
    assert "0 is less than 1" in done.stderr


def test_a_folder_that_cannot_be_used_is_told_in_one_line(tmp_path):
    for program in ("benchmarks.scale", "benchmarks.recording"):
        done = called(program, "--folder", tmp_path / "none")
        assert (done.returncode, done.stdout) == (2, "")
        assert "none is no folder: name one that is there" in done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "file").touch()
    done = called("benchmarks", "replay", "--folder", tmp_path / "file")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"benchmarks: {tmp_path}/file/scratch: Not a directory\n"


def test_an_interruption_is_a_status(capsys):
    def main():
        raise KeyboardInterrupt

    assert ended("p", main) == INTERRUPTED
    assert capsys.readouterr().err == ""
    assert ended("p", lambda: 1) == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [(count, "0"), (count, "-1"), (seconds, "0"), (seconds, "nan"), (seconds, "inf")],
)
def test_what_is_out_of_range(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match=text):
        kind(text)


def test_what_is_in_range(tmp_path):
    assert (count("1"), seconds("0.5"), folder(str(tmp_path))) == (1, 0.5, tmp_path)


def test_several_defaults_are_told():
    parser = argparse.ArgumentParser()
    add(parser, "--growth", (1, 2), "of growing logs")
    assert "[default: 1 2]" in parser.format_help()
    assert parser.parse_args(["--growth", "3"]).growth == [3]
