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
from projections.ingest.state import MEND
from projections.intake import Format, Intake

if TYPE_CHECKING:
    from collections.abc import Callable

    from projections.choosing import Choice
    from projections.ingest.state import LogState, State


def format_now(kept: LogState, choice: Choice) -> Format | None:
    """In which format a log is that was read before; None: that is to be recognised again."""
    if choice.known is not None:
        return choice.known
    if choice.name != AUTO:
        return Format(choice.name, choice.mapping, kept.wrapping)
    return known_format(kept.format, kept.wrapping)


def check_waiting(state: State, choice: Choice, where: str) -> None:
    """Check that what waits can be gone on with, before anything is read.

    Args:
        state: As it was read.
        choice: What is said of the formats now.
        where: The state's file, for messages.

    Raises:
        StateError: It is damaged.
    """
    for log, kept in state.logs.items():
        now = format_now(kept, choice)
        if kept.waiting is None or now is None or not now.has_key(kept.key):
            continue
        try:
            Intake(Fold(), now, state=kept.waiting)
        except EventsError as error:
            raise StateError(
                f"{where} is damaged: what waits in {log} cannot be read ({error}); {MEND}"
            ) from error


def remembered_state(state: State, choice: Choice, told: Callable[[str], None]) -> State:
    """The state to go on from: its entries are those without what waits.

    Where the format of a log is not any more what it was, its lines are understood anew from where
    the last run ended. Then all that waits, of every log, counts as it stands: it is in the
    visible entry already.

    Args:
        state: As it was read.
        choice: What is said of the formats now.
        told: Told of each log whose format is another one.
    """
    logs = {}
    settles = False
    for log, kept in state.logs.items():
        now = format_now(kept, choice)
        if now is None:  # the mapping's name alone does not tell how lines were understood
            told(f"{log}: its format was {kept.format}, which is recognised anew from here on")
        elif not now.has_key(kept.key):
            was = Format(kept.format, wrapping=kept.wrapping)
            told(f"{log}: {now} from here on, {was} before")
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
