"""Which files are one log by their names."""

from __future__ import annotations

import pytest

from events.follow.names import bases_of, is_archive, parse_name

OLDEST_FIRST = [
    ["app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log.gz", "app.log"],
    ["app.1.log", "app.log"],
    ["app.2.log.gz", "app.1.log.gz", "app.log"],
    ["app.log-20261123", "app.log-20261124", "app.log-20261124-1.zst", "app.log"],
    ["app-20261123.log", "app-20261124.log", "app.log"],
    ["app.log.2026-11-23_23-00", "app.log.2026-11-24", "app.log.2026-11-24_01-00", "app.log"],
    ["app-2026-11-24T12-00-00.000.log.gz", "app-2026-11-24T12-00-01.000.log", "app.log"],
    ["app.2026-11-24.9.log", "app.2026-11-24.10.log", "app.log"],
    ["app.log-1764000000.xz", "app.log-1764003600", "app.log"],
    ["app-20261124.log.2.bz2", "app-20261124.log.1", "app-20261124.log", "app.log"],
]


@pytest.mark.parametrize("names", OLDEST_FIRST, ids=lambda names: names[0])
def test_rotated_files_are_of_one_log_and_the_oldest_comes_first(names):
    assert {parse_name(name).base for name in names} == {"app.log"}
    assert sorted({*names}, key=lambda name: parse_name(name).order) == names
    assert all("app.log" in bases_of(name) for name in names[:-1])


@pytest.mark.parametrize(
    "name", ["app.log", "app.log.bak", "web-01.log", "20261124.log", "app.log-20261324", "1", ".gz"]
)
def test_other_names_are_logs_of_their_own(name):
    assert parse_name(name).base == name
    assert bases_of(name) == []


def test_an_archive_of_a_dated_log_that_was_numbered_belongs_to_each_of_them():
    assert bases_of("app-20261124.log.1.gz") == [
        "app-20261124.log.1",
        "app-20261124.log",
        "app.log",
    ]
    assert is_archive("app.log.GZ")
    assert not is_archive("app.log.1")
