"""Runs a Markdown document's examples and compares what they print with what it shows.

A comment directly before a fenced block says what the block is; without one it is only shown.

``<!-- file: NAME -->``
    The block is the content of a file NAME.
``<!-- run -->`` or ``<!-- run: status=N -->``
    The block is run. In a ``console`` block each line that begins with ``$ `` is a command, the
    lines after it are what it prints (standard output and standard error together), and the status
    (0 unless said) is that of the last command. Any other block is one bash script, of which only
    the status is checked. In shown output ``…`` stands for any text within a line, and alone on a
    line for any number of lines.

A document's blocks are worked in order, in one folder that is empty at first.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_MARKED_BLOCK = re.compile(
    r"^<!-- (?P<what>file|run)(?:: *(?P<detail>[^ ]+))? -->\n+"
    r"```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_ANY_MARKER = re.compile(r"^<!-- (?:file|run)\b", re.MULTILINE)
_ELLIPSIS = "…"
TIMEOUT_S = 120
"""How long one command of an example may take."""


@dataclass(frozen=True)
class File:
    """A file that the document shows whole."""

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    """A command, what the document says that it prints (None: anything), and its exit status."""

    line: int
    text: str
    output: str | None
    status: int


def examples(markdown: str) -> list[File | Command]:
    """Read a document's marked blocks, in order.

    Raises:
        ValueError: A marker has no block after it, or says something unknown.
    """
    steps: list[File | Command] = []
    blocks = list(_MARKED_BLOCK.finditer(markdown))
    if len(blocks) != len(_ANY_MARKER.findall(markdown)):
        raise ValueError("a marker is not directly followed by a fenced block")
    for block in blocks:
        line = markdown.count("\n", 0, block.start("text")) + 1
        detail, text = block["detail"], block["text"]
        if block["what"] == "file":
            steps.append(File(line, detail, text))
            continue
        status = 0
        if detail is not None:
            key, _, value = detail.partition("=")
            if key != "status":
                raise ValueError(f"line {line}: unknown detail {detail!r}")
            status = int(value)
        if block["language"] == "console":
            steps.extend(_console(line, text, status))
        else:
            steps.append(Command(line, text, None, status))
    return steps


def _console(line: int, text: str, status: int) -> Iterator[Command]:
    lines = text.splitlines(keepends=True)
    starts = [number for number, shown in enumerate(lines) if shown.startswith("$ ")]
    if not starts or starts[0] != 0:
        raise ValueError(f"line {line}: a console block begins with a command")
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        command = lines[start].removeprefix("$ ").strip()
        last = end == len(lines)
        yield Command(line + start, command, "".join(lines[start + 1 : end]), status if last else 0)


def matches(shown: str, printed: str) -> bool:
    """Whether a command printed what is shown, but for ``…`` and space at the ends of lines."""
    pattern = ""
    for line in shown.splitlines():
        if line.strip() == _ELLIPSIS:
            pattern += r"(?:.*\n)*"
        else:
            pattern += ".*".join(re.escape(part) for part in line.rstrip().split(_ELLIPSIS)) + r"\n"
    lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    return re.fullmatch(pattern, lines) is not None


def run(steps: list[File | Command], folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Work all steps in a folder and return what was not as shown, each with its line."""
    problems = []
    for step in steps:
        if isinstance(step, File):
            path = folder / step.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, encoding="utf-8")
            path.chmod(0o755)
            continue
        ended = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", step.text],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=TIMEOUT_S,
            check=False,
        )
        where = f"line {step.line}: {step.text.strip()}"
        if ended.returncode != step.status:
            problems.append(f"{where}\nstatus {ended.returncode}, printed:\n{ended.stdout}")
        elif step.output is not None and not matches(step.output, ended.stdout):
            problems.append(f"{where}\nshown:\n{step.output}\nprinted:\n{ended.stdout}")
    return problems
