"""The tests are tested: with a rule of the protocol broken, the named test is red.

Each runs in a process of its own, see `tests.support.mutated`.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.caught_by import CAUGHT_BY
from tests.support.mutated import BROKEN
from tests.support.mutations import MUTATIONS
from tests.support.project import ROOT

SOME_FAILED = 1


def run(*tests, broken=""):
    environment = {**os.environ, BROKEN: broken, "HYPOTHESIS_PROFILE": "repeatable"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        [
            sys.executable,
            *["-m", "pytest", "-q", "-p", "tests.support.mutated", "-p", "no:cacheprovider"],
            *tests,
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_mutation_has_a_test_that_catches_it():
    assert CAUGHT_BY.keys() == MUTATIONS.keys()
    assert all(mutation.name == name for name, mutation in MUTATIONS.items())


@pytest.mark.slow
def test_nothing_is_red_unless_a_rule_is_broken():
    ran = run(*sorted(set(CAUGHT_BY.values())))
    assert ran.returncode == 0, ran.stdout
    assert f"{len(set(CAUGHT_BY.values()))} passed" in ran.stdout


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_broken_rule_is_caught(name):
    ran = run(CAUGHT_BY[name], broken=name)
    assert ran.returncode == SOME_FAILED, ran.stdout
    assert "\n1 failed in" in ran.stdout, ran.stdout  # neither an error of its fixtures
