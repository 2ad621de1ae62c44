"""Mappings of somebody's own, whose patterns are tried out before a log is read with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from events.formats.toml.mapping_file import parse_mapping, read_text, regexes, wrong
from projections.cli.patterns import ADVICE, first_that_takes_for_ever

if TYPE_CHECKING:
    from pathlib import Path

    from events.formats.mapping import Mapping


def read_checked(path: Path) -> Mapping:
    """Read a mapping from its file.

    Raises:
        MappingError: It cannot be used, or one of its patterns may take for ever.
    """
    text = read_text(path)
    mapping = parse_mapping(text, str(path))
    found = regexes(text)
    slow = first_that_takes_for_ever([pattern for _, pattern in found])
    if slow is not None:
        raise wrong(text, str(path), found[slow][0], f"this {ADVICE}")
    return mapping
