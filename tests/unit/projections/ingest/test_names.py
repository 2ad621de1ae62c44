"""Logs are called as whoever asked for them would write them."""

from __future__ import annotations

import os

from projections.ingest.names import LogNames


def test_they_are_relative_where_that_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = LogNames(["app.log", "logs/*.log", "folder", "/var/log/other.log", "-"])
    for relative in ("app.log", "logs/a.log", "folder/b.jsonl"):
        assert name(os.path.abspath(relative)) == relative  # noqa: PTH100 - keys are texts
    assert name("/var/log/other.log") == "/var/log/other.log"
    assert name("-") == "standard input"
