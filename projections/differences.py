"""How what ``stats.json`` says of a stream differs from what the log says, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from projections.entry import Entry

_SHOWN = 5
"""How many differences of a stream are told."""


def differs(entry: Entry, log: Entry) -> str | None:
    """How an entry of stats.json differs from the fold up to its position, if it does."""
    if log == entry:
        return None
    position = entry.position
    if position.segment is None:
        return "stats.json does not say up to which place of the log it goes"
    if log.position != position:
        return (
            f"stats.json covers it up to seq {position.seq} (byte {position.offset} of segment "
            f"{position.segment}), the log does not hold that place"
        )
    ours, theirs = (dict(_flat(e.to_dict())) for e in (entry, log))
    wrong = [
        f"{name} is {ours.get(name)!r} in stats.json, {theirs.get(name)!r} in the log"
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]
    more = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
    return "; ".join(wrong[:_SHOWN] + more)


def _flat(data: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The values of nested objects, each under the names that lead to it."""
    for name, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield path.removeprefix("stats.") + name, value
