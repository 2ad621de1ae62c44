"""Which format a log is in: as somebody said, or as its first lines show."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from events.errors import EventsError
from events.formats.names import AUTO, NATIVE, NONE, PRESETS, WRAPPINGS
from events.json_text import is_blank
from projections.errors import SourceError
from projections.intake import Format

if TYPE_CHECKING:
    from events.formats.mapping import Mapping

SAMPLE_BYTES = 1 << 20
"""So much of a log's start is looked at, at most."""


@dataclass(frozen=True)
class Choice:
    """What was said of the format of some logs.

    Attributes:
        name: ``native``, the name of the mapping, or ``auto``: to be recognised.
        mapping: The mapping; None for ``native`` and ``auto``.
        wrapped: What has wrapped the lines, ``none``, or ``auto``: to be recognised.
    """

    name: str = NATIVE
    mapping: Mapping | None = None
    wrapped: str = NONE

    @property
    def known(self) -> Format | None:
        """The format, where no line has to be looked at."""
        if AUTO in {self.name, self.wrapped}:
            return None
        return Format(self.name, self.mapping, None if self.wrapped == NONE else self.wrapped)

    @property
    def may_be_native(self) -> bool:
        """Whether our own lines, as they stand, are among what was said."""
        return self.name in {NATIVE, AUTO} and self.wrapped in {NONE, AUTO}

    def recognise(self, sample: bytes) -> Format | None:
        """Look at the first lines of a log.

        Args:
            sample: Whole lines, at most `SAMPLE_BYTES`.

        Returns:
            The format; None where they do not show it.
        """
        if self.known is not None:
            return self.known
        if self.name != AUTO:
            return Format(self.name, self.mapping, _wrapping(sample))
        from events.formats.recognition import recognise

        wrapping = None if self.wrapped in {NONE, AUTO} else self.wrapped
        found = recognise(sample if wrapping is None else _unwrapped(sample, wrapping))
        if found is None or (found.wrapping is not None and self.wrapped != AUTO):
            return None
        return known_format(found.format, wrapping or found.wrapping)


def known_format(name: str, wrapping: str | None) -> Format | None:
    """The format that has this name without any file: our own, or a preset's; else None."""
    if name == NATIVE:
        return Format(wrapping=wrapping)
    from events.formats.presets import load_preset

    if name not in PRESETS:
        return None
    return Format(name, load_preset(name), wrapping)


def unrecognised(name: str) -> SourceError:
    """What is said of a log whose first lines show no format."""
    return SourceError(
        f"the lines of {name} are in no format that is known: say which with --format, or describe "
        "them with --mapping FILE"
    )


def whole_lines(head: bytes) -> bytes:
    """What of the first bytes of a log is whole lines; b"" where none of them says anything."""
    sample = head[: head.rfind(b"\n") + 1]
    return b"" if all(map(is_blank, sample.split(b"\n"))) else sample


class Head(NamedTuple):
    """How a file begins.

    Attributes:
        hole: How many zero bytes it has before anything else: they belong to no line.
        data: What follows, as many bytes as a sample has.
    """

    hole: int
    data: bytes


def read_head(file: BinaryIO) -> Head:
    """Read how a file begins; of a damaged one what can be read."""
    hole, head = 0, bytearray()
    with suppress(EventsError):  # told when it is read
        while len(head) < SAMPLE_BYTES and (data := file.read(SAMPLE_BYTES - len(head))):
            text = data if head else data.lstrip(b"\0")
            hole += len(data) - len(text)
            head += text
    return Head(hole, bytes(head))


def _unwrapped(sample: bytes, wrapping: str) -> bytes:
    from events.formats.wrappings.unwrapping import Unwrapper

    return Unwrapper(wrapping).lines(sample).data


def _wrapping(sample: bytes) -> str | None:
    """What has wrapped lines whose format is known otherwise: what all of them show."""
    from events.formats.recognition import recognise
    from events.formats.wrappings.unwrapping import Unwrapper

    found = recognise(sample)
    if found is not None:
        return found.wrapping
    for wrapping in WRAPPINGS:
        refused: list[int] = []
        inner = Unwrapper(wrapping).lines(sample, 0, lambda offset, reason: refused.append(offset))  # noqa: ARG005, B023 - the shape of a report; called here
        if inner.data and not refused:
            return wrapping
    return None
