"""Asking workers that somebody else has started whether they can do our work.

What is sent to a worker that has no syncstats ends it when it is unpacked, and it may be another's
worker, too. So before anything of ours is sent, all are asked with the standard library alone.
"""

from __future__ import annotations

from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from projections.entry import FOLD_VERSION
from projections.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

_ASKED = "projections.engines.work:VERSION"
_OURS = {"events", "projections", "sync_queue", "worker"}
_SHOWN = 3


def refuse_unfit(client: Any, scheduler: str) -> None:
    """Ask all workers that a cluster has now; those that do not answer are Dask's to give up.

    Args:
        client: A `distributed.Client`, connected.
        scheduler: Its scheduler's address, for messages.

    Raises:
        EngineError: Some have no syncstats, or not this one. They were sent nothing.
    """
    answers = client.run(resolve_name, _ASKED, on_error="return")
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
