from __future__ import annotations

import click
import pytest

from projections.cli.errors import CommandError
from projections.cli.options import Pattern, Seconds, Size, existing


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1),
        ("64MiB", 64 << 20),
        ("2k", 2048),
        ("3 GB", 3 << 30),
        ("5mi", 5 << 20),
        ("2TB", 2 << 40),
        (7, 7),
    ],
)
def test_sizes(text, size):
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "64PiB", "9" * 5000, "x", "٣"])
def test_no_sizes(text):
    with pytest.raises(click.BadParameter, match="is no size"):
        Size().convert(text, None, None)


def test_seconds():
    assert Seconds().convert("0.5", None, None) == 0.5
    assert Seconds(zero=True).convert("0", None, None) == 0


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "0", "-inf"])
def test_seconds_out_of_range(text):
    with pytest.raises(click.BadParameter, match="finite and more than 0"):
        Seconds().convert(text, None, None)


def test_seconds_that_may_be_zero_say_so():
    with pytest.raises(click.BadParameter, match="finite and 0 or more"):
        Seconds(zero=True).convert("-1", None, None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1.5s", 1.5), ("5m", 300), ("24h", 86_400), (" 7d ", 604_800), ("1w", 604_800)],
)
def test_seconds_with_a_unit(text, seconds):
    assert Seconds().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["5y", "m", "", "5 minutes", "5mm", "5M"])
def test_no_seconds(text):
    with pytest.raises(click.BadParameter, match=f"'{text}' is no number of seconds"):
        Seconds().convert(text, None, None)


def test_patterns():
    assert Pattern().convert("a+", None, None) == "a+"
    with pytest.raises(click.BadParameter, match="no regular expression") as caught:
        Pattern().convert("hunter2(", None, None)
    assert "character 8" in str(caught.value)
    assert "hunter2" not in str(caught.value), "a pattern may be a secret"


@pytest.mark.parametrize("pattern", ["a{99999999999999999999}", "(" * 5000 + ")" * 5000, "["])
def test_what_python_cannot_compile_is_no_pattern(pattern):
    with pytest.raises(click.BadParameter, match="no regular expression"):
        Pattern().convert(pattern, None, None)


def test_a_pattern_that_a_later_python_may_read_anew_is_taken_without_a_word():
    assert Pattern().convert("[[a]", None, None) == "[[a]"


def test_existing_folder(tmp_path):
    assert existing(tmp_path) == tmp_path
    with pytest.raises(CommandError, match=r"no data folder .*--data"):
        existing(tmp_path / "none")
    assert not (tmp_path / "none").exists()
