"""The checkout as the tests of the project itself see it: its root, its files, its settings."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("events", "projections", "sync_queue", "worker")
_NOT_OURS = {".git", ".venv", "build", "dist", "data"}


@cache
def pyproject() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files that belong to the project, absolute and sorted: what git would commit.

    Where there is no git, or no repository, everything but what a set-up or a run makes.
    """
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        paths = _walk()
    else:
        paths = [ROOT / os.fsdecode(name) for name in listed.split(b"\0") if name]
    return tuple(sorted(path for path in paths if path.is_file()))


def _walk() -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in _NOT_OURS and not name.endswith((".egg-info", "_cache", "__pycache__"))
        ]
        found.extend(Path(folder, name) for name in names if not name.startswith(".coverage"))
    return found


def command_path() -> Path:
    """The installed ``syncstats`` of the environment in which the tests run."""
    return Path(sys.executable).parent / "syncstats"


def environment(**more: str) -> dict[str, str]:
    """Make an environment with our ``syncstats`` and ``python``, plain output, and no settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCSTATS_")}
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    return kept | {"PATH": path, "NO_COLOR": "1", "COLUMNS": "120", "LC_ALL": "C.UTF-8"} | more


def heading_anchor(heading: str) -> str:
    """The anchor that a Markdown heading gets, as code hosts make it."""
    plain = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return plain.replace(" ", "-")
