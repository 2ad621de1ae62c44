"""Reaching a Dask scheduler that somebody else has started."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from projections.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_S = 15
ANSWER_S = 5


@contextmanager
def client_of(cluster: Any) -> Iterator[Any]:
    """Talk to a scheduler.

    Args:
        cluster: Its address, or a `distributed.LocalCluster`.

    Yields:
        A `distributed.Client`.

    Raises:
        EngineError: None answers.
    """
    from distributed import Client

    try:
        if isinstance(cluster, str):
            # A Client that could not connect would say so on stderr, at length, when it is deleted.
            asyncio.run(_ask(cluster))
        client = Client(cluster, timeout=CONNECT_S, set_as_default=False)
    except Exception as error:  # of any kind, as whatever may listen there answers anything
        cause: BaseException = error
        while isinstance(cause.__cause__, OSError):  # the system's own word is the clearest
            cause = cause.__cause__
        raise EngineError(
            f"no Dask scheduler answers at {cluster or '(no address)'}: is it running (`dask "
            "scheduler`), and the address right "
            f"({type(cause).__name__}: {str(cause) or 'no answer'})?"
        ) from error
    with client:
        yield client


async def _ask(address: str) -> None:
    """Ask who listens there.

    Raises:
        OSError: Nobody, or nobody who answers in time.
        ValueError: The address is none, or it is not a scheduler's.
    """
    from distributed.comm import connect
    from distributed.security import Security

    security = Security().get_connection_args("client")
    async with asyncio.timeout(CONNECT_S + ANSWER_S):
        comm = await connect(address, timeout=CONNECT_S, **security)
        try:
            await comm.write({"op": "identity", "reply": True})
            answer = await comm.read()
        finally:
            comm.abort()
    kind = answer.get("type") if isinstance(answer, dict) else None
    if kind != "Scheduler":
        raise ValueError(f"what answers there is a {kind}")
