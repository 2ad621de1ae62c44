"""The SQL of the queue: how its rows are found, and that each statement says what it is for."""

from __future__ import annotations

import re

import pytest

from sync_queue.sql import read_queries
from tests.support.queued import add

# What each statement is run with, and how SQLite finds its rows.
PLANS = {
    "due_jobs": ["SEARCH jobs USING INDEX waiting_by_due (due_at_us<?)"],
    "may_claim": [
        "SEARCH meta USING PRIMARY KEY (name=?)",
        "SEARCH jobs USING INDEX leased_alone (leased_by=?)",
    ],
    "holds_lease": ["SEARCH jobs USING COVERING INDEX leased_by_stream (leased_by=?)"],
    "lease": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "end_lease": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "end_leases": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "retry_later": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "put_back": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "take_over": ["SEARCH jobs USING INTEGER PRIMARY KEY (rowid=?)"],
    "leases": ["SEARCH jobs USING INDEX leased_by_stream (leased_by=?)"],
}


class TestPlans:
    def plan(self, queue, name):
        text = read_queries("queue")[name]
        values = [0] * (len(set(re.findall(r"\?\d", text))) or text.count("?"))
        with queue._database.read() as connection:
            return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    @pytest.mark.parametrize("name", PLANS)
    def test_rows_are_found_by_an_index(self, queue, name):
        add(queue, 300)
        plan = self.plan(queue, name)
        assert [step for step in plan if re.search(r" (jobs|meta)\b", step)] == PLANS[name]
        assert not [step for step in plan if "TEMP B-TREE" in step]

    @pytest.mark.parametrize("name", read_queries("queue"))
    def test_no_statement_reads_the_whole_table(self, queue, name):
        for step in self.plan(queue, name):
            assert not re.fullmatch(r"SCAN (jobs|retry_marks|meta|acknowledged)( .*)?", step) or (
                name in {"marks", "leased_streams", "acknowledged"}
            ), step

    def test_every_statement_says_what_it_is_for(self):
        for name, text in read_queries("queue").items():
            first, *rest = text.splitlines()
            assert re.fullmatch(r"-- [A-Z].*\.", first), name
            assert "--" not in "".join(rest)
            assert ";" not in text
