"""From a handler's SPEC to the handler."""

from __future__ import annotations

from typing import TYPE_CHECKING

from worker.errors import HandlerSpecError

if TYPE_CHECKING:
    from worker.handlers.base import Handler

FORMS = "module:callable, exec:COMMAND or nfo:LIBRARY"


def load_handler(spec: str, *, timeout_s: float | None, overwrite: bool = False) -> Handler:
    """Load the handler that ``spec`` names.

    Args:
        spec: ``module:callable``, ``exec:COMMAND`` or ``nfo:LIBRARY``. A module of your own
            called ``exec`` or ``nfo`` has to be named through a package.
        timeout_s: Seconds after which a handler that enforces it ends an attempt; None: never.
        overwrite: Whether ``nfo`` replaces sidecars that it did not write.

    Raises:
        HandlerSpecError: It cannot be loaded; the message names the spec and how to mend it.
    """
    scheme, colon, rest = spec.partition(":")
    if not colon or not scheme.strip() or not rest.strip():
        raise HandlerSpecError(f"handler {spec!r}: write {FORMS}")
    # Each handler is imported when it is asked for: none pays for the others.
    if scheme == "exec":
        from worker.handlers.exec import load_exec

        return load_exec(spec, rest, timeout_s=timeout_s)
    if scheme == "nfo":
        from worker.handlers.nfo import load_nfo

        return load_nfo(spec, rest, overwrite=overwrite)
    from worker.handlers.call import load_call

    return load_call(spec)
