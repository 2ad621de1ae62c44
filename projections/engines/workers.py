"""Asking workers that somebody else has started whether they can do our work.

What is sent to a worker that has no syncstats ends it when it is unpacked, and it may be another's
worker, too. So before anything of ours is sent, all are asked with the standard library alone.
"""

from __future__ import annotations

import asyncio
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from projections.entry import FOLD_VERSION
from projections.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKED = "projections.engines.work:VERSION"
_OURS = {"events", "projections", "sync_queue", "worker"}
_SHOWN = 3
ANSWER_S = 20.0
"""Who has not answered by then is left to Dask."""


def refuse_unfit(client: Any, scheduler: str) -> None:
    """Ask all workers that a cluster has now; those that do not answer are Dask's to give up.

    Each by itself, as one that is stopped, or holds the GIL, would keep the others' answers back.

    Args:
        client: A `distributed.Client`, connected.
        scheduler: Its scheduler's address, for messages.

    Raises:
        EngineError: Some have no syncstats, or not this one. They were sent nothing.
    """
    answers: dict[str, object] = client.sync(_ask_all, client, [*client.nthreads()])
    unfit: dict[str, list[str]] = {}
    for worker, answer in answers.items():
        lack = _lack(answer)
        if lack is not None:
            unfit.setdefault(lack, []).append(worker)
    if unfit:
        told = "; ".join(
            f"{len(workers)} of {len(answers)} workers of {scheduler} "
            f"{'has' if len(workers) == 1 else 'have'} {lack} ({_shown(workers)})"
            for lack, workers in unfit.items()
        )
        raise EngineError(f"{told}: install it there, the same version")


async def _ask_all(client: Any, workers: Sequence[str]) -> dict[str, object]:
    answers = await asyncio.gather(*(_ask(client, worker) for worker in workers))
    return dict(zip(workers, answers, strict=True))


async def _ask(client: Any, worker: str) -> object:
    """What a worker answers, or why it does not."""
    try:
        async with asyncio.timeout(ANSWER_S):
            answers = await client.run(resolve_name, _ASKED, workers=[worker], on_error="return")
    except OSError as error:  # too late, or the scheduler is gone
        return error
    return answers[worker]


def _lack(answer: object) -> str | None:
    """What a worker that answers so lacks."""
    if answer == FOLD_VERSION or isinstance(answer, OSError):  # Dask's, of who is not reached
        return None
    if isinstance(answer, ModuleNotFoundError) and str(answer.name).partition(".")[0] in _OURS:
        return "no syncstats"
    if isinstance(answer, Exception) and not isinstance(answer, AttributeError):
        return f"a syncstats that cannot be loaded: {type(answer).__name__}: {answer}"
    return "another version of syncstats"


def _shown(workers: Sequence[str]) -> str:
    more = len(workers) - _SHOWN
    return ", ".join(workers[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
