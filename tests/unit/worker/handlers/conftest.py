"""A shell as a handler."""

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
