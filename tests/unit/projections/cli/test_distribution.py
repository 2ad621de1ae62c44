from __future__ import annotations

import subprocess
import sys

import pytest

from projections.cli.distribution import PACKAGES, foreign_package
from tests.support.command import ROOT, clean_env


def test_our_own_packages_are_fine():
    assert foreign_package() is None


def test_a_package_from_elsewhere_is_named(tmp_path):
    found = foreign_package(tmp_path)
    assert found is not None
    assert f"'events' comes from {ROOT / 'events'}, not from syncstats in {tmp_path}" in found
    assert "pipx install ." in found


@pytest.mark.parametrize("name", PACKAGES)
def test_a_missing_package_is_named(name, monkeypatch):
    def find(asked):
        from importlib.util import find_spec

        return None if asked == name else find_spec(asked)

    monkeypatch.setattr("projections.cli.distribution.find_spec", find)
    assert f"'{name}' is missing" in f"{foreign_package()}"


@pytest.mark.parametrize("name", PACKAGES)
def test_errors_that_are_not_ours(name, monkeypatch):
    from importlib import import_module
    from types import ModuleType

    def importing(asked):
        return ModuleType(asked) if asked == f"{name}.errors" else import_module(asked)

    monkeypatch.setattr("projections.cli.distribution.import_module", importing)
    first = "events" if name == "events" else name
    assert f"'{first}' was overwritten" in f"{foreign_package()}"


def test_another_programs_events_before_ours_on_the_path(tmp_path):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "__init__.py").write_text("raise SystemExit('their code ran')")
    done = subprocess.run(
        [sys.executable, "-c", "from projections.cli.main import main; raise SystemExit(main())"],
        cwd="/",
        env=clean_env(PYTHONPATH=f"{tmp_path}:{ROOT}"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.decode().startswith("syncstats: the package 'events' comes from ")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("args", [["--help"], ["replay", __file__]])
def test_it_is_said_before_anything_is_begun(tmp_path, args):
    (tmp_path / "events").mkdir()
    (tmp_path / "events" / "__init__.py").write_text("raise SystemExit('their code ran')")
    done = subprocess.run(
        [sys.executable, "-m", "projections.cli", *args],
        cwd=tmp_path,
        env=clean_env(PYTHONPATH=f"{tmp_path}:{ROOT}"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.decode().startswith("syncstats: the package 'events' comes from ")
    assert done.stderr.count(b"\n") == 1
