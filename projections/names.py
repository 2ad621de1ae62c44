"""How the names of files work where they are: what finding sources asks beside the file system."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Protocol


class Names(Protocol):
    """How names work where the sources are: on this machine, or elsewhere."""

    def is_folder(self, path: Path) -> bool:
        """Whether a folder is there (links followed)."""
        ...

    def is_file(self, path: Path) -> bool:
        """Whether a regular file is there (links followed)."""
        ...

    def glob(self, pattern: str) -> list[str]:
        """What matches a pattern, in any order; ``**`` is any depth."""
        ...

    def absolute(self, path: Path) -> Path:
        """A path with its own name; no link is followed."""
        ...

    def unlinked(self, path: Path) -> Path:
        """What a file is called without a link: itself, if its own name is none."""
        ...

    def gives_parts(self, path: Path) -> bool:
        """Whether what is in the midst of a file can be read without what is before it."""
        ...


class LocalNames:
    """Those of this machine."""

    def is_folder(self, path: Path) -> bool:
        """As of `Names`."""
        return path.is_dir()

    def is_file(self, path: Path) -> bool:
        """As of `Names`."""
        return path.is_file()

    def glob(self, pattern: str) -> list[str]:
        """As of `Names`."""
        return glob.glob(pattern, recursive=True)  # noqa: PTH207  # pathlib refuses absolute patterns

    def absolute(self, path: Path) -> Path:
        """As of `Names`."""
        return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow links

    def unlinked(self, path: Path) -> Path:
        """As of `Names`."""
        if not os.path.islink(path):  # noqa: PTH114 - of thousands of files: a Path's method costs more
            return path
        return Path(os.path.realpath(path))

    def gives_parts(self, path: Path) -> bool:  # noqa: ARG002 - all do
        """As of `Names`."""
        return True


LOCAL_NAMES = LocalNames()
