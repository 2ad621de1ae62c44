"""Pictures of what was found, as SVG with matplotlib, which may be missing."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from benchmarks.figures import Part

_OURS, _OTHERS, _INK = "#2166ac", "#b0b7bf", "#333333"
# The same picture for the same figures: no time, no random ids.
_RC = {
    "svg.hashsalt": "syncstats",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def can_draw() -> bool:
    """Whether matplotlib is here."""
    return find_spec("matplotlib") is not None


def draw(parts: Sequence[Part], folder: Path) -> list[str]:
    """Draw what there is a picture of; gives the names of the parts that have one."""
    import matplotlib as mpl

    mpl.use("svg")
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    with mpl.rc_context(_RC):
        for part in parts:
            picture = _PICTURES.get(part.name)
            if picture is not None:
                figure = picture(part)
                # White below, so that dark pages show it, too.
                figure.savefig(
                    folder / f"{part.name}.svg",
                    metadata={"Date": None, "Creator": None},
                    facecolor="white",
                )
                _mend(folder / f"{part.name}.svg")
                drawn.append(part.name)
    return drawn


def _mend(path: Path) -> None:
    """Take blanks off the ends of lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n", encoding="utf-8")


def _figure(rows: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 1.2 + 0.28 * rows), layout="constrained")
    return figure, figure.subplots()


def _bars(values: Mapping[str, float], label: str, *, log: bool = False) -> Any:
    """Horizontal bars, the longest on top, ours in colour."""
    names = sorted(values, key=lambda name: values[name])
    figure, axes = _figure(len(names))
    colours = [_OURS if name.startswith("syncstats") else _OTHERS for name in names]
    bars = axes.barh(names, [values[name] for name in names], color=colours)
    axes.bar_label(bars, labels=[f"{values[name]:,.0f}" for name in names], padding=3, fontsize=8)
    if log:
        axes.set_xscale("log")
        label += " (logarithmic)"
    axes.set_xlabel(label)
    axes.margins(x=0.12)
    return figure


def _replay(part: Part) -> Any:
    return _bars(part.figures["lines_per_s"], "lines a second", log=True)


def _recording(part: Part) -> Any:
    return _bars(part.figures["jobs_per_s"], "jobs a second")


def _growth(part: Part) -> Any:
    """Seconds and memory over millions of lines."""
    from statistics import median

    from matplotlib.figure import Figure

    runs: dict[str, list[dict[str, float]]] = part.figures["runs"]
    sizes = [int(lines) / 1e6 for lines in runs]
    seconds = [median(run["wall_s"] for run in each) for each in runs.values()]
    peaks = [max(run["peak_bytes"] for run in each) / 1e6 for each in runs.values()]
    figure = Figure(figsize=(7.5, 2.8), layout="constrained")
    for axes, values, label in zip(
        figure.subplots(1, 2), (seconds, peaks), ("seconds", "peak MB"), strict=True
    ):
        axes.plot(sizes, values, marker="o", color=_OURS)
        axes.set_xlabel("million lines")
        axes.set_ylabel(label, color=_INK)
        axes.set_ylim(0, max(values) * 1.1)
        axes.set_xlim(left=0)
    return figure


_PICTURES: Mapping[str, Callable[[Part], Any]] = {
    "replay": _replay,
    "growth": _growth,
    "recording": _recording,
}
