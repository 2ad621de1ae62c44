from __future__ import annotations

import json

import click
import pytest
from click.testing import CliRunner

from projections.cli.command import Command, config_option
from projections.cli.config import load_config
from projections.cli.errors import CommandError
from projections.cli.lazy import Lazy, LazyGroup
from projections.cli.options import Seconds, data_option


@click.command(cls=Command, example="toy work")
@data_option()
@click.option("--jobs-at-once", type=int, default=1)
@click.option("--fast", is_flag=True)
@click.option("--redact", multiple=True)
@click.option("--grace", type=Seconds(), default=8)
def work(**values):
    click.echo(json.dumps(values, default=str))


@click.command("list", cls=Command, example="toy dlq list")
@click.option("--limit", type=int, default=20)
def list_(limit):
    click.echo(limit)


GROUP = LazyGroup(name="dlq", lazy={"list": Lazy(f"{__name__}:list_", "List.")})
TOY = LazyGroup(
    name="toy",
    lazy={"work": Lazy(f"{__name__}:work", "Work."), "dlq": Lazy(f"{__name__}:GROUP", "Letters.")},
    params=[config_option(allow_from_autoenv=True)],
    context_settings={"auto_envvar_prefix": "TOY"},
)


@pytest.fixture(autouse=True)
def _import_from_here(monkeypatch):
    commands = {f"{__name__}:work": work, f"{__name__}:list_": list_, f"{__name__}:GROUP": GROUP}
    monkeypatch.setattr("projections.cli.lazy.load", lambda entry: commands[entry.spec])


@pytest.fixture
def file(tmp_path):
    def write(text: str):
        path = tmp_path / "syncstats.toml"
        path.write_text(text)
        return path

    return write


def run(*args, **env):
    result = CliRunner().invoke(TOY, [str(arg) for arg in args], env=env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_the_file_gives_defaults(file):
    path = file('[work]\njobs-at-once = 4\nfast = true\nredact = ["a b", "c"]\ngrace = 0.5\n')
    want = {"data": "data", "jobs_at_once": 4, "fast": True, "redact": ["a b", "c"], "grace": 0.5}
    assert run("--config", path, "work") == want
    assert run("work", "--config", path) == want
    assert run("work", TOY_CONFIG=str(path)) == want


def test_keys_may_be_written_with_underscores(file):
    assert run("--config", file("[work]\njobs_at_once = 4"), "work")["jobs_at_once"] == 4


def test_nested_commands_have_nested_tables(file):
    path = file("[dlq.list]\nlimit = 7")
    assert run("--config", path, "dlq", "list") == 7
    assert run("dlq", "list", "--config", path) == 7


def test_data_above_the_tables_is_for_every_command(file):
    path = file('data = "/srv/one"\n[dlq.list]\nlimit = 1')
    assert run("work", "--config", path)["data"] == "/srv/one"
    assert run("work", "--config", path, SYNCSTATS_DATA="/srv/two")["data"] == "/srv/two"
    path = file('data = "/srv/one"\n[work]\ndata = "/srv/own"')
    assert run("work", "--config", path)["data"] == "/srv/own"


def test_command_line_before_environment_before_file_before_default(file):
    path = file("[work]\njobs-at-once = 2")
    assert run("work")["jobs_at_once"] == 1
    assert run("--config", path, "work")["jobs_at_once"] == 2
    assert run("--config", path, "work", TOY_WORK_JOBS_AT_ONCE="3")["jobs_at_once"] == 3
    args = ("--config", path, "work", "--jobs-at-once", "4")
    assert run(*args, TOY_WORK_JOBS_AT_ONCE="3")["jobs_at_once"] == 4


def test_the_file_of_the_command_line_wins_over_that_of_the_environment(file, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text("[work]\njobs-at-once = 9")
    path = file("[work]\njobs-at-once = 2")
    assert run("work", "--config", path, TOY_CONFIG=str(other))["jobs_at_once"] == 2


@pytest.mark.parametrize(
    ("text", "wants"),
    [
        ("[wrok]\nfast = true", ["'wrok'", "no such command", "work, dlq"]),
        ("[work]\nspeed = 1", ["'work.speed'", "no such option", "fast, grace, jobs-at-once"]),
        ("[work]\nconfig = 'x'", ["'work.config'", "no such option"]),
        ("[dlq]\nlist = 3", ["'dlq.list'", "a table"]),
        ("dlq = 3", ["'dlq'", "a table"]),
        ("work = 3", ["'work'", "a table"]),
        ("data = 3", ["'data'", "a string"]),
        ("[work]\njobs-at-once = true", ["'work.jobs-at-once'", "a number or a string"]),
        ("[work]\njobs-at-once = 'four'", ["'work.jobs-at-once'", "four"]),
        ("[work]\njobs-at-once = [1]", ["'work.jobs-at-once'", "a number or a string"]),
        ("[work]\ngrace = inf", ["'work.grace'", "finite"]),
        ("[work]\nfast = 1", ["'work.fast'", "true or false"]),
        ("[work]\nredact = 'abc'", ["'work.redact'", "a list of strings"]),
        ("[work]\nredact = [1]", ["'work.redact'", "a list of strings"]),
        ("[work\n", ["no TOML", "line 1"]),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(file, text, wants):
    path = file(text)
    with pytest.raises(CommandError) as caught:
        load_config(TOY, path)
    assert str(caught.value).startswith(f"{path}: ")
    for want in wants:
        assert want in str(caught.value)


def test_a_file_that_is_not_utf_8(file):
    path = file("")
    path.write_bytes(b'a = "\xff"')
    with pytest.raises(CommandError, match="no TOML"):
        load_config(TOY, path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        load_config(TOY, tmp_path / "none.toml")
