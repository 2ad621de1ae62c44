"""A shell as a handler, and a library of media files."""

from __future__ import annotations

import pytest

from worker.handlers.exec import ExecHandler
from worker.handlers.group import Limits


@pytest.fixture
def run_sh():
    """Run a shell script as a handler; every handler is closed at the end."""
    handlers = []

    def make(script, *, timeout_s=60.0, grace_s=0.2, tail_bytes=65_536):
        limits = Limits(timeout_s, grace_s, tail_bytes)
        handlers.append(ExecHandler(["/bin/sh", "-c", script], limits=limits))
        return handlers[-1]

    yield make
    for handler in handlers:
        handler.close()


@pytest.fixture
def library(tmp_path):
    """Two files of one name, in two folders, and others."""
    folder = tmp_path / "library"
    for name in ("a.mkv", "one/b.mkv", "one/c.mkv", "two/c.mkv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    return folder
