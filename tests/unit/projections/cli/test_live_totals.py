from __future__ import annotations

import pytest

from projections.cli.event_view import read_event
from projections.cli.live_totals import WINDOW_S, LiveTotals, Rate
from tests.support.data_folders import event, lines_of

S = 1_000_000_000


def told(**fields):
    return read_event(lines_of(event(1, **fields)).encode().rstrip())


def totals(succeeded=0, failed=0, dead=0, skipped=0):
    made = LiveTotals(0)
    for number, one in (
        (succeeded, told(duration_ns=12_000_000)),
        (failed, told(name="job.failed", duration_ns=12_000_000)),
        (dead, told(name="job.failed", to_dlq=True, duration_ns=12_000_000)),
        (skipped, told(name="job.skipped", duration_ns=99_000_000)),
    ):
        for _ in range(number):
            made.add(one, 0)
    return made


# Rate ---------------------------------------------------------------------------------------------


def test_a_rate_is_that_of_the_last_seconds():
    rate = Rate(0)
    for tenth in range(300):  # half a minute, ten a second
        rate.add(tenth * S // 10)
        assert rate.per_s(tenth * S // 10) <= 11
    assert rate.per_s(30 * S) == pytest.approx(10, abs=0.5)
    assert 0 < rate.per_s(35 * S) < 6
    assert rate.per_s(30 * S + WINDOW_S * S) == 0


def test_a_rate_of_the_beginning_is_not_that_of_ten_seconds():
    rate = Rate(5 * S)
    for _ in range(100):
        rate.add(5 * S)
    assert rate.per_s(5 * S) == 100, "not infinite"
    assert rate.per_s(7 * S) == 50
    assert rate.per_s(14 * S) == pytest.approx(100 / 9)


# The line -----------------------------------------------------------------------------------------


def test_all_is_said_where_there_is_room():
    shown = totals(succeeded=1200, failed=32, dead=2).text(79, 10 * S - 1)
    assert shown == "1,234 attempts: 1,200 succeeded (97.2%), 34 failed, 2 dead; avg 12ms; 123/s"


def test_nothing_and_one():
    assert totals().text(79, S) == "0 attempts: 0 succeeded (0.0%), 0 failed, 0 dead; avg 0ms; 0/s"
    assert totals(succeeded=1).text(79, S).startswith("1 attempt: 1 succeeded (100.0%), 0 failed")


def test_skipped_ones_are_no_attempts_and_count_in_the_rate():
    shown = totals(succeeded=1, skipped=3).text(99, 2 * S)
    assert shown == (
        "1 attempt: 1 succeeded (100.0%), 0 failed, 0 dead, 3 skipped; avg 12ms; 2.0/s"
    )


def test_what_is_no_outcome_does_not_count():
    made = LiveTotals(0)
    made.add(read_event(b'{"event": "worker.started"}'), 0)
    made.add(read_event(b"rubbish"), 0)
    assert made.is_nothing
    made.add(told(), 0)
    assert not made.is_nothing


def test_how_many_were_shown():
    assert totals(succeeded=1200).text(99, 9 * S, shown=7).endswith("; 133/s; 7 shown")


def test_the_less_room_the_less_is_said():
    made = totals(succeeded=1200, failed=32, dead=2, skipped=15)
    said = [made.text(width, 9 * S) for width in range(99, -1, -1)]
    assert all(len(text) <= width for text, width in zip(said, range(99, -1, -1), strict=True))
    assert list(dict.fromkeys(said))[:8] == [
        "1,234 attempts: 1,200 succeeded (97.2%), 34 failed, 2 dead, 15 skipped; avg 12ms; 139/s",
        "1,234 attempts: 97.2% succeeded, 34 failed, 2 dead, 15 skipped; avg 12ms; 139/s",
        "1,234: 97.2% ok, 34 failed, 2 dead, 15 skipped; 12ms; 139/s",
        "1,234: 97.2% ok, 34 failed, 2 dead; 139/s",
        "1,234: 34 failed, 2 dead; 139/s",
        "1,234: 34 failed; 139/s",
        "1,234; 139/s",
        "139/s",
    ]


@pytest.mark.parametrize(
    ("number", "seconds", "speed"), [(1, 9, "0.1/s"), (3, 2, "1.5/s"), (120, 1, "120/s")]
)
def test_speeds(number, seconds, speed):
    assert totals(succeeded=number).text(99, seconds * S).endswith(f"; {speed}")
