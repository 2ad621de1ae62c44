from __future__ import annotations

from pathlib import Path

import pytest

from events.calls import call


@pytest.mark.parametrize(
    ("data", "environ", "written"),
    [
        ("data", {}, "`syncstats show`"),
        ("./data/", {}, "`syncstats show`"),
        ("data", {"SYNCSTATS_DATA": ""}, "`syncstats show`"),
        ("data", {"SYNCSTATS_DATA": "/srv/d"}, "`syncstats show --data data`"),
        ("/srv/d", {"SYNCSTATS_DATA": "/srv/d"}, "`syncstats show`"),
        ("d4", {}, "`syncstats show --data d4`"),
        ("it's mine", {}, """`syncstats show --data 'it'"'"'s mine'`"""),
    ],
)
def test_the_data_folder_is_named_where_it_is_not_the_usual_one(data, environ, written):
    assert call("show", Path(data), environ) == written


def test_the_usual_one_is_told_by_its_whole_name_too():
    assert call("show", Path("data").absolute(), {}) == "`syncstats show`"


def test_in_a_folder_that_is_gone_it_is_told_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert call("show", Path("data"), {}) == "`syncstats show`"
    assert call("show", tmp_path, {}) == f"`syncstats show --data {tmp_path}`"
