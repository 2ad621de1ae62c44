"""What was found, as it is kept: a file of figures, and a part of a page of the documentation."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from benchmarks.table import WIDTH, goals, part

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.figures import Part

_MARKED = re.compile(r"(<!-- bench: begin -->\n).*(<!-- bench: end -->\n)", re.DOTALL)


def summary(parts: Sequence[Part]) -> str:
    """All goals, with what was found."""
    return goals([goal for found in parts for goal in found.goals])


def machine_text(machine: Mapping[str, str]) -> str:
    """The machine in a few lines."""
    first = ["processor", "memory", "kernel", "Python", "syncstats"]
    told = [f"{name}: {machine[name]}" for name in first if name in machine]
    rest = ", ".join(f"{name} {version}" for name, version in machine.items() if name not in first)
    return "\n".join([*told, *textwrap.wrap(rest, WIDTH)])


def write_results(path: Path, machine: Mapping[str, str], parts: Sequence[Part]) -> None:
    """Keep all figures as JSON."""
    found = {"machine": machine, "parts": [each.to_dict() for each in parts]}
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def write_page(
    page: Path,
    machine: Mapping[str, str],
    parts: Sequence[Part],
    pictures: Mapping[str, str],
) -> None:
    """Put the figures between the marks of a page.

    Args:
        page: It.
        machine: What they were taken on.
        parts: They.
        pictures: By part, where its picture is as the page sees it.
    """
    pieces = [_fenced(machine_text(machine)), "### Goals", _fenced(summary(parts))]
    for found in parts:
        pieces += [f"### {found.title}", _fenced(part(found))]
        if found.name in pictures:
            pieces.append(f"![{found.title}, as a picture]({pictures[found.name]})")
    text = page.read_text(encoding="utf-8")
    body = "\n" + "\n\n".join(pieces) + "\n\n"
    page.write_text(_MARKED.sub(lambda match: match[1] + body + match[2], text), encoding="utf-8")


def _fenced(text: str) -> str:
    return f"```text\n{text}\n```"
