"""Options from a TOML file: one table a command, checked whole before anything runs.

    data = "/srv/syncstats"      # for every command
    [run]
    handler = "nfo:/media"
    concurrency = 4
    [dlq.list]
    limit = 20

The command line wins over the environment, the environment over the file, the file over the
defaults. A key that no command knows is refused: a setting that is silently ignored is a trap.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import click

from projections.cli.command import spelling
from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAX_BYTES = 1 << 20
_SHARED = "data"  # the one key that may stand above the tables
_NOT_IN_FILES = frozenset({"config", "help", "version"})


def load_config(root: click.Command, path: Path) -> dict[str, Any]:
    """Read and check a file of options.

    Args:
        root: The command group whose options the file may set.
        path: The TOML file.

    Returns:
        click's `default_map`: options by parameter name, one mapping a command.

    Raises:
        CommandError: The file cannot be read, is no TOML, or has a key or value that no command
            takes; the message names file and key.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise CommandError(f"{path}: the --config file is larger than 1 MiB: it is none")
        content = tomllib.loads(text.decode())
    except OSError as error:
        raise CommandError(f"{path}: the --config file cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: the --config file is no TOML: {error}") from error
    shared = content.pop(_SHARED, None)
    if shared is not None and not isinstance(shared, str):
        raise CommandError(f"{path}: key '{_SHARED}': give the data folder as a string")
    with click.Context(root, info_name=root.name) as ctx:
        return _group(ctx, root, content, shared, _Place(path))


class _Place:
    """Where in the file we are, for messages."""

    def __init__(self, path: Path, *keys: str) -> None:
        self.path = path
        self.keys = keys

    def at(self, key: str) -> _Place:
        return _Place(self.path, *self.keys, key)

    def wrong(self, what: str) -> CommandError:
        return CommandError(f"{self.path}: key '{'.'.join(self.keys)}': {what}")


def _group(
    ctx: click.Context, group: click.Command, table: Any, shared: str | None, place: _Place
) -> dict[str, Any]:
    if not isinstance(group, click.Group):
        return _command(ctx, group, table, shared, place)
    if not isinstance(table, dict):
        raise place.wrong("a table of options belongs here")
    names = group.list_commands(ctx)
    for key in table:
        if key not in names:
            raise place.at(key).wrong(f"no such command; there are {', '.join(names)}")
    values: dict[str, Any] = {}
    for name in names:
        command = group.get_command(ctx, name)
        if command is None:
            raise AssertionError(name)
        with click.Context(command, info_name=name, parent=ctx) as inner:
            values[name] = _group(inner, command, table.get(name, {}), shared, place.at(name))
    return values


def _command(
    ctx: click.Context, command: click.Command, table: Any, shared: str | None, place: _Place
) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise place.wrong("a table of options belongs here")
    options = {spelling(option): option for option in _options(command)}
    values: dict[str, Any] = {}
    if shared is not None and _SHARED in options:
        values[_SHARED] = shared
    for key, value in table.items():
        option = options.get(key.replace("_", "-"))
        if option is None or option.name is None:
            known = ", ".join(sorted(options))
            raise place.at(key).wrong(f"no such option; there are {known}")
        values[option.name] = _checked(ctx, option, value, place.at(key))
    return values


def _options(command: click.Command) -> Iterator[click.Option]:
    for param in command.params:
        if isinstance(param, click.Option) and param.name not in _NOT_IN_FILES:
            yield param


def _checked(ctx: click.Context, option: click.Option, value: Any, place: _Place) -> Any:
    """Refuse here what click would take in silence, such as `true` for 1."""
    if option.multiple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise place.wrong('give a list of strings, such as ["a", "b"]')
    elif option.is_flag:
        if not isinstance(value, bool):
            raise place.wrong("give true or false")
    elif isinstance(value, bool) or not isinstance(value, str | int | float):
        raise place.wrong("give a number or a string")
    try:
        option.type_cast_value(ctx, value)
    except click.BadParameter as error:
        raise place.wrong(error.message) from error
    return value
