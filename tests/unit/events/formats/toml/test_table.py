from __future__ import annotations

import pytest

from events.formats.toml.table import Table, WrongKeyError

CONTENT = {
    "text": "x",
    "number": 1,
    "table": {"inner": {"deep": 1}},
    "tables": [{"a": 1}, {"b": "y"}],
    "list": ["x"],
    "empty": [],
}


@pytest.fixture
def table():
    return Table(CONTENT)


def test_what_is_there(table):
    assert list(table) == list(CONTENT)
    assert ("text" in table, "none" in table) == (True, False)
    assert (table.text("text"), table.text("none", "y"), table.get("number")) == ("x", "y", 1)
    assert (table.list("list"), table.inside("list").get(0)) == (["x"], "x")
    assert list(table.table("none")) == []
    assert table.tables("none") == []
    assert table.one_of("text", ("y", "x")) == "x"


@pytest.mark.parametrize(
    ("ask", "path", "what"),
    [
        (lambda t: t.text("none"), ("none",), "this key is missing"),
        (lambda t: t.text("number"), ("number",), "give a text in quotes"),
        (lambda t: t.one_of("text", ("a", "b")), ("text",), "'x' is none of a, b"),
        (lambda t: t.table("list"), ("list",), "a table belongs here"),
        (
            lambda t: t.table("table").table("inner").text("deep"),
            ("table", "inner", "deep"),
            "give",
        ),
        (lambda t: t.tables("list"), ("list",), "tables belong here, each begun by [[list]]"),
        (lambda t: t.tables("tables")[1].list("b"), ("tables", 1, "b"), "give a list of one"),
        (lambda t: t.list("empty"), ("empty",), "give a list of one or more"),
        (lambda t: t.inside("list").table(0), ("list", 0), "a table belongs here"),
        (lambda t: t.table("table").only("iner"), ("table", "inner"), "did you mean iner?"),
        (lambda t: t.table("table").only("x", what="field"), ("table", "inner"), "no such field;"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(table, ask, path, what):
    with pytest.raises(WrongKeyError) as caught:
        ask(table)
    assert caught.value.path == path
    assert what in str(caught.value)
