"""Polars, lazily, with the schema said: FILE."""

from __future__ import annotations

from dataclasses import asdict

import polars as pl

from benchmarks.peers.answers import answer, arguments
from benchmarks.totals import from_groups

SCHEMA = {"event": pl.String, "error_type": pl.String, "duration_ns": pl.Int64}


def main() -> None:
    """Print the totals."""
    path, _ = arguments()
    found = (
        pl.scan_ndjson(path, schema=SCHEMA)
        .group_by("event", "error_type")
        .agg(pl.len(), pl.col("duration_ns").sum())
        .collect()
    )
    answer(asdict(from_groups(found.iter_rows())))


if __name__ == "__main__":
    main()
