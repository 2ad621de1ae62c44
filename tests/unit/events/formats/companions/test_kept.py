"""By what outcomes and their companions find each other."""

from __future__ import annotations

import json

import pytest

from events.formats.companions.kept import key_of
from events.formats.mapping import Companion, Same, Source
from events.formats.presets import load_preset
from events.formats.translator import Translator
from tests.support.sidekiq_lines import line, told, warn

RULE = Companion(
    "after",
    ("failed",),
    (Same((Source(("id",)),), (Source(("job",), regex="[0-9]+"),)),),
    (),
    within_lines=3,
)


@pytest.fixture
def sidekiq():
    return Translator(load_preset("sidekiq"))


def test_each_line_has_its_own_place_for_what_they_share():
    assert key_of(RULE, {"id": "7"}.get, of_outcome=True) == '["7"]'
    assert key_of(RULE, {"job": "job 7"}.get, of_outcome=False) == '["7"]'


@pytest.mark.parametrize("value", [None, 7])
def test_a_line_that_lacks_it_has_no_key(value):
    assert key_of(RULE, {"job": value}.get, of_outcome=False) is None


def test_equal_numbers_are_the_same_and_a_text_is_another():
    keys = [key_of(RULE, {"id": value}.get, of_outcome=True) for value in (1, 1.0, "1", True)]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_long_values_in_common_are_kept_short(sidekiq):
    sidekiq.lines(line("fail", "t" * 100_000))
    assert len(json.dumps(sidekiq.state())) < 1000
    assert told(sidekiq.lines(warn("E: x", "t" * 100_000))) == [("j1", "E", False)]
