"""Where a stream's log begins, after its oldest segments were pruned.

What they added up to stands in ``summary.json`` of the stream's folder. It is read by those who
count; whoever writes only has to know that such a log does not begin at 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from events.errors import EventsError
from events.limits import MAX_INTEGER
from events.log.stream import SUMMARY_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from events.filesystem import FileSystem

SUMMARY_MAX_BYTES = 64 << 20
"""No summary is larger: one of a stream with busy histograms and 1,000 kinds of error is 300 KB."""


class _End(msgspec.Struct):
    end: Annotated[int, msgspec.Meta(ge=0, le=MAX_INTEGER)]


def pruned_end(folder: Path, fs: FileSystem) -> int:
    """The first ``seq`` of the first segment that was not pruned; 0 if none was.

    Raises:
        EventsError: The summary cannot be believed.
        OSError: It cannot be read.
    """
    path = folder / SUMMARY_NAME
    try:
        with fs.open_read(path) as file:
            data = file.read(SUMMARY_MAX_BYTES + 1)
        if len(data) > SUMMARY_MAX_BYTES:
            raise EventsError(
                f"{path} is no summary of a stream: it is larger than {SUMMARY_MAX_BYTES >> 20} "
                "MiB; bring it back from a backup"
            )
        return msgspec.json.decode(data, type=_End).end
    except FileNotFoundError:
        return 0
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EventsError(f"{path} is damaged: {error}; bring it back from a backup") from error
