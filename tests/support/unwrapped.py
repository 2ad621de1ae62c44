"""What comes out of a wrapping, for tests of the wrappings."""

from __future__ import annotations

from events.formats.wrappings.unwrapping import Unwrapper


def unwrap(
    wrapping: str, data: bytes, offset: int = 0
) -> tuple[list[bytes], list[int], list[tuple[int, str]]]:
    """The inner lines, their places, and what was invalid; nothing may wait at the end."""
    found: list[tuple[int, str]] = []
    unwrapper = Unwrapper(wrapping)
    result = unwrapper.lines(data, offset, lambda at, reason: found.append((at, reason)))
    assert result.data.count(b"\n") == len(result.offsets)
    assert unwrapper.state() is None
    return result.data.split(b"\n")[:-1], result.offsets, found
