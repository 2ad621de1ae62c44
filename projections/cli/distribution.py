"""Are the four packages that we are about to run really ours?

Their names are plain words, and a shared environment may hold another program's `events` or
`worker`, before ours on the path or installed over it.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("events", "sync_queue", "worker", "projections")


def foreign_package(root: Path | None = None) -> str | None:
    """Say which package is not ours, and how to mend it; None when all are.

    Args:
        root: The folder that should hold all four; by default the one that holds this file's.
    """
    home = Path(__file__).resolve().parents[2] if root is None else root
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            return _message(name, "is missing", home)
        if Path(spec.origin).resolve().parent != home / name:
            return _message(name, f"comes from {Path(spec.origin).parent}", home)
        if not _has_our_errors(name):
            return _message(name, "was overwritten by another program's", home)
    return None


def _has_our_errors(name: str) -> bool:
    """Whether the package's errors stand under our one root error."""
    try:
        root = import_module("events.errors").SyncStatsError
        errors = import_module(f"{name}.errors")
    except (ImportError, AttributeError):
        return False
    return any(
        isinstance(value, type) and issubclass(value, root) and value.__module__ == errors.__name__
        for value in vars(errors).values()
    )


def _message(name: str, what: str, home: Path) -> str:
    return (
        f"the package '{name}' {what}, not from syncstats in {home}: another program's package "
        "has the same name; install syncstats in an environment of its own, for example with "
        "`pipx install .` in a checkout"
    )
