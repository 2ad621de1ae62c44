"""`python -m projections.cli`, as the installed program: begins to read, then loads the rest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from projections.cli.__main__ import first_log
from projections.cli.main import main
from projections.parallel.parts import LARGE_BYTES
from tests.support.command import ROOT, clean_env
from tests.support.outcome_lines import failed

PROGRAM = [sys.executable, "-m", "projections.cli"]


@pytest.mark.parametrize(
    ("args", "path"),
    [
        ("replay a.jsonl", "a.jsonl"),
        ("replay --json a.jsonl b.jsonl", "a.jsonl"),
        ("replay", None),
        ("replay --json", None),
        ("verify a.jsonl", None),
        ("", None),
        ("--config c replay a.jsonl", None),
    ],
)
def test_what_is_read_first(args, path):
    assert first_log(args.split()) == path


def ran(*args):
    return subprocess.run(
        [*PROGRAM, *map(str, args)],
        cwd=ROOT,
        env=clean_env(),
        capture_output=True,
        check=False,
    )


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "log.jsonl"
    path.write_bytes(b"".join(failed(n, error="x" * 2000) for n in range(4500)))
    assert path.stat().st_size > LARGE_BYTES
    return path


def test_it_prints_what_the_command_prints(large, capsys):
    assert main(["replay", str(large), "--json"]) == 0
    done = ran("replay", large, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == capsys.readouterr().out


@pytest.mark.parametrize(
    "args", [["--format", "ecs"], ["--wrapped", "docker"], ["--strict", "--out", "{out}"]]
)
def test_a_wrong_guess_changes_nothing(large, tmp_path, args, capsys):
    args = [each.format(out=tmp_path / "out.json") for each in args]
    status = main(["replay", str(large), *args])
    expected = capsys.readouterr()
    done = ran("replay", large, *args)
    assert done.returncode == status
    assert (done.stdout.decode(), done.stderr.decode()) == expected


def test_what_cannot_be_read_is_told_by_the_command(tmp_path):
    for path in (tmp_path / "none", tmp_path / "a\nb", tmp_path):
        done = ran("replay", path)
        assert done.returncode == 2
        assert done.stderr.startswith(b"syncstats: ")
        assert done.stderr.count(b"\n") == 1


INTERRUPTED = """
import runpy, signal, sys
class Interrupting:
    def __init__(self, module):
        self.module = module
    def find_spec(self, name, *_):
        if name == self.module:
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting(sys.argv.pop(1)))
runpy.run_module("projections.cli", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "module", ["projections.parallel.parts", "projections.cli.main", "projections.replay"]
)
def test_an_interrupt_is_quiet_at_any_time(large, module):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, module, "replay", str(large)],
        cwd=ROOT,
        env=clean_env(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
