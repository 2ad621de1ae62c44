"""What a mapping makes of each line of a sample, told line by line: for who writes a mapping."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from events.errors import InvalidLineError
from events.formats.companions.pairing import Companions
from events.formats.lines.building import build
from events.formats.lines.decisions import decide
from events.formats.lines.objects import read_object
from events.formats.lines.paths import lookup
from events.json_text import is_blank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from events.formats.companions.kept import Settled
    from events.formats.mapping import Mapping
    from events.formats.outcome import Foreign

What = Literal["outcome", "waits", "completes", "companion", "settled", "ignored", "invalid"]
_SHOWN_PATHS = 3
_SHOWN_CHARS = 40


class Place(NamedTuple):
    """Where a line begins.

    Attributes:
        line: The number of the line in its file, from 1.
        inner: Of lines that were wrapped in it: the how manyth it is, from 1; else None.
    """

    line: int
    inner: int | None = None

    def __str__(self) -> str:
        return f"{self.line}" if self.inner in {None, 1} else f"{self.line}.{self.inner}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a line, or of an outcome for whose companion no more is waited.

    Attributes:
        place: The line's; of an outcome that is ``settled`` its own line's.
        what: ``outcome``: it is one; ``waits``: it is one, and waits for a companion;
            ``completes``: it was waited for; ``companion``: it is one, and no outcome waits;
            ``settled``: its companion did not come; ``ignored``; ``invalid``.
        reason: Why.
        outcome: The outcome, as far as it is known.
        of: The place of the outcome that this one completes.
    """

    place: Place
    what: What
    reason: str = ""
    outcome: Foreign | None = None
    of: Place | None = None


def explain(mapping: Mapping, lines: Iterable[tuple[Place, bytes]]) -> Iterator[Verdict]:
    r"""Tell what a mapping makes of a log's lines: their places, and they, with ``\n`` or without.

    Blank lines are not told of. The outcomes told as ``outcome``, ``completes`` or ``settled``
    are those that `events.formats.translator.Translator` gives.
    """
    story = _Story(mapping)
    for place, line in lines:
        bare = line.removesuffix(b"\n")
        if not is_blank(bare):
            yield from story.line(place, bare)
    yield from story.end()


class _Story:
    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._companions = Companions(mapping)
        self._places: dict[int, Place] = {}  # of lines whose outcomes wait: as counted, in the file
        self._asked = list(
            dict.fromkeys(
                condition.path
                for outcome in mapping.outcomes
                for condition in outcome.when
                if condition.exists is None
            )
        )

    def line(self, place: Place, line: bytes) -> Iterator[Verdict]:
        """Tell of a line, and of what is settled by it."""
        late = "the line that completes it did not come in time"
        yield from (self._settled(each, late) for each in self._companions.count())
        try:
            get = partial(lookup, read_object(line))
            yield from self._judge(place, get, len(line))
        except InvalidLineError as error:
            yield Verdict(place, "invalid", error.reason)

    def _judge(self, place: Place, get: Callable[[str], Any], size: int) -> Iterator[Verdict]:
        decision = decide(self._mapping, get)
        if decision.kind is not None:
            outcome = build(self._mapping, decision.kind, get)
            here = self._companions.line
            self._places[here] = place
            own: Verdict | None = None
            for each in self._companions.take(outcome, get, size):
                if each.line == here:
                    own = Verdict(place, "outcome", outcome=each.outcome)
                    del self._places[here]
                else:
                    yield self._settled(each, f"line {place} took its place")
            # A line before it may have changed what it is.
            yield own or Verdict(place, "waits", outcome=self._companions.waiting()[-1].outcome)
        elif decision.companions:
            settled = self._companions.complete(decision.companions, get, size)
            for each in settled:
                of = self._places.pop(each.line)
                yield Verdict(place, "completes", outcome=each.outcome, of=of)
            if not settled:
                yield Verdict(place, "companion", "of an outcome that comes, or of none")
        else:
            yield Verdict(place, "ignored", f"no outcome fits ({self._values(get)})")

    def _settled(self, each: Settled, reason: str) -> Verdict:
        return Verdict(self._places.pop(each.line), "settled", reason, each.outcome)

    def _values(self, get: Callable[[str], Any]) -> str:
        shown = [_shown(path, get(path)) for path in self._asked[:_SHOWN_PATHS]]
        return ", ".join(shown) + (", …" if len(self._asked) > _SHOWN_PATHS else "")

    def end(self) -> Iterator[Verdict]:
        """Tell of what still waits."""
        for each in self._companions.waiting():
            yield self._settled(each, "the line that completes it does not come any more")


def _shown(path: str, value: Any) -> str:
    if value is None:
        return f"{path} is missing"
    text = json.dumps(value, ensure_ascii=False)
    return f"{path} is {text[:_SHOWN_CHARS]}{'…' if len(text) > _SHOWN_CHARS else ''}"
