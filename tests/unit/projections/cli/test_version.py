from __future__ import annotations

import importlib.metadata
import sys

import pytest

from events.kernel import tallies
from projections.cli.version import UNKNOWN, build, version


def test_it_is_that_of_the_installed_distribution(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"syncstats": "1.2.3"}.__getitem__)
    assert version() == "1.2.3"


def test_without_an_installation_it_is_unknown(monkeypatch):
    def installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", installed)
    assert version() == UNKNOWN


def test_it_says_that_the_kernel_is_kept_out(monkeypatch):
    monkeypatch.setenv(tallies.PURE, "1")
    tallies.kernel.cache_clear()
    try:
        assert build() == "pure Python: SYNCSTATS_PURE is set"
    finally:
        monkeypatch.undo()
        tallies.kernel.cache_clear()


@pytest.mark.parametrize(
    ("value", "kept_out"),
    [(no, False) for no in ("", "0", "f", "false", "n", "no", "off", "False", "NO", " off ")]
    + [(yes, True) for yes in ("1", "t", "true", "y", "yes", "on", "True", "2")],
)
def test_the_kernel_is_kept_out_by_what_means_yes(monkeypatch, value, kept_out):
    monkeypatch.setenv(tallies.PURE, value)
    assert tallies.is_kept_out() is kept_out


def test_it_says_that_the_kernel_was_not_compiled(monkeypatch):
    monkeypatch.setitem(sys.modules, "events.kernel._scan", None)  # as if it were not there
    tallies.kernel.cache_clear()
    try:
        assert build() == "pure Python: the kernel was not compiled, which makes replay slower"
    finally:
        monkeypatch.undo()
        tallies.kernel.cache_clear()
