"""The class of every command: help with an example, and options from a file."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import click


class Command(click.Command):
    """A command whose help ends in an example that runs, and which takes `--config`.

    Args:
        example: Shell lines, run as they stand by the tests.
        kwargs: What `click.Command` takes.
    """

    def __init__(self, *args: Any, example: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.example = dedent(example).strip()
        self.params.append(config_option(allow_from_autoenv=False))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Let the environment set each option under the name that `--help` shows.

        click would take the name of the function's argument, which is not `json` or `type`.
        """
        for param in self.params:
            if isinstance(param, click.Option) and param.allow_from_autoenv:
                name = spelling(param).replace("-", "_").upper()
                own = f"{ctx.auto_envvar_prefix}_{name}"
                shared = [param.envvar] if isinstance(param.envvar, str) else param.envvar or []
                param.envvar = [own, *(each for each in shared if each != own)]
        if not self._works_on_data_alone():
            return super().parse_args(ctx, args)
        ctx.allow_extra_args = True  # a folder that was named without --data is told what it lacks
        left = super().parse_args(ctx, args)
        if ctx.args and not ctx.resilient_parsing:
            from projections.cli.misplaced import refuse_arguments

            refuse_arguments(ctx, ctx.args)
        return left

    def _works_on_data_alone(self) -> bool:
        """Whether it takes a data folder, and no argument."""
        has_data = any(param.name == "data" for param in self.params)
        return has_data and not any(isinstance(param, click.Argument) for param in self.params)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the example below the options, its lines unwrapped."""
        super().format_epilog(ctx, formatter)
        if self.example:
            with formatter.section("Example"):
                for line in self.example.splitlines():
                    formatter.write(f"  {line}\n")


def spelling(option: click.Option) -> str:
    """An option's name as it stands in `--help`, without the dashes before it: `retry-base`."""
    return max(option.opts, key=len).lstrip("-")


def config_option(*, allow_from_autoenv: bool) -> click.Option:
    """Make the option `--config FILE`, which gives the other options their defaults.

    Args:
        allow_from_autoenv: Whether the environment sets it too (`SYNCSTATS_CONFIG`): for the
            root only, so that a file named on the command line wins.
    """
    return click.Option(
        ["--config"],
        metavar="FILE",
        type=click.Path(path_type=Path),
        is_eager=True,  # before the options that it gives values to
        expose_value=False,
        allow_from_autoenv=allow_from_autoenv,
        callback=_apply,
        help="Read options from this TOML file.",
    )


def _apply(ctx: click.Context, param: click.Parameter, path: Path | None) -> None:  # noqa: ARG001 - click's signature
    if path is None or ctx.resilient_parsing:
        return
    from projections.cli.config import load_config

    root = ctx.find_root()
    values = load_config(root.command, path)
    for name in ctx.command_path.split()[1:]:
        values = values.get(name, {})
    ctx.default_map = values
