"""What a state remembers of formats, and what of that holds in a run that may say others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from events.errors import EventsError
from events.formats.names import AUTO
from projections.choosing import known_format
from projections.errors import StateError
from projections.fold import Fold
from projections.ingest.state import MEND, LogState
from projections.intake import Format, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.choosing import Choice
    from projections.ingest.state import State


class FormatsNow:
    """The formats that hold now, each made once, since there may be thousands of logs in few.

    Args:
        choice: What is said of them.
    """

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._known: dict[tuple[str, str | None], Format | None] = {}
        self._have: dict[tuple[str, str | None, str], bool] = {}
        self._kept: dict[tuple[str, str | None], LogState] = {}

    def of(self, kept: LogState) -> Format | None:
        """In which format a log is that was read before; None: that is to be recognised again."""
        what = kept.format, kept.wrapping
        if what not in self._known:
            self._known[what] = self._find(kept)
        return self._known[what]

    def known(self, kept: LogState | None) -> Format | None:
        """The format of a log of which that is kept; None if its lines are to show it."""
        if self._choice.known is not None:
            return self._choice.known
        return None if kept is None else self.of(kept)

    def is_same(self, kept: LogState) -> bool:
        """Whether the log's lines are understood as before."""
        now = self.of(kept)
        what = kept.format, kept.wrapping, kept.key
        if what not in self._have:
            self._have[what] = now is not None and now.has_key(kept.key)
        return self._have[what]

    def kept(self, format_: Format) -> LogState:
        """What is kept of a log in this format in which nothing waits."""
        what = format_.name, format_.wrapping
        if what not in self._kept:
            self._kept[what] = LogState(*what, format_.key)
        return self._kept[what]

    def _find(self, kept: LogState) -> Format | None:
        if self._choice.known is not None:
            return self._choice.known
        if self._choice.name != AUTO:
            return Format(self._choice.name, self._choice.mapping, kept.wrapping)
        return known_format(kept.format, kept.wrapping)


def check_waiting(
    state: State, choice: Choice, where: str, name: Callable[[str], str] = str
) -> None:
    """Check that what waits can be gone on with, before anything is read.

    Args:
        state: As it was read.
        choice: What is said of the formats now.
        where: The state's file, for messages.
        name: Gives what a log is called.

    Raises:
        StateError: It is damaged.
    """
    formats = FormatsNow(choice)
    for log, kept in state.logs.items():
        now = formats.of(kept)
        if kept.waiting is None or now is None or not formats.is_same(kept):
            continue
        try:
            waiting = Intake(Fold(), now, state=kept.waiting).waiting()
        except EventsError as error:
            raise StateError(
                f"{where} is damaged: what waits in {name(log)} cannot be read ({error}); {MEND}"
            ) from error
        if waiting and state.settled is None:
            raise StateError(
                f"{where} is damaged: what waits in {name(log)} was counted for good; {MEND}"
            )


def remembered_state(
    state: State,
    formats: FormatsNow,
    told: Callable[[str], None],
    name: Callable[[str], str] = str,
) -> State:
    """The state to go on from: its entries are those without what waits.

    Where the format of a log is not any more what it was, its lines are understood anew from where
    the last run ended. Then all that waits, of every log, counts as it stands: it is in the
    visible entry already.

    Args:
        state: As it was read.
        formats: What they are now.
        told: Told of each log whose format is another one.
        name: Gives what a log is called.
    """
    logs = {}
    settles = False
    for log, kept in state.logs.items():
        now = formats.of(kept)
        if now is None:  # the mapping's name alone does not tell how lines were understood
            told(
                f"{name(log)}: its format was {kept.format}, which is recognised anew from here on"
            )
        elif not formats.is_same(kept):
            was = Format(kept.format, wrapping=kept.wrapping)
            told(f"{name(log)}: {now} from here on, {was} before")
        else:
            logs[log] = kept
            continue
        settles = settles or kept.waiting is not None
    if settles:
        logs = {log: replace_waiting(kept) for log, kept in logs.items()}
        return replace(state, settled=None, logs=logs)
    entries = dict(state.entries)
    if state.settled is not None:
        entries[state.stream] = state.settled
    return replace(state, entries=entries, settled=None, logs=logs)


def replace_waiting(kept: LogState) -> LogState:
    """The same log with nothing that waits."""
    return msgspec.structs.replace(kept, waiting=None)
