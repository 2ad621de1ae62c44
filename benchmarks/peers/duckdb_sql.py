"""One query of DuckDB, with the columns said so that it need not guess them: FILE THREADS."""

from __future__ import annotations

from dataclasses import asdict

import duckdb

from benchmarks.peers.answers import answer, arguments
from benchmarks.totals import from_groups

QUERY = """
SELECT event, error_type, count(*), sum(duration_ns)
FROM read_ndjson(
    ?, columns = {'event': 'VARCHAR', 'error_type': 'VARCHAR', 'duration_ns': 'BIGINT'})
GROUP BY ALL
"""


def main() -> None:
    """Print the totals."""
    path, threads = arguments()
    base = duckdb.connect(config={"threads": threads, "preserve_insertion_order": False})
    answer(asdict(from_groups(base.execute(QUERY, [path]).fetchall())))


if __name__ == "__main__":
    main()
