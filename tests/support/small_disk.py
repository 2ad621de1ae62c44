"""A small file system of its own, that a test can really fill."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support import tools

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount one at a folder; skip the test where that is not possible.

    Args:
        folder: It is there, and empty.
        size: How large, as tmpfs takes it: ``24m``.
    """
    tools.needs_root()
    mount, unmount = tools.tool("mount", "mount"), tools.tool("umount", "mount")
    mounted = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        tools.lack(f"no file system can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run([unmount, folder], check=True)


def fill(folder: Path, room: int = 0) -> Path:
    """Leave so many bytes on the disk; give the file that takes the rest."""
    ballast = folder / "ballast"
    with ballast.open("ab") as file:
        disk = os.statvfs(folder)
        more = disk.f_bavail * disk.f_frsize - room
        if more > 0:
            os.posix_fallocate(file.fileno(), file.tell(), more)
    return ballast
