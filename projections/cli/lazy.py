"""Commands that are imported when they are called, so that `syncstats --help` stays quick."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class Lazy(NamedTuple):
    """Where a command lives, and its line in the list of commands.

    Attributes:
        spec: `module:attribute` of the click command.
        short_help: One line, known without importing the module.
    """

    spec: str
    short_help: str


class LazyGroup(click.Group):
    """A group of commands given by name and place; listed in the order given.

    Called without a command it shows its help: that is what somebody wants who types it.

    Args:
        lazy: The commands by name.
        kwargs: What `click.Group` takes.
    """

    def __init__(self, *, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lazy = dict(lazy)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the group's own options; no argument at all is a call for help."""
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order in which somebody meets them."""
        return list(self.lazy)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import the command of that name; None when there is none."""
        entry = self.lazy.get(cmd_name)
        return None if entry is None else load(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; of one that there is not, the most alike is told."""
        name = args[0]
        if name not in self.lazy and not name.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches

            near = get_close_matches(name, self.lazy, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.short_help) for name, entry in self.lazy.items()])


def load(entry: Lazy) -> click.Command:
    """Import one command.

    Raises:
        TypeError: The entry names something else: a defect of this program.
    """
    module, _, attribute = entry.spec.partition(":")
    command = getattr(import_module(module), attribute)
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.spec} is no command")
    return command
