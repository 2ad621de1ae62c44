"""Choosing which of several streams' oldest segments go: too old, or more than is to stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from events.errors import EventsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from projections.prunable import PrunableStream

Failed: TypeAlias = "Callable[[PrunableStream, Exception], None]"
"""Told of a stream whose oldest segment cannot be read; it has to keep the rest of it back."""


def take_by_age(streams: Mapping[str, PrunableStream], before_us: int, failed: Failed) -> None:
    """Take from each stream the oldest segments in which no event is as new as a moment.

    Args:
        streams: By name.
        before_us: The moment, in microseconds since 1970 UTC.
        failed: Told of streams that cannot be read.
    """
    for stream in streams.values():
        while stream.oldest is not None:
            newest_us = _newest_us(stream, failed)
            if newest_us is None or newest_us >= before_us or not _take(stream, failed):
                break


def take_by_size(streams: Mapping[str, PrunableStream], size: int, failed: Failed) -> None:
    """Take the oldest segments of all streams until the others are no larger than a size.

    Args:
        streams: By name; of segments of one age, that of the first name goes first.
        size: In bytes, of all streams.
        failed: Told of streams that cannot be read.
    """
    ages = {
        name: newest_us
        for name, stream in streams.items()
        if stream.oldest is not None and (newest_us := _newest_us(stream, failed)) is not None
    }
    while ages and sum(stream.size for stream in streams.values()) > size:
        name = min(ages, key=lambda name: (ages[name], name))
        stream = streams[name]
        newest_us = None
        if _take(stream, failed) and stream.oldest is not None:
            newest_us = _newest_us(stream, failed)
        if newest_us is None:
            del ages[name]
        else:
            ages[name] = newest_us


def _newest_us(stream: PrunableStream, failed: Failed) -> int | None:
    """The newest moment in a stream's oldest segment; None if it cannot be read.

    Where no line says when it was written, nothing in it is new.
    """
    try:
        newest_us = stream.newest_us()
    except (OSError, EventsError) as error:
        failed(stream, error)
        return None
    return -(1 << 63) if newest_us is None else newest_us


def _take(stream: PrunableStream, failed: Failed) -> bool:
    try:
        return stream.take()
    except (OSError, EventsError) as error:
        failed(stream, error)
        return False
