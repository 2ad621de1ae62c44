"""Patterns that would hold up the worker are found before it begins."""

from __future__ import annotations

import subprocess

import pytest

from projections.cli.errors import CommandError
from projections.cli.patterns import check_patterns, first_that_takes_for_ever


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(a+)+$", r"(\w+\s?)*$", r"^(([a-z])+.)+[A-Z]([a-z])+$", r"(.*)(.*)(.*)(.*)!"),
        *(f"{one}?" * 30 + one * 30 for one in ("a", "[a-z]", "(?:ab)", "(?:abc)", r"\x41")),
        *("a?" * 100 + "a" * 100, "a?" * 600 + "a" * 600, "(?:a?){2000}a{2000}"),
        *(r"^key: (a+)+$", r"^\[(?:[^\]]+)+\] done", r'^name="([^"]+|\\")+"$', r"(x|x)*y"),
    ],
)
def test_one_that_takes_for_ever_is_refused_by_its_place(pattern):
    with pytest.raises(CommandError, match="--redact pattern 2 takes more than 1 s") as caught:
        check_patterns(["hunter2", pattern])
    assert pattern not in str(caught.value)


@pytest.mark.parametrize(
    "pattern",
    [
        *("hunter2", r"sk-[A-Za-z0-9]{32,}", r"(?i)pin[:=]\s*\S+", r"[\w.]+@example\.org", r"\s+$"),
        *("\u00e9+", "\ud800", "a" * 3000, ".*secret.*"),
    ],
)
def test_those_that_people_write_are_taken(pattern):
    check_patterns([pattern])


def test_one_process_tries_all(monkeypatch):
    calls, run = [], subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda *args, **named: calls.append(1) or run(*args, **named)
    )
    assert first_that_takes_for_ever([rf"^E{number}: (\w+)" for number in range(200)]) is None
    assert first_that_takes_for_ever(["no pattern (", "(a+)+$", "(b+)+$"]) == 1
    assert len(calls) == 2


def test_none_at_all():
    check_patterns([])
