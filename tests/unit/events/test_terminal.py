from __future__ import annotations

import json

import pytest

from events.terminal import safe, safe_json


@pytest.mark.parametrize(
    "text", ["", "plain", "two words", "é 漢字 😀", "a\\b", "a\xa0b", "\U0001f468\u200d\U0001f469"]
)
def test_what_is_shown_stays_as_it_is(text):
    assert safe(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\nb\r\tc", "a\\x0ab\\x0d\\x09c"),
        ("\x00\x1b[31mred", "\\x00\\x1b[31mred"),
        ("\x7f", "\\x7f"),
        ("\x9b2J", "\\x9b2J"),
        ("\x80\x9f", "\\x80\\x9f"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("\u2066\u2069\u061c\u200e\u200f\u202a", "\\u2066\\u2069\\u061c\\u200e\\u200f\\u202a"),
        ("\ud800", "\\ud800"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, escaped):
    assert safe(text) == escaped


def test_every_control_is_escaped_and_the_result_can_be_printed():
    everything = "".join(map(chr, range(0x110000)))
    shown = safe(everything)
    assert shown.encode().decode() == shown
    assert not any(code < 0x20 or 0x7F <= code < 0xA0 for code in map(ord, set(shown)))
    assert safe(shown) == shown


def test_json_keeps_its_meaning_and_has_nothing_that_a_terminal_obeys():
    everything = {"a": "".join(chr(code) for code in range(0x3000))}
    line = json.dumps(everything, ensure_ascii=False, indent="\t").replace("\n", "\r")
    made = safe_json(line)
    assert json.loads(made) == everything
    assert safe(made) == made
    assert safe_json('{"a":\t"\x9b2J"}') == '{"a": "\\u009b2J"}'
