"""Which media file of a library a job means, and how sure that is."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from worker.errors import PermanentError, PlexNotFound
from worker.handlers.nfo_index import is_inside

if TYPE_CHECKING:
    from worker.handlers.nfo_index import LibraryIndex

_MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Match:
    """A media file that a job means.

    Attributes:
        media: The file; its folder is resolved and lies in the library, and so does what the file
            links to, if it is a link.
        confidence: ``high`` if it stands where the job says, ``low`` if only its name fits.
    """

    media: Path
    confidence: Literal["high", "low"]


def match(path: str, library: Path, index: LibraryIndex) -> Match:
    """Find the file that ``path`` means.

    A path that does not exist here may be another machine's view of the library (another mount),
    or the file may have moved: then its name decides, if exactly one file has it.

    Args:
        path: Absolute, or from the library.
        library: The library's folder, as the user named it, absolute.
        index: The names of the library's files.

    Raises:
        PermanentError: It is no path of a media file, or leads out of the library.
        PlexNotFound: No file has this name, or several have.
        OSError: The library cannot be read.
    """
    real_library = os.path.realpath(library)
    named = Path(library, path)
    try:
        media = Path(os.path.realpath(named.parent), named.name)
        exists = os.path.lexists(media)
        is_in = is_inside(f"{media.parent}/", real_library) and is_inside(
            os.path.realpath(media), real_library
        )
        is_there = is_in and media.is_file()
    except ValueError:  # a NUL, or a lone surrogate that stands for no byte
        raise PermanentError(f"{path!r} cannot be the path of a file") from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise PermanentError(f"{path!r} is too long for the path of a file") from None
    if media.suffix.lower() == ".nfo":
        raise PermanentError(f"{path!r} is a sidecar itself, not a media file")
    if is_there:
        return Match(media, "high")
    # An absolute path from elsewhere is only a name to us, unless it leads to something: then the
    # job means a file that is none of our business.
    means_here = not Path(path).is_absolute() or any(
        is_inside(os.path.normpath(path), root)
        for root in (os.path.normpath(library), real_library)
    )
    if not is_in and (exists or means_here):
        raise PermanentError(f"{path!r} is outside the library {str(library)!r}")
    return Match(_find_by_name(path, media.name, library, index), "low")


def _find_by_name(path: str, name: str, library: Path, index: LibraryIndex) -> Path:
    found = index.find(name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise PlexNotFound(
            f"no file for {path!r}: nothing is there, and no file in {str(library)!r} "
            f"is called {name!r}"
        )
    shown = ", ".join(repr(str(each)) for each in found[:_MAX_SHOWN])
    more = ", …" if len(found) > _MAX_SHOWN else ""
    raise PlexNotFound(
        f"{len(found)} files for {path!r}: nothing is there, and several in {str(library)!r} "
        f"are called {name!r}: {shown}{more}"
    )
