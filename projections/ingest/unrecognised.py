"""Logs whose format is to be recognised: their lines are held meanwhile, and looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.ingest.enough import is_enough

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.choosing import Choice
    from projections.ingest.held import Held
    from projections.ingest.watching import Read
    from projections.intake import Format

_SAY = "say which with --format, or describe them with --mapping FILE"


class Unrecognised:
    """Holds lines, and tells what comes of it.

    Args:
        held: Where they are held.
        choice: What was said of the format.
        told: Told of logs that are recognised, given up, or not recognised for long.
        name: Gives what a log is called.
    """

    def __init__(
        self,
        held: Held,
        choice: Choice,
        *,
        told: Callable[[str], None],
        name: Callable[[str], str],
    ) -> None:
        self._held = held
        self._choice = choice
        self._told = told
        self._name = name

    def hold(self, read: Read) -> str:
        """Hold lines, and tell of logs that are given up for it.

        Returns:
            Under which log they are held now.
        """
        piece = self._held.continued(read.text)
        for full in self._held.add(read):
            self._tell_given_up(full)
        return read.log if piece is None else piece.log

    def recognise(self, log: str) -> Format | None:
        """Look whether what is held of a log shows its format; give it up if nothing will.

        Returns:
            The format; what is held is to be counted then.
        """
        if self._held.is_given_up(log):
            return None
        sample = self._held.sample_to_try(log)
        format_ = self._choice.recognise(sample) if sample else None
        if format_ is not None:
            self._told(f"{self._name(log)}: {format_}")
        elif self._held.is_full(log) or (sample and is_enough(self._choice, sample)):
            self._held.give_up(log)
            self._tell_given_up(log)
        return format_

    def tell_overdue(self, now_ns: int) -> None:
        """Tell, once, of each log that has shown no format for some seconds; it may yet."""
        for log in self._held.overdue(now_ns):
            self._told(
                f"{self._name(log)}: its lines are in no format that is known, and are not counted "
                f"until they show one: if that is not to come, stop, and {_SAY}"
            )

    def _tell_given_up(self, log: str) -> None:
        self._told(
            f"{self._name(log)}: its lines are in no format that is known and are not counted: "
            f"stop, and {_SAY}; they are read then"
        )
