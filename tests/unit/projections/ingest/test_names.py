from __future__ import annotations

import pytest

from events.follow.places import log_key
from projections.ingest.names import LogNames


@pytest.mark.parametrize(
    ("given", "log", "shown"),
    [
        ("app.log", "app.log", "app.log"),
        ("app.log.1", "app.log", "app.log"),
        ("./logs", "logs/a.jsonl", "logs/a.jsonl"),
        ("logs", "logs2/a.jsonl", None),
        ("*/*.log", "logs/a.log", "logs/a.log"),
        ("../b.log", "../b.log", "../b.log"),
        ("-", "other.log", None),
        ("-", "-", "standard input"),
    ],
)
def test_a_log_is_named_as_it_was_asked_for(tmp_path, monkeypatch, given, log, shown):
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    key = log if log == "-" else log_key(str(folder / log))

    assert LogNames([given, "/elsewhere/x.log"])(key) == (shown or key)
    if log != "-":
        assert LogNames([str(folder / given)])(key) == key


def test_names_of_any_bytes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert LogNames(["a\udcff.log"])(log_key("a\udcff.log")) == "a\udcff.log"
