from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from events.formats.outcome import Foreign
from projections.cli.event_lines import EventLines, cut
from projections.cli.event_view import ReadEvent, read_event
from tests.support.data_folders import event, lines_of


def told(*args, **fields):
    return read_event(lines_of(event(*args, **fields)).encode().rstrip())


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdef", 5, "abcd…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("a日本語", 4, "a日…"),
        ("ée\u0301\u0301", 2, "ée\u0301\u0301"),
        ("🎬🎬", 3, "🎬…"),
        ("é", 1, "é"),
    ],
)
def test_cells_are_counted_and_not_characters(text, width, expected):
    assert cut(text, width) == expected


@given(st.text(st.sampled_from("ab é日\u0301🎬👩\u200d🇩❤\ufe0f")), st.integers(1, 30))
def test_no_line_is_wider_than_it_may_be(text, width):
    shown = cut(text, width)
    assert sum(map(cell_len, shown)) <= width, "also where a terminal joins no characters"
    assert cell_len(shown) <= width
    assert text.startswith(shown.removesuffix("…"))
    assert shown == text or cut(text, width + 1) != shown or sum(map(cell_len, text)) > width


def test_a_day_is_told_once():
    lines = EventLines(coloured=False, full=False)
    assert lines.lines(told(1), 80).splitlines()[0] == "--- 2026-01-01 UTC"
    assert lines.lines(told(2), 80) == "00:00:02 done     job 2 scene 2  100ms\n"
    assert lines.lines(read_event(b"{}"), 80) == "--:--:-- -        (no event)\n"
    assert lines.lines(told(3), 10) == "00:00:03 …\n"


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        (told(1), "\x1b[32mdone\x1b[0m "),
        (told(1, confidence="low"), "\x1b[36mdone\x1b[0m "),
        (told(1, "job.failed"), "\x1b[31mfailed\x1b[0m "),
        (told(1, "job.failed", to_dlq=True), "\x1b[1;31mdead\x1b[0m "),
        (told(1, "job.skipped"), "\x1b[2mskipped\x1b[0m "),
        (told(1, "worker.started"), "\x1b[2m-\x1b[0m "),
        (read_event(b"x"), "\x1b[33minvalid\x1b[0m "),
    ],
)
def test_marks_are_coloured_by_the_outcome(line, mark):
    assert mark in EventLines(coloured=True, full=False).lines(line, 80)
    assert "\x1b" not in EventLines(coloured=False, full=False).lines(line, 80)


def test_colours_take_no_room():
    line = told(1, "job.failed", error="x" * 99)
    plain, coloured = (
        EventLines(coloured=on, full=False).lines(line, 60).splitlines()[1] for on in (False, True)
    )
    assert len(plain) == 60
    assert coloured.replace("\x1b[31m", "").replace("\x1b[0m", "") == plain
    assert EventLines(coloured=True, full=False).lines(read_event(b"x"), 5) == "--:-…\n"


def test_full_lines_stay_whole():
    line = told(1, "job.failed", error="日" * 99)
    assert EventLines(coloured=False, full=True).lines(line, 10).count("日") == 99


def test_long_ids_of_other_programs_are_cut_unless_full():
    foreign = Foreign(event="job.failed", job="51b7e5fdb28e6f819481abe8", error_type="E")
    one, full = (
        EventLines(coloured=False, full=full).lines(ReadEvent(b"", foreign), 80)
        for full in (False, True)
    )
    assert one == "--:--:-- failed   job 51b7e5fdb28e…  0ms  E\n"
    assert full == "--:--:-- failed   job 51b7e5fdb28e6f819481abe8  0ms  E\n"
