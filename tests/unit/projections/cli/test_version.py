from __future__ import annotations

import importlib.metadata

from projections.cli.version import UNKNOWN, version


def test_it_is_that_of_the_installed_distribution(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", {"syncstats": "1.2.3"}.__getitem__)
    assert version() == "1.2.3"


def test_without_an_installation_it_is_unknown(monkeypatch):
    def installed(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", installed)
    assert version() == UNKNOWN
