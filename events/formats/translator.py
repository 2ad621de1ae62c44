"""Blocks of another program's lines to outcomes."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Protocol

from events.errors import InvalidLineError
from events.formats.building import build
from events.formats.companions import Companions, Settled
from events.formats.decisions import decide
from events.formats.objects import read_object
from events.formats.paths import lookup

if TYPE_CHECKING:
    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign


class Report(Protocol):
    """Called for each invalid line."""

    def __call__(self, offset: int, reason: str) -> None:
        """Take the line's place (bytes from the start of its file) and what is wrong with it."""
        ...


def ignore(offset: int, reason: str) -> None:  # the shape of a Report
    """Report nothing."""


class Compiled:
    """A mapping made ready for use; several translators may share it."""

    def __init__(self, mapping: Mapping) -> None:
        self.mapping = mapping


@lru_cache(maxsize=64)
def compile_mapping(mapping: Mapping) -> Compiled:
    """Make a mapping ready for use, once for each."""
    return Compiled(mapping)


class Translator:
    r"""Turns the lines of one log into outcomes, in the order of the lines that settle them.

    Args:
        mapping: How the lines are understood.
        state: What `state` of an earlier translator of the same log gave; None at its start.
        compiled: The mapping made ready, if the caller has it.
    """

    def __init__(
        self, mapping: Mapping, state: object = None, compiled: Compiled | None = None
    ) -> None:
        self._compiled = compile_mapping(mapping) if compiled is None else compiled
        self._mapping = mapping
        self._companions = Companions(mapping, state)

    def lines(self, data: bytes, offset: int = 0, report: Report = ignore) -> list[Foreign]:
        r"""Translate whole lines.

        Args:
            data: Lines, each ended by ``\n``. Blank ones are nothing.
            offset: Where ``data`` starts in its file, in bytes; for the report only.
            report: Told of each invalid line.

        Returns:
            The outcomes that are settled now.
        """
        found: list[Foreign] = []
        for line in data.split(b"\n"):
            at = offset
            offset += len(line) + 1
            if not line.strip(b" \t\r"):
                continue
            found += outcomes_of(self._companions.count())
            try:
                get = partial(lookup, read_object(line))
                decision = decide(self._mapping, get)
                if decision.kind is not None:
                    outcome = build(self._mapping, decision.kind, get)
                    if decision.is_alone:
                        found.append(outcome)
                    else:
                        found += outcomes_of(self._companions.take(outcome, get, len(line)))
                elif decision.companions:
                    settled = self._companions.complete(decision.companions, get, len(line))
                    found += outcomes_of(settled)
            except InvalidLineError as error:
                report(at, error.reason)
        return found

    def overlong(self) -> list[Foreign]:
        """Count a line that was too long to be read; give what is settled by that."""
        return outcomes_of(self._companions.count())

    def waiting(self) -> list[Foreign]:
        """Give the outcomes that wait for a companion line, as they would be counted now."""
        return outcomes_of(self._companions.waiting())

    def state(self) -> object:
        """What another translator of the same log goes on from, for JSON; None if nothing waits."""
        return self._companions.state()


def outcomes_of(settled: list[Settled]) -> list[Foreign]:
    """What is counted now, without the places of its lines."""
    return [each.outcome for each in settled]
