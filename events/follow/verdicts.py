"""What a file turns out to be that was not known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from events.follow.tracked import Tracked


@dataclass(frozen=True, slots=True)
class Own:
    """A file of its own."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It cannot be said yet; ``broken`` tells why an archive cannot be read."""

    broken: str = ""


@dataclass(frozen=True, slots=True)
class Copy:
    """All that it holds is handed out from the other file."""

    original: Tracked


@dataclass(frozen=True, slots=True)
class Continues:
    """It goes on with what was read of the other file, which is gone or becomes its copy."""

    memory: Tracked


Verdict = Own | Wait | Copy | Continues
