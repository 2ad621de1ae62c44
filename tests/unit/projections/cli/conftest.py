from __future__ import annotations

import io
import sys

import pytest

from projections.cli.main import main
from tests.support.command import Ran
from tests.support.data_folders import whole


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch, tmp_path):
    """No environment of somebody's own, and a working folder in which nothing is."""
    import os

    for name in os.environ:
        if name.startswith("SYNCSTATS_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def syncstats(monkeypatch, capsys):
    """Call the command in this process; what goes to it and comes from it is text."""

    def call(*args: object, stdin: str | bytes = b"") -> Ran:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capsys.readouterr()
        status = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Ran(status, out, err)

    return call


@pytest.fixture
def data(tmp_path):
    return whole(tmp_path / "data")
