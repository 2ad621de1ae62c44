"""Logs that show no format, followed as they really are: files that grow and are renamed."""

from __future__ import annotations

import pytest

from projections.cli.formats import choice_of
from tests.support.ingesting import AUTO, Site
from tests.unit.projections.test_intake import DONE, OTHER

UNKNOWN = b'{"x":1}\n'


def append(path, *lines):
    with path.open("ab") as file:
        file.write(b"".join(lines))


def mapping(folder):
    """A mapping by which an unknown line is an outcome."""
    path = folder / "m.toml"
    path.write_text('name = "m"\n[[outcomes]]\nis = "succeeded"\nwhen = { x = 1 }\n')
    return path


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "state", tmp_path / "*.log", choice=AUTO)


@pytest.mark.parametrize("new", ["b.log", "c.log.1"])
@pytest.mark.parametrize("when", ["first", "meanwhile"])
def test_what_is_held_of_a_log_is_read_when_its_file_is_renamed(site, tmp_path, new, when):
    old, known = tmp_path / "a.log", tmp_path / "c.log"
    append(old, UNKNOWN, UNKNOWN)
    append(known, OTHER)
    for ingestion in site.running():
        if when == "meanwhile":
            ingestion.save()
        old.rename(tmp_path / new)
        site.look(ingestion)
        ingestion.save()
        append(tmp_path / new, DONE)
        site.look(ingestion)
        ingestion.save()
        shown = ingestion.snapshot()
        assert ingestion.unrecognised == []

    assert shown.streams["ingest-x"].seen == ((0, 4),)
    assert shown.total().jobs_succeeded == 1
    assert site.run() == shown


def test_a_renamed_file_that_shows_no_format_is_left_to_the_next_run(site, tmp_path):
    append(tmp_path / "a.log", UNKNOWN)
    for ingestion in site.running():
        (tmp_path / "a.log").rename(tmp_path / "b.log")
        site.look(ingestion)
        ingestion.save()
        assert [log.rpartition("/")[2] for log in ingestion.unrecognised] == ["b.log"]
    append(tmp_path / "b.log", DONE)

    assert site.run().streams["ingest-x"].seen == ((0, 2),)


def test_a_file_that_was_given_up_is_read_by_the_next_run_wherever_it_is(site, tmp_path):
    append(tmp_path / "a.log", UNKNOWN * 300)
    append(tmp_path / "c.log", DONE)
    for ingestion in site.running():
        (tmp_path / "a.log").rename(tmp_path / "c.log.1")
        append(tmp_path / "c.log.1", OTHER)
        site.look(ingestion)
        ingestion.save()
        assert ingestion.lines == 1

    assert site.run().streams["ingest-x"].seen == ((0, 302),)


def test_zero_bytes_after_what_is_held_take_nothing_from_it(site, tmp_path):
    append(tmp_path / "a.log", UNKNOWN, bytes(100))
    site.run()
    append(tmp_path / "a.log", DONE)

    assert site.run().streams["ingest-x"].seen == ((0, 2),)


def test_a_log_that_was_read_as_another_format_goes_on_where_that_ended(site, tmp_path):
    log = tmp_path / "a.log"
    append(log, UNKNOWN)
    site.choice = choice_of(None, mapping(tmp_path), None)
    site.run()
    site.choice = AUTO
    append(log, UNKNOWN)
    site.run()
    append(log, UNKNOWN)
    log.rename(tmp_path / "b.log")
    site.run()
    append(tmp_path / "b.log", DONE)

    assert site.run().streams["ingest-x"].seen == ((0, 4),)


def test_a_counted_file_that_becomes_one_of_a_log_in_no_known_format_is_not_counted_again(
    site, tmp_path
):
    append(tmp_path / "a.log", DONE, DONE)
    for ingestion in site.running():
        (tmp_path / "a.log").rename(tmp_path / "b.log")
        append(tmp_path / "b.log", UNKNOWN)
        site.look(ingestion)
        ingestion.save()
        assert ingestion.lines == 2
    append(tmp_path / "b.log", DONE)

    assert site.run().streams["ingest-x"].seen == ((0, 4),)


def test_files_that_hold_the_same_are_told_apart_when_one_is_gone_and_one_moves(site, tmp_path):
    one, two = tmp_path / "a.log", tmp_path / "c.log"
    append(one, UNKNOWN)
    site.choice = choice_of(None, mapping(tmp_path), None)
    site.run()
    site.choice = AUTO
    append(one, UNKNOWN * 4)
    append(two, UNKNOWN)
    for ingestion in site.running():
        append(two, UNKNOWN * 4)
        site.look(ingestion)
        one.unlink()
        two.rename(tmp_path / "d.log")
        append(tmp_path / "d.log", DONE)
        site.look(ingestion)
        ingestion.save()

    assert ingestion.snapshot().streams["ingest-x"].seen == ((0, 1 + 5 + 1),)
    assert site.run() == ingestion.snapshot()
