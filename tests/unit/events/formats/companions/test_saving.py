"""What waits is gone on with by another process, from JSON."""

from __future__ import annotations

import json

import pytest

from events.formats.companions.saving import WaitingError
from events.formats.presets import load_preset
from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Translator
from tests.support.sidekiq_lines import line, told, warn, within


@pytest.fixture
def sidekiq():
    return Translator(load_preset("sidekiq"))


def test_the_state_is_json_and_small_and_none_when_nothing_waits(sidekiq):
    assert sidekiq.state() is None
    sidekiq.lines(line("fail") + line("Adding dead SyncJob job j7", "z"))
    state = json.loads(json.dumps(sidekiq.state()))
    later = Translator(load_preset("sidekiq"), state)
    assert later.state() == state
    assert told(later.waiting()) == [("j1", "unknown", False)]
    found = later.lines(line("fail", "z", jid="j7") + warn("E: x", "z") + warn("F: x"))
    assert told(found) == [("j7", "E", True), ("j1", "F", False)]


def test_what_waited_for_a_companion_that_the_mapping_has_no_more_is_settled():
    translator = within(5)
    translator.lines(line("fail"))
    state = translator.state()
    plain = parse_mapping(
        'name = "x"\n[[outcomes]]\nis = "failed"\nwhen = { msg = "fail" }\n', "x.toml"
    )
    later = Translator(plain, state)
    assert len(later.waiting()) == 1
    assert Translator(plain, later.state()).waiting() == later.waiting()
    assert told(later.lines(line("start"))) == [("j1", "unknown", False)]
    assert later.state() is None


@pytest.mark.parametrize(
    "state",
    [
        1,
        {},
        [1],
        [{"ago": 1}],
        [{"ago": 1, "size": 1, "open": [[0, "k"]], "changes": {"nonsense": 1}}],
        [{"ago": -1, "size": 1, "open": [[1, "k"]], "outcome": {}}],
        [{"ago": 1, "size": -1, "open": [[1, "k"]], "outcome": {}}],
        [{"ago": 1, "size": 1, "open": [[1, "k"]], "outcome": {}}] * 2,
    ],
)
def test_what_is_no_state_is_refused(state):
    with pytest.raises(WaitingError, match="no state"):
        Translator(load_preset("sidekiq"), state)
