"""The machine that figures were taken on, with nothing that tells whose it is."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from projections.parallel.cores import cores

PACKAGES = (
    "duckdb",
    "huey",
    "litequeue",
    "msgspec",
    "orjson",
    "persist-queue",
    "polars",
    "pyarrow",
    "structlog",
    "zstandard",
)
PROGRAMS = ("goaccess", "gzip", "jq", "lnav", "mlr", "mtail", "zstd")


def memory_bytes() -> int:
    """How much memory there is."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def describe() -> dict[str, str]:
    """The machine and the versions of all that was run, by what each is called."""
    from events.kernel.tallies import kernel

    found = {
        "processor": f"{cores()} cores, {_processor()}",
        "memory": f"{memory_bytes() / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        "syncstats": "with its kernel" if kernel() is not None else "pure Python",
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name in PROGRAMS:
        path = shutil.which(name)
        if path is not None:
            found[name] = _version(path)
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return named[1].strip() if named else platform.machine()


def _version(path: str) -> str:
    ran = subprocess.run((path, "--version"), check=False, capture_output=True, text=True)
    found = re.search(r"\d+\.[\w.+~-]*", ran.stdout + ran.stderr)
    return found[0].rstrip(".") if found else "?"
