from __future__ import annotations

import io
import sys

from projections.cli.progress import reading


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_it_shows_amount_rate_and_time_left(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stderr", err := Terminal())
    with reading(lambda: 2_000_000) as progress:
        progress(1_000_000)
        progress(1_000_000)
    assert "reading" in err.getvalue()
    assert "2.0/2.0 MB" in err.getvalue()


def test_elsewhere_it_is_silent_and_asks_for_no_size(monkeypatch):
    def never():
        raise AssertionError

    monkeypatch.setattr(sys, "stderr", err := io.StringIO())
    with reading(never) as progress:
        progress(1)
    assert err.getvalue() == ""
    monkeypatch.setattr(sys, "stderr", None)
    with reading(never) as progress:
        progress(1)
