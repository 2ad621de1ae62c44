"""The version of the installed distribution, and whether it was built whole."""

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


def build() -> str:
    """Whether the compiled kernel is used, and why it is not."""
    from events.kernel.tallies import PURE, is_kept_out, kernel

    if kernel() is not None:
        return "with the compiled kernel"
    if is_kept_out():
        return f"pure Python: {PURE} is set"
    return "pure Python: the kernel was not compiled, which makes replay slower"
