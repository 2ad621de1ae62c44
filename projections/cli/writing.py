"""Writing a result to the file that `--out` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path


def write_out(out: Path, data: bytes) -> None:
    """Put ``data`` in the file's place, all or nothing.

    Raises:
        CommandError: It is a data folder's own stats.json, or cannot be written.
    """
    from events.filesystem import replace_file

    folder = out.absolute().parent
    if out.name == "stats.json" and (
        (folder / "queue.db").exists() or (folder / "events").is_dir()
    ):
        raise CommandError(
            f"{out} belongs to the data folder {folder}, whose workers keep it: write to another "
            "file (to make this one anew, run `syncstats rebuild`)"
        )
    try:
        replace_file(out, data)
    except OSError as error:
        raise CommandError(
            f"{out} cannot be written: {error.strerror}; name a file in a folder that is there"
        ) from error
