"""Texts for which a pattern may take long are made of what it is made of."""

from __future__ import annotations

import pytest

from projections.cli.pattern_trial import texts_of


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("x+", "x" * 1000 + "\0"),
        ("a?" * 30 + "a" * 30, "a" * 30),
        (r"^key: (a+)+$", "key: " + "a" * 30 + "\0"),
        (r"^\[(?:[^\]]+)+\]", "[" + "a" * 30 + "\0"),
        (r"\x41+", "A" * 1000),
        (r"\d+-\w+ [k-z]", "0-a " + "k" * 30 + "\0"),
        (r"(?:abc)*", "abc" * 30),
        (r"a{2000}", "a" * 2000),
        ("ab", "ab" * 32),
    ],
)
def test_such_a_text_is_tried(pattern, text):
    assert text in set(texts_of(pattern))


@pytest.mark.parametrize("pattern", ["", "(", "[", "\\", "[]", "\\x4", "\ud800", "(?P<a>b)" * 500])
def test_anything_may_be_a_pattern(pattern):
    texts = list(texts_of(pattern))
    assert max(map(len, texts)) <= 9000
    assert len(texts) < 5000
