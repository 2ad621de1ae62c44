from __future__ import annotations

import pytest

from benchmarks.figures import Goal, Part, ratio
from benchmarks.report import write_page
from benchmarks.table import WIDTH, part, table


@pytest.mark.parametrize("length", [3, 200])
def test_a_table_fits_80_columns_whatever_its_words(length):
    words = " ".join(["word"] * length)
    found = table(["", "lines/s", "MB/s"], [[words, "1,000,000", "12"], ["b", "1", "2"]])

    assert max(map(len, found.splitlines())) <= WIDTH
    first, last = found.splitlines()[-2:]
    assert first.endswith("  1,000,000    12")
    assert last.endswith("          1     2")
    assert len(first) == len(last)


@pytest.mark.parametrize(
    ("at_least", "found", "verdict"),
    [
        (True, 2.5, "holds"),
        (True, 2.49, "falls short"),
        (False, 2.5, "holds"),
        (False, 2.51, "falls short"),
        (True, None, "not measured"),
        (False, None, "not measured"),
    ],
)
def test_a_goal_holds_or_falls_short_by_what_was_measured(at_least, found, verdict):
    assert Goal("speed", 2.5, found, "x", at_least=at_least).verdict == verdict


def test_what_falls_short_by_little_does_not_look_like_its_limit():
    goal = Goal("time", 1.2, 1.2004, "x", at_least=False)

    assert (goal.limit, goal.figure, goal.verdict) == ("<= 1.20x", "1.2004x", "falls short")
    assert Goal("jobs", 40_000, 41_234.5, "/s").figure == "41,234/s"


def test_a_ratio_of_what_was_not_measured_is_none():
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, None) is ratio(None, 2.0) is ratio(3.0, 0.0) is None


def test_a_part_names_who_is_not_here_and_each_goal_with_its_verdict():
    found = Part("p", "Part", ["", "lines/s"], [["a", "1"]], missing=["DuckDB", "jq"])
    found.goals.append(Goal("speed of DuckDB", 2.5, None, "x"))
    text = part(found)

    assert "Not here: DuckDB; jq." in text
    assert text.splitlines()[-1].split()[-3:] == ["-", "not", "measured"]


def test_a_page_keeps_what_stands_around_the_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n")
    found = Part("p", "Part", ["", "n"], [["a", r"\1"]])
    for _ in range(2):
        write_page(page, {"processor": "2 cores"}, [found], {"p": "page/p.svg"})
    text = page.read_text()

    assert text.startswith("before\n<!-- bench: begin -->\n")
    assert text.endswith("<!-- bench: end -->\nafter\n")
    assert "old" not in text
    assert text.count("![Part, as a picture](page/p.svg)") == text.count(r"\1") == 1
