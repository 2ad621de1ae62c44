"""`syncstats ingest` as a process, over Sidekiq's sample."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path


SAMPLE = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()


ERRORS = {"PlexNotFound": 5, "PermanentError": 3}


DONE = next(line for line in SAMPLE.splitlines(keepends=True) if b'"msg":"done"' in line)


ARGS = ("--state", "state.json", "--format", "sidekiq")


def counts(stats: dict[str, Any]) -> tuple[Any, ...]:
    names = ("jobs_processed", "jobs_succeeded", "jobs_failed", "errors_by_type")
    return tuple(stats[name] for name in names)


def saved(folder: Path) -> int:
    path = folder / "state.json"
    return json.loads(path.read_bytes())["jobs_processed"] if path.exists() else 0
