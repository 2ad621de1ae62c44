"""The container, without a container engine: linted, and its steps run as scripts."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import ROOT, environment, pyproject, tracked_files

DOCKERFILE = ROOT / "Dockerfile"
ENTRYPOINT = ROOT / "docker" / "entrypoint.sh"


def instructions(text: str) -> list[tuple[str, str]]:
    """A Dockerfile's instructions, continued lines joined, comments left out."""
    lines = "".join(f"{line}\n" for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = lines.replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word, rest) for word, rest in pairs]


STEPS = instructions(DOCKERFILE.read_text())


def tool(name: str) -> str:
    """The path of a linter; where it cannot be installed, the test skips, but never in CI."""
    found = shutil.which(name, path=environment()["PATH"])
    if found is None and os.environ.get("CI") != "true":
        pytest.skip(f"{name} is not installed: make venv")
    assert found is not None, f"{name} is missing"
    return found


def check(*command: str | Path) -> None:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


# What the files say -------------------------------------------------------------------------------


def test_hadolint_finds_nothing():
    check(tool("hadolint"), "--config", ROOT / ".hadolint.yaml", DOCKERFILE)


@pytest.mark.parametrize("script", [ENTRYPOINT, ROOT / ".ci" / "run"], ids=["entrypoint", "ci"])
def test_shellcheck_finds_nothing(script):
    check(tool("shellcheck"), script)
    assert os.access(script, os.X_OK)


def test_container_says_what_compose_and_the_engine_need():
    said = dict(STEPS)
    assert said["STOPSIGNAL"] == "SIGTERM"
    assert said["VOLUME"] == "/data"
    assert '"syncstats", "show", "--json"' in said["HEALTHCHECK"]
    assert said["ENTRYPOINT"] == '["entrypoint", "syncstats"]'
    # Supported by the package, and the same in all stages: the environment is copied between them.
    (base,) = {rest.split()[0] for word, rest in STEPS if word == "FROM"}
    version = re.fullmatch(r"python:(3\.\d+)-slim-\w+", base)
    assert version is not None
    classifiers = pyproject()["project"]["classifiers"]
    assert f"Programming Language :: Python :: {version[1]}" in classifiers


def test_compose_example_waits_longer_than_the_worker_s_grace():
    text = (ROOT / "compose.example.yaml").read_text()
    waits = re.search(r"stop_grace_period: (\d+)s", text)
    assert waits is not None
    default_grace_s = 8
    assert int(waits[1]) > default_grace_s
    assert {"PUID:", "PGID:"} <= set(text.split())
    assert ":/data" in text


def copies() -> list[tuple[list[str], str]]:
    """What COPY takes from the checkout, and where to."""
    found = []
    for word, rest in STEPS:
        words = [part for part in rest.split() if not part.startswith("--chmod")]
        if word == "COPY" and not words[0].startswith("--from"):
            found.append((words[:-1], words[-1]))
    return found


def test_everything_that_is_copied_is_there_and_not_ignored():
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    allowed = [rule[1:] for rule in rules if rule.startswith("!")]
    assert "*" in rules
    for sources, _ in copies():
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source.split("/")[0], rule) for rule in allowed), source
    taken = {source.split("/")[0] for sources, _ in copies() for source in sources}
    assert taken == set(allowed), "an ignored file is needed, or one is let in for nothing"


# The build's steps --------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("wheel")
def test_build_steps_end_in_a_command_that_runs(tmp_path):
    """Run the first stage's COPY and RUN on this machine, its folders moved below a temporary one.

    Packages come from wherever this machine's pip takes them; without a network the test skips,
    but never in CI.
    """
    source, opt, bin_folder = tmp_path / "src", tmp_path / "opt", tmp_path / "bin"
    source.mkdir()
    opt.mkdir()
    bin_folder.mkdir()
    (bin_folder / "python").symlink_to(Path(sys.executable).resolve())
    (bin_folder / "apt-get").symlink_to("/bin/true")  # this machine is left as it is
    ours = environment()
    ours["PATH"] = os.pathsep.join((str(bin_folder), os.environ.get("PATH", os.defpath)))

    stage = STEPS[: [word for word, _ in STEPS].index("FROM", 1)]
    assert ("WORKDIR", "/src") in stage
    for word, rest in stage:
        if word == "COPY":
            *names, target = rest.split()
            folder = source / (target if target.endswith("/") else Path(target).parent)
            for name in names:
                copy(name, folder)
        elif word == "RUN":
            script = rest.replace("/opt/", f"{opt}/")
            ended = subprocess.run(
                ["sh", "-eu", "-c", script],
                cwd=source,
                env=ours,
                capture_output=True,
                text=True,
                check=False,
            )
            said = ended.stdout + ended.stderr
            if ended.returncode and "No matching distribution" in said and not os.environ.get("CI"):
                pytest.skip("no network to install the locked packages from")
            assert ended.returncode == 0, said

    installed = opt / "syncstats"
    check(installed / "bin" / "syncstats", "--help")
    distributions = {path.name for path in installed.glob("lib/*/site-packages/*.dist-info")}
    assert not any(name.startswith(("pytest", "setuptools-8", "ruff")) for name in distributions)


def copy(name: str, folder: Path) -> None:
    """What COPY does with one source: only files that would be committed."""
    for path in tracked_files():
        if path == ROOT / name or path.is_relative_to(ROOT / name):
            place = folder / path.relative_to((ROOT / name).parent)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)


# The entrypoint -----------------------------------------------------------------------------------


class Entrypoint:
    """Runs the script with stand-ins on PATH that write down how they were called."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self._bin = folder / "bin"
        self._bin.mkdir()
        self._log = folder / "calls"
        self._stub("id", "echo 0")
        self._stub("chown", f'echo "chown $*" >>{self._log}')
        self._stub("setpriv", f'echo "setpriv $* HOME=$HOME" >>{self._log}')

    def _stub(self, name: str, body: str) -> None:
        path = self._bin / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def already_without_root(self) -> None:
        self._stub("id", "echo 1234")

    def keeps_owners(self) -> None:
        self._stub("chown", "exit 1")

    def run(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join((str(self._bin), os.defpath))
        ours = {"PATH": path, "SYNCSTATS_DATA": str(self.data), "HOME": "/root"} | settings
        command = ["sh", str(ENTRYPOINT), *arguments]
        return subprocess.run(command, env=ours, capture_output=True, text=True, check=False)

    @property
    def calls(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


@pytest.fixture
def entrypoint(tmp_path: Path) -> Entrypoint:
    return Entrypoint(tmp_path)


def test_entrypoint_gives_root_up_and_hands_a_fresh_volume_over(entrypoint):
    ended = entrypoint.run("syncstats", "show", "--data", "a b", PUID="1026", PGID="100")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert entrypoint.calls == [
        f"chown 1026:100 {entrypoint.data}",
        "setpriv --reuid=1026 --regid=100 --clear-groups -- syncstats show --data a b HOME=/tmp",
    ]


def test_entrypoint_has_a_user_of_its_own_when_none_is_named(entrypoint):
    entrypoint.run("true")
    assert entrypoint.calls[-1].startswith("setpriv --reuid=1000 --regid=1000 ")


def test_entrypoint_leaves_data_with_its_owner(entrypoint):
    (entrypoint.data / "queue.db").touch()
    entrypoint.run("true")
    assert [call.split()[0] for call in entrypoint.calls] == ["setpriv"]


def test_entrypoint_goes_on_where_owners_cannot_be_changed(entrypoint):
    entrypoint.keeps_owners()
    ended = entrypoint.run("true")
    assert ended.returncode == 0
    assert "keeps its owner" in ended.stderr
    assert [call.split()[0] for call in entrypoint.calls] == ["setpriv"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PUID": "kim"}, "numbers, not 'kim'"),
        ({"PGID": "-1"}, "numbers, not '-1'"),
        ({"PGID": "1 2"}, "numbers, not '1 2'"),
        ({"PUID": "0"}, "must not be 0"),
        ({"PGID": "00"}, "must not be 0"),
    ],
)
def test_entrypoint_refuses_users_that_are_none(entrypoint, settings, said):
    ended = entrypoint.run("true", **settings)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert entrypoint.calls == []


def test_entrypoint_without_root_just_runs_the_command(entrypoint):
    entrypoint.already_without_root()
    ended = entrypoint.run("sh", "-c", 'echo "$1"; exit 7', "sh", "a  b", PUID="kim")
    assert (ended.returncode, ended.stdout) == (7, "a  b\n")
    assert entrypoint.calls == []


def test_entrypoint_is_replaced_by_the_command_so_that_signals_reach_it(entrypoint):
    entrypoint.already_without_root()
    path = entrypoint.data / "pid"
    command = ["sh", str(ENTRYPOINT), "sh", "-c", f"echo $$ >{path}"]
    bin_folder = entrypoint.data.parent / "bin"
    ours = {"PATH": os.pathsep.join((str(bin_folder), os.defpath))}
    with subprocess.Popen(command, env=ours) as process:
        process.wait(timeout=60)
    assert int(path.read_text()) == process.pid
