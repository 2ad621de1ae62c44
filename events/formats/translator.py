"""Blocks of another program's lines to outcomes: the hot path of every foreign log."""

from __future__ import annotations

from functools import lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from events.errors import InvalidLineError
from events.formats.building import build
from events.formats.columns import UnusualError, nothing_else
from events.formats.companions import Companions, Settled
from events.formats.decisions import NOTHING, decide
from events.formats.objects import read_object
from events.formats.paths import lookup
from events.formats.plans import Plan, Sort, plans_of
from events.formats.sums import Sums
from events.limits import MAX_DEPTH
from events.model import MAX_LINE_BYTES
from events.nesting import is_too_deep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign

_PIECE_BYTES = 1 << 16
_SHORT = min(2 * MAX_DEPTH, MAX_LINE_BYTES - 1)
"""A line of at most so many bytes is neither too long nor too deep."""


class Report(Protocol):
    """Called for each invalid line."""

    def __call__(self, offset: int, reason: str) -> None:
        """Take the line's place (bytes from the start of its file) and what is wrong with it."""
        ...


def ignore(offset: int, reason: str) -> None:  # the shape of a Report
    """Report nothing."""


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
        StateError: ``state`` is none.
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
        for begin, piece in _pieces(data):
            block = _Piece(piece, offset + begin, found, report)
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
        for begin, piece in _pieces(data):
            block = _Piece(piece, offset + begin, sums.outcomes, report)
            plan = self._plans[self._form]
            seen, odd = _decode(block, plan)
            sorts = _sorts(plan, seen)
            for sort in set(sorts):
                _add(sums, sort, seen, sorts, odd)
            for place in sorted(odd):
                self._slowly(block, place)
            self._choose_form(block, odd)
        return sums

    def _translate(self, block: _Piece, plan: Plan) -> None:
        """Translate some lines together, and those that are unusual one by one."""
        seen, odd = _decode(block, plan)
        sorts = _sorts(plan, seen)
        made = {sort: _make(sort, seen, sorts, odd) for sort in set(sorts)}
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
                self._judge(block, place, partial(lookup, _content(block.rows[place])))
        self._choose_form(block, odd)

    def _choose_form(self, block: _Piece, odd: set[int]) -> None:
        """Take the other plan from now on, where that suits more of the unusual lines."""
        if len(self._plans) > 1 and 2 * len(odd) > len(block.rows):
            ours, other = self._plans[self._form], self._plans[1 - self._form]
            rows = [block.rows[place] for place in odd]
            if sum(map(other.has_other_form, rows)) < sum(map(ours.has_other_form, rows)):
                self._form = 1 - self._form

    def _slowly(self, block: _Piece, place: int) -> None:
        """Translate one line as the mapping says, whatever it is."""
        line = block.rows[place]
        if not line.strip(b" \t\r"):
            return
        block.found += outcomes_of(self._companions.count())
        try:
            get = partial(lookup, read_object(line))
        except InvalidLineError as error:
            block.refuse(place, error)
        else:
            self._judge(block, place, get)

    def _judge(self, block: _Piece, place: int, get: Callable[[str], Any]) -> None:
        """Take a line that was counted for what it is."""
        decision = decide(self._mapping, get)
        size = len(block.rows[place])
        try:
            if decision.kind is not None:
                outcome = build(self._mapping, decision.kind, get)
                if decision.is_alone:
                    block.found.append(outcome)
                else:
                    block.found += outcomes_of(self._companions.take(outcome, get, size))
            elif decision.companions:
                settled = self._companions.complete(decision.companions, get, size)
                block.found += outcomes_of(settled)
        except InvalidLineError as error:
            block.refuse(place, error)

    def overlong(self) -> list[Foreign]:
        """Count a line that was too long to be read; give what is settled by that."""
        return outcomes_of(self._companions.count())

    def waiting(self) -> list[Foreign]:
        """Give the outcomes that wait for a companion line, as they would be counted now."""
        return outcomes_of(self._companions.waiting())

    def state(self) -> object:
        """What another translator of the same log goes on from, for JSON; None if nothing waits."""
        return self._companions.state()


class _Piece:
    """Some lines that are translated together, and what came of them so far."""

    def __init__(self, data: bytes, offset: int, found: list[Foreign], report: Report) -> None:
        self.rows = data.split(b"\n")
        if not self.rows[-1]:
            self.rows.pop()
        self.found = found
        self.is_unicode = _is_unicode(data)
        self._report = report
        self._known = (0, offset)  # a line's place, and where it begins

    def refuse(self, place: int, error: InvalidLineError) -> None:
        """Report an invalid line; they come in their order."""
        known, offset = self._known
        offset += sum(map(len, islice(self.rows, known, place))) + place - known
        self._known = (place, offset)
        self._report(offset, error.reason)


def _pieces(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cut lines into pieces of few enough lines for the processor's cache."""
    begin = 0
    while begin < len(data):
        end = data.rfind(b"\n", begin, begin + _PIECE_BYTES) + 1
        end = end or data.find(b"\n", begin) + 1 or len(data)
        yield begin, data[begin:end]
        begin = end


def _decode(block: _Piece, plan: Plan) -> tuple[list[Any], set[int]]:
    """Read lines, and tell the places of those that are to be looked at slowly."""
    seen: list[Any] = []
    odd: set[int] = set()
    rows = iter(block.rows)
    while True:
        try:
            seen.extend(map(plan.decode, rows))
            break
        except (ValueError, RecursionError):
            odd.add(len(seen))
            seen.append(plan.blank)
    if max(map(len, block.rows)) > _SHORT:
        odd.update(
            place
            for place, line in enumerate(block.rows)
            if len(line) > _SHORT and is_too_deep(line)
        )
    if not block.is_unicode:  # msgspec does not look into the strings that it skips
        odd.update(place for place, line in enumerate(block.rows) if not _is_unicode(line))
    return seen, odd


def _make(
    sort: Sort,
    seen: list[Any],
    sorts: list[Sort],
    odd: set[int],
) -> Iterator[Foreign | None]:
    """Make the outcomes of the lines of one sort, in their order."""
    these = [each for each, own in zip(seen, sorts, strict=True) if own is sort]
    try:
        return iter(_outcomes(sort, these))
    except (ValueError, UnusualError):
        pass
    outcomes: list[Foreign | None] = []
    places = [place for place, own in enumerate(sorts) if own is sort]
    for place, each in zip(places, these, strict=True):
        try:
            outcomes += _outcomes(sort, [each])
        except (ValueError, UnusualError):
            outcomes.append(None)
            odd.add(place)
    return iter(outcomes)


def _sorts(plan: Plan, seen: list[Any]) -> list[Sort]:
    """Tell the sort of each line."""
    known = list(map(plan.sorts.get, map(plan.key, seen)))
    if None in known:
        return [sort or plan.find(each) for sort, each in zip(known, seen, strict=True)]
    return cast("list[Sort]", known)


def _add(sums: Sums, sort: Sort, seen: list[Any], sorts: list[Sort], odd: set[int]) -> None:
    """Add the lines of one sort, but for those that are to be looked at slowly."""
    if sort.add is None and sort.check is nothing_else:
        return
    add = sort.add or _nothing
    try:
        if odd:
            rows = zip(seen, sorts, range(len(seen)), strict=True)
            these = [each for each, own, place in rows if own is sort and place not in odd]
        else:
            these = [each for each, own in zip(seen, sorts, strict=True) if own is sort]
        sort.check(these)
        add(sums, these)
    except (ValueError, UnusualError):
        for place, own in enumerate(sorts):
            if own is not sort or place in odd:
                continue
            try:
                sort.check([seen[place]])
                add(sums, [seen[place]])
            except (ValueError, UnusualError):
                odd.add(place)


def _nothing(_: Sums, __: object) -> None:
    """Add nothing of lines that are no outcomes."""


def _outcomes(sort: Sort, seen: list[Any]) -> Iterable[Foreign | None]:
    sort.check(seen)
    return [None] * len(seen) if sort.make is None else sort.make(seen)


def _is_unicode(data: bytes) -> bool:
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _content(line: bytes) -> dict[str, Any]:
    """The JSON object in a line that msgspec took."""
    try:
        content: dict[str, Any] = msgspec.json.decode(line)
    except (ValueError, RecursionError):  # a number beyond what floats hold
        return read_object(line)
    return content


def outcomes_of(settled: list[Settled]) -> list[Foreign]:
    """What is counted now, without the places of its lines."""
    return [each.outcome for each in settled]
