"""Lines of other programs through a mapping, beside loops written for one format."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.figures import Part

if TYPE_CHECKING:
    from benchmarks.asked import Asked


def measure(asked: Asked) -> Part:
    """Fold the same blocks in turn, in this process."""
    from benchmarks.formats import all_cases, speeds

    part = Part(
        "formats",
        f"Lines of other programs, {asked.events:,} of each",
        ["", "by hand, lines/s", "mapping, lines/s", "ratio"],
    )
    for case in all_cases(asked.events, asked.seed):
        by_hand, ours, ratio = speeds(case, asked.events, asked.rounds)
        part.rows.append([case.name, f"{by_hand:,.0f}", f"{ours:,.0f}", f"{ratio:.2f}x"])
        part.figures[case.name] = {"by_hand": by_hand, "mapping": ours, "ratio": ratio}
    part.notes.append(
        "By hand is a loop with msgspec that knows the one format. The rows without 'preset' make "
        "the same stats in both ways; presets also cut an error's type out of its message, by a "
        "regular expression. Time of the processor, one core."
    )
    return part
