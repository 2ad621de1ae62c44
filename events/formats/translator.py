"""Blocks of another program's lines to outcomes: the hot path of every foreign log."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, cast

from events.errors import InvalidLineError
from events.formats.companions.kept import Settled
from events.formats.companions.pairing import Companions
from events.formats.fast.pieces import (
    Piece,
    add,
    content_of,
    decode,
    make,
    pieces_of,
    sorts_of,
)
from events.formats.fast.plans import Plan, plans_of
from events.formats.fast.sums import Sums
from events.formats.lines.building import build
from events.formats.lines.decisions import NOTHING, decide
from events.formats.lines.objects import read_object
from events.formats.lines.paths import lookup
from events.json_text import is_blank
from events.reporting import ignore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign
    from events.reporting import Report


class Compiled:
    """A mapping made ready for use; several translators may share it.

    Args:
        mapping: How lines are understood.
        fast: Whether the fast ways are used at all; without them the outcomes are the same.
    """

    def __init__(self, mapping: Mapping, *, fast: bool = True) -> None:
        self.mapping = mapping
        self.plans: tuple[Plan, ...] = plans_of(mapping) if fast else ()


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

    Raises:
        WaitingError: ``state`` is none.
    """

    def __init__(
        self, mapping: Mapping, state: object = None, compiled: Compiled | None = None
    ) -> None:
        self._mapping = mapping
        self._plans = (compile_mapping(mapping) if compiled is None else compiled).plans
        self._form = 0  # which plan took the last line that only one of them takes
        self._companions = Companions(mapping, state)
        self._counts = bool(mapping.companions) or state is not None

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
        for begin, piece in pieces_of(data):
            block = Piece(piece, offset + begin, found, report)
            if self._plans:
                self._translate(block, self._plans[self._form])
            else:
                for place in range(len(block.rows)):
                    self._slowly(block, place)
        return found

    def sums(self, data: bytes, offset: int = 0, report: Report = ignore) -> Sums:
        """Translate lines as `lines` does, and add the outcomes up: faster, where none is shown."""
        sums = Sums()
        if self._counts or not self._plans:
            sums.outcomes = self.lines(data, offset, report)
            return sums
        for begin, piece in pieces_of(data):
            block = Piece(piece, offset + begin, sums.outcomes, report)
            plan = self._plans[self._form]
            seen, odd = decode(block, plan)
            sorts = sorts_of(plan, seen)
            for sort in set(sorts):
                add(sums, sort, seen, sorts, odd)
            for place in sorted(odd):
                self._slowly(block, place)
            self._choose_form(block, odd)
        return sums

    def _translate(self, block: Piece, plan: Plan) -> None:
        """Translate some lines together, and those that are unusual one by one."""
        seen, odd = decode(block, plan)
        sorts = sorts_of(plan, seen)
        made = {sort: make(sort, seen, sorts, odd) for sort in set(sorts)}
        if not odd and not self._counts:
            outcomes = map(next, map(made.__getitem__, sorts))
            if all(sort.make for sort in made):
                block.found += cast("Iterator[Foreign]", outcomes)
            else:
                block.found += [outcome for outcome in outcomes if outcome is not None]
            return
        for place, sort in enumerate(sorts):
            outcome = next(made[sort])
            if place in odd:
                self._slowly(block, place)
                continue
            block.found += outcomes_of(self._companions.count())
            if outcome is not None:
                block.found.append(outcome)
            elif sort.decision is not NOTHING:
                self._judge(block, place, partial(lookup, content_of(block.rows[place])))
        self._choose_form(block, odd)

    def _choose_form(self, block: Piece, odd: set[int]) -> None:
        """Take the other plan from now on, where that suits more of the unusual lines."""
        if len(self._plans) > 1 and 2 * len(odd) > len(block.rows):
            ours, other = self._plans[self._form], self._plans[1 - self._form]
            rows = [block.rows[place] for place in odd]
            if sum(map(other.has_other_form, rows)) < sum(map(ours.has_other_form, rows)):
                self._form = 1 - self._form

    def _slowly(self, block: Piece, place: int) -> None:
        """Translate one line as the mapping says, whatever it is."""
        line = block.rows[place]
        if is_blank(line):
            return
        block.found += outcomes_of(self._companions.count())
        try:
            get = partial(lookup, read_object(line))
        except InvalidLineError as error:
            block.refuse(place, error)
        else:
            self._judge(block, place, get)

    def _judge(self, block: Piece, place: int, get: Callable[[str], Any]) -> None:
        """Take a line that was counted for what it is."""
        try:
            block.found += outcomes_of(self._settled_by(get, len(block.rows[place])))
        except InvalidLineError as error:
            block.refuse(place, error)

    def _settled_by(self, get: Callable[[str], Any], size: int) -> list[Settled]:
        decision = decide(self._mapping, get)
        if decision.kind is not None:
            outcome = build(self._mapping, decision.kind, get)
            if decision.is_alone:
                return [Settled(outcome, self._companions.line)]
            return self._companions.take(outcome, get, size)
        if decision.companions:
            return self._companions.complete(decision.companions, get, size)
        return []

    def line(self, line: bytes, report: Report = ignore) -> list[Settled]:
        r"""Translate one line as `lines` does, and tell which line each outcome is of.

        Args:
            line: The line, without its ``\n``; not a blank one.
            report: Told if it is invalid, with the offset 0.
        """
        settled = self._companions.count()
        try:
            settled += self._settled_by(partial(lookup, read_object(line)), len(line))
        except InvalidLineError as error:
            report(0, error.reason)
        return settled

    def overlong(self) -> list[Foreign]:
        """Count a line that was too long to be read; give what is settled by that."""
        return outcomes_of(self._companions.count())

    def waiting(self) -> list[Foreign]:
        """Give the outcomes that wait for a companion line, as they would be counted now."""
        return outcomes_of(self.unsettled())

    def unsettled(self) -> list[Settled]:
        """Give what `waiting` gives, with the line of each."""
        return self._companions.waiting()

    def state(self) -> object:
        """What another translator of the same log goes on from, for JSON; None if nothing waits."""
        return self._companions.state()


def outcomes_of(settled: list[Settled]) -> list[Foreign]:
    """What is counted now, without the places of its lines."""
    return [each.outcome for each in settled]
