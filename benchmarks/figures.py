"""What a part of the benchmark found: a table, goals, and the figures that they are made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.runs import Timed

HOLDS = "holds"
FALLS_SHORT = "falls short"
UNKNOWN = "not measured"
_SMALL = 10  # limits so small are shown with decimals, whatever the unit


@dataclass(frozen=True)
class Goal:
    """Something that was promised, and what was found.

    Attributes:
        what: What is measured.
        wanted: The limit.
        found: The figure; None where it could not be measured.
        unit: What both are in: ``x``, ``%``, ``s``, ``ms``, ``MB``, ``/s``.
        at_least: Whether the limit is the least, else the most.
    """

    what: str
    wanted: float
    found: float | None
    unit: str
    at_least: bool = True

    @property
    def verdict(self) -> str:
        """Whether it holds."""
        if self.found is None:
            return UNKNOWN
        held = self.found >= self.wanted if self.at_least else self.found <= self.wanted
        return HOLDS if held else FALLS_SHORT

    @property
    def limit(self) -> str:
        """The limit, as tables show it."""
        return f"{'>=' if self.at_least else '<='} {self._shown(self.wanted)}"

    @property
    def figure(self) -> str:
        """What was found, as tables show it: what falls short by little does not look as if not."""
        if self.found is None:
            return "-"
        text = self._shown(self.found)
        if self.verdict == FALLS_SHORT and text == self._shown(self.wanted):
            return self._shown(self.found, 2)
        return text

    def _shown(self, value: float, more: int = 0) -> str:
        whole = {"%", "MB", "/s", "ms"} if abs(self.wanted) > _SMALL else set()
        digits = (0 if self.unit in whole else 2) + more
        gap = "" if self.unit in {"x", "%", "/s"} else " "
        return f"{value:,.{digits}f}{gap}{self.unit}"


@dataclass
class Part:
    """A part of the benchmark.

    Attributes:
        name: As it is asked for.
        title: For people.
        heads: The table's columns; the first one is of words, the others of numbers.
        rows: Its rows.
        notes: What is to be known to read it.
        goals: What was promised.
        figures: What the table was made of, to be kept.
        missing: What would have been measured, were it installed.
    """

    name: str
    title: str
    heads: list[str]
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the file of results."""
        found = asdict(self)
        for goal, values in zip(self.goals, found["goals"], strict=True):
            values["verdict"] = goal.verdict
        return found


def kept(timed: Iterable[Timed]) -> dict[str, Any]:
    """The runs of some ways, to be kept."""
    return {each.name: [asdict(run) for run in each.runs] for each in timed}


def ratio(one: float | None, other: float | None) -> float | None:
    """How many times the other is in the one, where both were measured."""
    return None if not one or not other else one / other
