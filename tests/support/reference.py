"""Writes docs/reference/cli.md from what the command says of itself: `make reference`.

A page written by hand would have to be compared option by option; this one is compared whole.
"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

import click

from tests.support.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = ROOT / "docs" / "reference" / "cli.md"
_INTRODUCTION = """\
# The command

Written by `make reference` from what each command says with `--help`; change it there.

With `--json` a command prints one JSON value on standard output and nothing else there. What is
read and written, and what an exit status means: [formats](formats.md).
"""


def walk(command: click.Command, name: str) -> Iterator[tuple[click.Context, click.Command]]:
    """List a command and all below it, each with a context that knows the words that call it."""
    root = click.Context(command, info_name=name, **command.context_settings)
    yield from _walk(command, root)


def _walk(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Context, click.Command]]:
    yield context, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is None:
                raise LookupError(f"{context.command_path} {name} is listed and cannot be loaded")
            yield from _walk(below, click.Context(below, info_name=name, parent=context))


def page(command: click.Command, name: str) -> str:
    """Write the whole reference of a command."""
    sections = [_INTRODUCTION, *(_section(*found) for found in walk(command, name))]
    return "\n".join(sections)


def _section(context: click.Context, command: click.Command) -> str:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"## `{context.command_path}`", "", *_text(command.help or ""), ""]
    lines += ["```", f"{context.command_path} {usage}", "```", ""]
    lines += ["| option | means |", "| --- | --- |"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            names = re.split(r", | / ", record[0])
            shown = ", ".join(f"`{_cell(name)}`" for name in names)
            lines.append(f"| {shown} | {_cell(_plain(record[1]))} |")
    if isinstance(command, click.Group):
        lines += ["", "| command | does |", "| --- | --- |"]
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            path = f"{context.command_path} {name}"
            anchor = path.replace(" ", "-")
            lines.append(f"| [`{path}`](#{anchor}) | {_first_sentence(below)} |")
    example = getattr(command, "example", "")
    if example:
        lines += ["", "```", *example.splitlines(), "```"]
    return "\n".join([*lines, ""])


def _text(written: str) -> list[str]:
    """A docstring as Markdown: unwrapped by nobody, with nothing that looks like HTML."""
    kept = inspect.cleandoc(written).split("\f", maxsplit=1)[0].replace("\b\n", "")
    return [_plain(line) for line in kept.strip().splitlines()]


def _plain(text: str) -> str:
    parts = re.split(r"(`[^`]*`)", re.sub(r"\s+", " ", text.rstrip()))
    return "".join(
        part if part.startswith("`") else part.replace("<", "&lt;").replace("*", r"\*")
        for part in parts
    )


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


def _first_sentence(command: click.Command | None) -> str:
    help_text = " ".join(_text(command.help or "" if command else ""))
    return _cell(re.split(r"(?<=[.:]) ", help_text, maxsplit=1)[0].rstrip(":.") + ".")


def main() -> None:
    """Write the page."""
    from projections.cli.main import cli

    REFERENCE.write_text(page(cli, "syncstats"), encoding="utf-8")


if __name__ == "__main__":
    main()
