"""Whether a search can be left out."""

from __future__ import annotations

import pytest

from events.filesystem import REAL
from projections.same_names import SameNames
from projections.sources import find_sources
from tests.support.log_folders import append, segment


@pytest.fixture
def searches(tmp_path):
    """Search each time when it is not left out; say whether it was."""
    names = SameNames()

    def search(*patterns):
        paths = [str(tmp_path / pattern) for pattern in patterns]
        if names.are_there(paths):
            return True
        names.found(find_sources(paths, REAL))
        return False

    append(tmp_path / "a.log", b"1\n")
    append(tmp_path / "b.log", b"1\n")
    return search


def test_of_names_that_stay_four_of_five_searches_are_left_out(searches):
    assert [searches("*.log") for _ in range(12)] == [False, *[True] * 4] * 2 + [False, True]


def test_a_name_that_comes_or_goes_is_searched_for_at_once(searches, tmp_path):
    searches("*.log")
    append(tmp_path / "c.log", b"1\n")
    assert [searches("*.log") for _ in range(2)] == [False, True]
    (tmp_path / "a.log").unlink()
    assert [searches("*.log") for _ in range(2)] == [False, True]


def test_other_paths_are_searched(searches):
    searches("*.log")
    assert not searches("*.log", "a*")


@pytest.mark.parametrize("pattern", ["d*", "data/events/*", "nothing*", "[ab].log"])
def test_where_folders_match_or_a_name_is_given_all_searches_are_made(searches, tmp_path, pattern):
    append(segment(tmp_path / "data"), b"1\n")
    (tmp_path / "nothing-in-it").mkdir()
    append(tmp_path / "nothing-in-it" / "x.jsonl", b"1\n")
    given = (pattern, "a.log") if pattern == "[ab].log" else (pattern,)
    assert not any(searches(*given) for _ in range(9))


def test_where_two_names_are_one_file_all_searches_are_made(searches, tmp_path):
    (tmp_path / "c.log").symlink_to(tmp_path / "a.log")
    assert not any(searches("*.log") for _ in range(9))
