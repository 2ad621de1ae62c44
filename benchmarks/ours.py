"""Our own command, as a way beside others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.runs import SYNCSTATS, Way
from benchmarks.totals import Totals, check, from_stats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OURS = "syncstats"


def replay(
    log: Path, wanted: Totals, name: str = OURS, env: Mapping[str, str] | None = None
) -> Way:
    """`syncstats replay --json`, held to the totals that the log has."""

    def look(out: bytes) -> None:
        check(name, from_stats(json.loads(out)), wanted)

    return Way(name, (*SYNCSTATS, "replay", str(log), "--json"), look, env or {})
