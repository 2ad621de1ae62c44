"""The version of the installed distribution."""

from __future__ import annotations

UNKNOWN = "unknown"
"""Where the program runs from its source tree without having been installed."""


def version() -> str:
    """The distribution's version, from its metadata: there it stands once."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        return installed("syncstats")
    except PackageNotFoundError:
        return UNKNOWN
