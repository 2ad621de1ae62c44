"""Which dead letters a command is about, and what became of each."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from projections.cli.options import data_option, json_option

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sync_queue.dead_letters import LetterResult

letter_id = click.IntRange(1, 2**63 - 1)
"""The type of an ID: what a database key can be."""

DONE = frozenset({"retried", "purged", "would-retry", "would-purge"})
"""Outcomes of items that were done (or would be); all others are reasons why not."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen dead letters: by id, by type, or all; exactly one of them.

    Attributes:
        ids: Their ids.
        error_type: The error that they died of.
        everything: All of them.
        dry_run: Whether only to tell what would be done.
    """

    ids: tuple[int, ...]
    error_type: str | None
    everything: bool
    dry_run: bool

    def arguments(self) -> dict[str, Any]:
        """Give the keyword arguments of `DeadLetterQueue.retry` and `purge`."""
        return {
            "error_type": self.error_type,
            "everything": self.everything,
            "dry_run": self.dry_run,
        }


def choosing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the arguments and options that choose dead letters."""
    for add in (
        json_option(),
        data_option(),
        click.option("--dry-run", is_flag=True, help="Change nothing; say what would be done."),
        click.option("--all", "everything", is_flag=True, help="All dead letters."),
        click.option("--type", "error_type", metavar="T", help="All that died of this error."),
        click.argument("ids", metavar="[ID]...", nargs=-1, type=letter_id),
    ):
        function = add(function)
    return function


def choose(
    *, ids: Sequence[int], error_type: str | None, everything: bool, dry_run: bool
) -> Choice:
    """Check that exactly one way of choosing was used; the arguments are those of `choosing`.

    Raises:
        UsageError: None was, or several.
    """
    if bool(ids) + (error_type is not None) + everything != 1:
        raise click.UsageError(
            "choose dead letters by ID..., by --type T or with --all: one of them",
            click.get_current_context(),
        )
    return Choice(tuple(ids), error_type, everything, dry_run)


def none_there(choice: Choice) -> tuple[LetterResult, ...]:
    """Answer for a data folder in which nothing died yet: each named letter is missing."""
    from sync_queue.revival import missing

    return tuple(missing(each) for each in choice.ids)


def answer(results: Sequence[LetterResult], choice: Choice, *, as_json: bool) -> None:
    """Say what became of each item, and end with status 1 if one was not done."""
    from projections.cli.output import count, print_json, say

    done = sum(result.outcome in DONE for result in results)
    if as_json:
        print_json(
            {
                "dry_run": choice.dry_run,
                "done": done,
                "not_done": len(results) - done,
                "items": [asdict(result) for result in results],
            }
        )
    elif not results:
        say("No dead letter matches: nothing to do.")
    else:
        for result in results:
            say(result.message)
        if len(results) > 1:
            verb = "would be done" if choice.dry_run else "done"
            say(f"{count(done)} of {count(len(results))} {verb}.")
    if done < len(results):
        click.get_current_context().exit(1)
