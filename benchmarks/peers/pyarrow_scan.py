"""PyArrow: JSON in blocks with the schema said, grouped by all its threads: FILE."""

from __future__ import annotations

from dataclasses import asdict

import pyarrow as pa
from pyarrow import json as pa_json

from benchmarks.peers.answers import answer, arguments
from benchmarks.totals import from_groups

SCHEMA = pa.schema(
    [("event", pa.string()), ("error_type", pa.string()), ("duration_ns", pa.int64())]
)


def main() -> None:
    """Print the totals."""
    path, _ = arguments()
    table = pa_json.read_json(
        path,
        read_options=pa_json.ReadOptions(use_threads=True, block_size=4 << 20),
        parse_options=pa_json.ParseOptions(
            explicit_schema=SCHEMA, unexpected_field_behavior="ignore"
        ),
    )
    found = table.group_by(["event", "error_type"]).aggregate(
        [([], "count_all"), ("duration_ns", "sum")]
    )
    rows = found.select(["event", "error_type", "count_all", "duration_ns_sum"]).to_pylist()
    answer(asdict(from_groups(tuple(row.values()) for row in rows)))


if __name__ == "__main__":
    main()
