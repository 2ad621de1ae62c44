from __future__ import annotations

import subprocess
import sys
import tomllib

import click
import pytest
from click.testing import CliRunner

from projections.cli import main as main_module
from projections.cli.command import Command
from projections.cli.lazy import Lazy, LazyGroup, load
from projections.cli.main import COMMANDS, cli, main
from sync_queue.dlq import DeadLetterQueue
from sync_queue.queue import JobQueue
from tests.support.command import ROOT, clean_env

HEAVY = {"rich", "structlog", "orjson", "msgspec", "sqlite3", "zstandard", "asyncio", "tomllib"}


def raising(error: BaseException):
    def callback() -> None:
        raise error

    return click.Command("raise", callback=callback)


@pytest.fixture
def with_command(monkeypatch):
    """Put one more command into the group."""

    def add(command: click.Command) -> None:
        name = f"{command.name}"
        monkeypatch.setitem(cli.lazy, name, Lazy(f"{__name__}:{name}", ""))
        monkeypatch.setattr("projections.cli.lazy.load", lambda _: command)

    return add


def loaded_by(*args: str) -> set[str]:
    code = (
        "import sys; from projections.cli.main import main; status = main(sys.argv[1:]);"
        "print(*sys.modules, file=sys.stderr); sys.exit(status)"
    )
    # a measuring of coverage would load modules of its own into the process
    env = {name: value for name, value in clean_env().items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        cwd=ROOT,
        env=env,
        capture_output=True,
        check=True,
    )
    return set(done.stderr.decode().split())


@pytest.mark.parametrize("args", [["--help"], [], ["run", "--help"], ["dlq", "--help"]])
def test_help_loads_nothing_heavy(args):
    assert loaded_by(*args) & HEAVY == set()


def test_the_help_of_run_loads_a_workers_defaults_and_no_worker():
    loaded = {name for name in loaded_by("run", "--help") if name.startswith("worker.")}
    assert loaded == {"worker.errors", "worker.options", "worker.retry"}


def test_help_imports_no_command():
    assert {name for name in loaded_by("--help") if name.startswith("projections.cli.")} == {
        "projections.cli.command", "projections.cli.distribution", "projections.cli.failures",
        "projections.cli.lazy", "projections.cli.main",
    }  # fmt: skip


def test_show_as_json_loads_what_reads_and_nothing_that_folds_writes_or_draws(tmp_path):
    with JobQueue(tmp_path), DeadLetterQueue(tmp_path):
        loaded = loaded_by("show", "--json", "--data", str(tmp_path))
    assert loaded & {"rich", "structlog", "zstandard", "asyncio", "hashlib", "secrets"} == set()
    assert loaded & {"projections.fold", "projections.runner", "events.codec"} == set()
    assert {name for name in loaded if name.startswith("worker.")} == {
        "worker.buckets", "worker.error_counts", "worker.errors", "worker.histogram",
        "worker.stats", "worker.stats_layout", "worker.units",
    }  # fmt: skip


def test_help_is_at_most_80_columns_wide_and_names_every_command(capsys):
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    for name in COMMANDS:
        assert f"\n  {name}  " in out


def test_bare_call_shows_the_help(capsys):
    assert main([]) == 0
    bare = capsys.readouterr().out
    assert main(["-h"]) == 0
    assert capsys.readouterr().out == bare


def test_version(capsys):
    assert main(["--version"]) == 0
    out = capsys.readouterr().out
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    said, _, built = out.partition(" (")
    assert said in {f"syncstats {version}", "syncstats unknown"}
    assert built in {
        "with the compiled kernel)\n",
        "pure Python: the kernel was not compiled, which makes replay slower)\n",
    }


def test_a_variable_named_version_is_somebody_elses(capsys, monkeypatch):
    monkeypatch.setenv("SYNCSTATS_VERSION", "1")
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("Usage: ")


@pytest.mark.parametrize(
    ("args", "parts"),
    [
        (["florp"], ["No such command 'florp'. (see `syncstats --help`)"]),
        (["reply"], ["No such command 'reply'. Did you mean 'replay'? (see `syncstats --help`)"]),
        (["dlq", "lst"], ["No such command 'lst'. Did you mean 'list'? (see `syncstats dlq"]),
        (["--florp"], ["No such option", "--florp"]),
        (["run"], ["--handler", "see `syncstats run --help`"]),
        (["run", "--handler", "x:y", "--concurrency", "many"], ["--concurrency", "many"]),
        (["enqueue"], ["FILE", "see `syncstats enqueue --help`"]),
        (["pause", "extra"], ["extra"]),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(args, parts, capsys):
    assert main(args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("syncstats: ")
    assert err.count("\n") == 1
    for part in parts:
        assert part in err


def test_an_unexpected_error_is_one_line(with_command, capsys, monkeypatch):
    with_command(raising(ZeroDivisionError("one\ntwo")))
    monkeypatch.delenv("SYNCSTATS_DEBUG", raising=False)
    assert main(["raise"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("syncstats: unexpected ZeroDivisionError: one two (")
    assert "SYNCSTATS_DEBUG=1" in err
    assert err.count("\n") == 1


def test_debug_shows_the_traceback(with_command, capsys, monkeypatch):
    with_command(raising(ZeroDivisionError("boom")))
    monkeypatch.setenv("SYNCSTATS_DEBUG", "1")
    assert main(["raise"]) == 2
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_interrupt_is_quiet_and_130(with_command, capsys):
    with_command(raising(KeyboardInterrupt()))
    assert main(["raise"]) == 130
    assert capsys.readouterr() == ("", "")


def test_exit_of_a_command_is_the_status(with_command):
    with_command(click.Command("one", callback=lambda: click.get_current_context().exit(1)))
    assert main(["one"]) == 1


def test_system_exit_goes_through(with_command):
    with_command(raising(SystemExit(7)))
    with pytest.raises(SystemExit) as caught:
        main(["raise"])
    assert caught.value.code == 7


def test_foreign_package_is_refused(monkeypatch, capsys):
    monkeypatch.setattr("projections.cli.distribution.foreign_package", lambda: "not ours")
    assert main(["--help"]) == 2
    assert capsys.readouterr() == ("", "syncstats: not ours\n")


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_missing_stream_breaks_nothing(closed, monkeypatch):
    monkeypatch.setattr(sys, closed, None)
    assert main(["florp"]) == 2


def test_completion_is_left_to_click(monkeypatch, capsys):
    monkeypatch.setenv("_SYNCSTATS_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "syncstats enq")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        main([])
    assert "enqueue" in capsys.readouterr().out


def test_every_command_is_there_with_help_and_example():
    def walk(group, names):
        for name, entry in group.lazy.items():
            command = load(entry)
            assert command.name == name
            assert command.help, name
            assert entry.short_help.endswith("."), name
            if isinstance(command, LazyGroup):
                walk(command, [*names, name])
            else:
                assert isinstance(command, Command), name
                assert "syncstats " + " ".join([*names, name]) in command.example

    walk(cli, [])


def test_every_help_fits_80_columns():
    def walk(group, names):
        for name, entry in group.lazy.items():
            if isinstance(command := load(entry), LazyGroup):
                walk(command, [*names, name])
            shown = CliRunner().invoke(cli, [*names, name, "--help"], terminal_width=80)
            assert shown.exit_code == 0
            assert max(map(len, shown.output.splitlines())) <= 80, name

    walk(cli, [])


def test_load_refuses_what_is_no_command():
    with pytest.raises(TypeError, match="PROGRAM is no command"):
        load(Lazy(f"{main_module.__name__}:PROGRAM", ""))
