"""``nfo:LIBRARY``: a job is the ``.nfo`` sidecar of a media file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from worker.errors import HandlerSpecError, TransientError
from worker.handlers.base import Outcome
from worker.handlers.nfo_document import read_metadata, render
from worker.handlers.nfo_index import LibraryIndex
from worker.handlers.nfo_match import match
from worker.handlers.nfo_write import write_sidecar

if TYPE_CHECKING:
    from events.clock import Clock
    from worker.handlers.base import Job


class NfoHandler:
    """Writes each job's metadata where Kodi, Jellyfin and Emby read it.

    The job's data is described by :class:`worker.handlers.nfo_document.Metadata`.

    Args:
        library: The media library's folder, absolute.
        overwrite: Whether sidecars that we did not write are replaced.
        clock: For the index of names.
    """

    enforces_timeout = False
    ending_s = None

    def __init__(
        self, library: Path, *, overwrite: bool = False, clock: Clock | None = None
    ) -> None:
        self._library = library
        self._overwrite = overwrite
        self._index = LibraryIndex(Path(os.path.realpath(library)), clock)

    def __call__(self, job: Job) -> Outcome:
        """Write one sidecar.

        Returns:
            ``high`` confidence if the media file is where the job says, ``low`` if only its name
            fits; skipped if a sidecar is there that we did not write and shall not replace.

        Raises:
            PermanentError: The job's data is wrong, or leads out of the library.
            PlexNotFound: No file fits, or several do.
            TransientError: The library is not there.
            OSError: The sidecar cannot be written.
        """
        metadata = read_metadata(job.data)
        document = render(metadata, job.scene_id)
        if not self._library.is_dir():
            raise TransientError(f"the library {str(self._library)!r} is not there: is it mounted?")
        found = match(metadata.path, self._library, self._index)
        written = write_sidecar(
            found.media,
            document,
            overwrite=self._overwrite,
            sweep=job.attempt > 1,  # the one before may have been killed while it wrote
        )
        return Outcome(found.confidence, skipped=written == "kept")

    def stop(self) -> None:
        """Nothing: an attempt takes a moment."""

    def close(self) -> None:
        """Nothing is held."""


def load_nfo(spec: str, library: str, *, overwrite: bool) -> NfoHandler:
    """Make the handler for a library.

    Raises:
        HandlerSpecError: It is no folder that can be read.
    """
    folder = Path.cwd() / library
    if not folder.is_dir():
        reason = "is not a folder" if folder.exists() else "does not exist"
        raise HandlerSpecError(
            f"handler {spec!r}: {folder} {reason}: name the folder of your media library"
        )
    if not os.access(folder, os.R_OK | os.X_OK):
        raise HandlerSpecError(f"handler {spec!r}: {folder} cannot be read: check its permissions")
    return NfoHandler(folder, overwrite=overwrite)
