"""Lines that another program has wrapped: taken out of Docker's, Kubernetes', the system's log.

What is inside is given as if it had never been wrapped: lines that were split are joined.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from events.formats.wrappings import cri, docker, journald, syslog
from events.formats.wrappings.inner import Inner, Partials
from events.reporting import ignore

if TYPE_CHECKING:
    from collections.abc import Callable

    from events.formats.wrappings.inner import Unfinished
    from events.reporting import Report

_READ: dict[str, Callable[[bytes, int, Partials, Inner], None]] = {
    "docker": docker.read,
    "cri": cri.read,
    "journald": journald.read,
    "syslog": syslog.read,
}
_ZEROS = re.compile(rb"^\0+", re.MULTILINE)  # they may stand before a line, as before any
_SHARED = ("journald", "syslog")
"""Where one log holds what many programs write; text that cannot be an object is not meant."""


@dataclass(frozen=True, slots=True)
class Unwrapped:
    r"""Inner lines that follow one another.

    Attributes:
        data: The lines, each ended by ``\n``; none is blank.
        offsets: Where in the outer text each of them began, in bytes: at the outer line that holds
            its beginning; of one that began in an earlier file, at the one that holds its end.
    """

    data: bytes
    offsets: list[int]


class Unwrapper:
    r"""Unwraps the lines of one log.

    A record that holds a part of a line waits for the rest, which comes in the next record of the
    same writer. A line that gets longer than 1 MiB is passed over, and told once. What other
    programs write into the same journal or syslog, text that is no object, is passed over, too.

    Args:
        wrapping: One of `events.formats.names.WRAPPINGS`.
        state: What `state` of an earlier unwrapper of the same log gave; None at its start.

    Raises:
        EventsError: The state is none of ours.
    """

    def __init__(self, wrapping: str, state: object = None) -> None:
        self._read = _READ[wrapping]
        self._is_shared = wrapping in _SHARED
        self._partials = Partials(state)

    def lines(
        self, data: bytes, offset: int = 0, report: Report = ignore, source: str = ""
    ) -> Unwrapped:
        r"""Unwrap whole lines.

        Args:
            data: Lines, each ended by ``\n``. Blank ones are nothing, inside and outside.
            offset: Where ``data`` starts in its file, in bytes.
            report: Told of each line that is not so wrapped, and of inner lines that are too long.
            source: The file's name, for what is told of a line that goes on in a later file.
        """
        self._partials.enter(offset, source)
        inner = Inner(report, is_shared=self._is_shared, source=source)
        begin = 0
        if data[:1] == b"\0" or b"\n\0" in data:
            for zeros in _ZEROS.finditer(data):
                self._read(data[begin : zeros.start()], offset + begin, self._partials, inner)
                begin = zeros.end()
        self._read(data[begin:], offset + begin, self._partials, inner)
        inner.lines.append(b"")  # for the last one's end
        return Unwrapped(b"\n".join(inner.lines), inner.offsets)

    def unfinished(self) -> list[Unfinished]:
        """Give the lines whose ends have not come; they are lost if no more lines come."""
        return self._partials.unfinished()

    def state(self) -> object:
        """What another unwrapper of the same log goes on from, for JSON; None if nothing waits."""
        return self._partials.state()
