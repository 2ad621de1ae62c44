"""What has a name is there, and nothing else."""

from __future__ import annotations

from importlib.resources import files

from events.formats.names import FORMATS, PRESETS, WRAPPED, WRAPPINGS
from events.formats.wrappings.unwrapping import Unwrapper


def test_each_preset_has_a_file():
    found = (files("events.formats") / "presets").iterdir()
    assert sorted(each.name for each in found) == [f"{name}.toml" for name in PRESETS]


def test_each_wrapping_can_be_taken_off():
    assert [Unwrapper(name).lines(b"").data for name in WRAPPINGS] == [b""] * 4


def test_what_may_be_said():
    assert FORMATS == ("native", "ecs", "oban", "sidekiq", "structlog", "auto")
    assert " ".join(WRAPPED) == "none docker cri journald syslog auto"
