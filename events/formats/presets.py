"""The mappings that come with the program."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from events.formats.names import PRESETS
from events.formats.toml.mapping_file import MappingError, parse_mapping

if TYPE_CHECKING:
    from events.formats.mapping import Mapping


@cache
def load_preset(name: str) -> Mapping:
    """Give the mapping of that name, always the same object.

    Raises:
        MappingError: There is none.
    """
    return parse_mapping(preset_text(name), f"the preset {name}")


def preset_text(name: str) -> str:
    """Give a preset as the TOML that it is.

    Raises:
        MappingError: There is none of that name.
    """
    if name not in PRESETS:
        raise MappingError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}")
    return (files("events.formats") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
