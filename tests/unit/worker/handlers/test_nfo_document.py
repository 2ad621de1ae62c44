from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import PermanentError
from worker.handlers.nfo_document import MARK, read_metadata, render

LEAST = {"path": "a.mkv", "title": "A"}
WHOLE = {
    "path": "a.mkv",
    "title": "A & B",
    "details": "first line\nsecond <line>",
    "date": "2026-11-24",
    "studio": "Studio",
    "performers": ["P One", "P Two", " "],
    "tags": ["x", "y"],
    "rating100": 85,
    "anything": {"else": [1]},
}


def written(data, scene_id=7):
    return render(read_metadata(data), scene_id)


def test_the_whole_document():
    assert written(WHOLE).decode() == (
        '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n'
        f"<!-- {MARK} -->\n"
        "<movie>\n"
        "  <title>A &amp; B</title>\n"
        "  <plot>first line\nsecond &lt;line&gt;</plot>\n"
        "  <rating>8.5</rating>\n"
        "  <userrating>9</userrating>\n"
        "  <premiered>2026-11-24</premiered>\n"
        "  <year>2026</year>\n"
        "  <studio>Studio</studio>\n"
        '  <uniqueid type="stash" default="true">7</uniqueid>\n'
        "  <tag>x</tag>\n"
        "  <tag>y</tag>\n"
        "  <actor>\n"
        "    <name>P One</name>\n"
        "  </actor>\n"
        "  <actor>\n"
        "    <name>P Two</name>\n"
        "  </actor>\n"
        "</movie>\n"
    )


def test_what_is_missing_null_or_empty_is_left_out():
    nothing = dict.fromkeys(["details", "date", "studio", "performers", "tags", "rating100"])
    empty = {"details": "", "date": "", "studio": " ", "performers": [], "tags": [""]}
    for extra in ({}, nothing, empty):
        movie = ET.fromstring(written(LEAST | extra, scene_id=None))
        assert [child.tag for child in movie] == ["title"]


@pytest.mark.parametrize(
    ("rating", "shown", "stars"),
    [(0, "0.0", "0"), (4, "0.4", "0"), (5, "0.5", "1"), (100, "10.0", "10")],
)
def test_ratings(rating, shown, stars):
    movie = ET.fromstring(written(LEAST | {"rating100": rating}))
    assert (movie.findtext("rating"), movie.findtext("userrating")) == (shown, stars)


@given(st.text(st.characters(codec=None)))
def test_any_text_makes_a_document_and_loses_only_what_xml_cannot_hold(text):
    movie = ET.fromstring(written(LEAST | {"details": f"<{text}>"}))
    bad = {*range(0x20)} - {9, 10, 13} | {*range(0xD800, 0xE000), 0xFFFE, 0xFFFF}
    kept = "".join(c for c in text if ord(c) not in bad)
    assert movie.findtext("plot") == f"<{kept}>".replace("\r\n", "\n").replace("\r", "\n")


def test_every_character_that_xml_can_hold_is_kept():
    last = chr(sys.maxunicode)
    assert (
        ET.fromstring(written(LEAST | {"studio": f"\x85\ue000\ufffd{last}x"})).findtext("studio")
        == f"\x85\ue000\ufffd{last}x".strip()
    )


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (None, "Expected `object`, got `null`"),
        ([], "Expected `object`, got `array`"),
        ({"title": "A"}, "`path`"),
        ({"path": "a.mkv"}, "`title`"),
        (LEAST | {"path": 3}, r"path: Expected `str`, got `int`"),
        (LEAST | {"path": " "}, "path: it is empty"),
        (LEAST | {"title": None}, r"title: Expected `str`"),
        (LEAST | {"title": "\0\n"}, "title: it is empty"),
        (LEAST | {"details": 3}, "details: "),
        (LEAST | {"studio": {"name": "x"}}, "studio: "),
        (LEAST | {"tags": "x"}, "tags: "),
        (LEAST | {"tags": ["x", None]}, r"tags\[1\]: "),
        (LEAST | {"performers": [1]}, r"performers\[0\]: "),
        (LEAST | {"rating100": "80"}, "rating100: "),
        (LEAST | {"rating100": 8.5}, "rating100: "),
        (LEAST | {"rating100": True}, "rating100: "),
        (LEAST | {"rating100": 101}, "rating100: it must be between 0 and 100"),
        (LEAST | {"rating100": -1}, "rating100: it must be between 0 and 100"),
        (LEAST | {"date": 2026}, "date: "),
        (LEAST | {"date": "2026"}, "date: '2026' is no day"),
        (LEAST | {"date": "20261124"}, "date: "),
        (LEAST | {"date": "2026-02-30"}, "date: "),
    ],
)
def test_wrong_data_is_permanent_and_names_its_key(data, named):
    with pytest.raises(PermanentError, match=named):
        read_metadata(data)
