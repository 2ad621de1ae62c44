"""An outcome of an attempt, as another program's line tells of it."""

from __future__ import annotations

from typing import Any

import msgspec

from events.model import Line


class Foreign(Line, frozen=True, kw_only=True, gc=False):
    """An outcome from another program's log: ``event`` is one of `events.model.OUTCOMES`.

    It has the fields of a `Line`, but no stream and no seq; its timestamp may be missing.

    Attributes:
        job: The job's id as the program writes it; "" if it does not say.
        dimensions: Further values that the mapping keeps, by name.
    """

    job: str = ""
    dimensions: dict[str, Any] = msgspec.field(default_factory=dict)
