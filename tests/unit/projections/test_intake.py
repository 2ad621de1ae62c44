from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from events.formats.toml.mapping_file import parse_mapping
from events.log.reader import Block, Overlong
from projections.cli.formats import choice_of
from projections.entry import LOOSE
from projections.fold import Fold
from projections.intake import Format, Intake
from tests.support.outcome_lines import failed, succeeded

if TYPE_CHECKING:
    from projections.problems import Problem


def sidekiq(wrapping: str | None = None) -> Format:
    format_ = choice_of("sidekiq", None, wrapping or "none").known
    assert format_ is not None
    return format_


def told(msg: str, level: str = "INFO", jid: str = "a") -> bytes:
    ctx = {"class": "Sync", "jid": jid, "elapsed": 0.5}
    line = {"ts": "2026-11-24T13:00:50.400Z", "pid": 1, "tid": "x", "lvl": level, "msg": msg}
    return json.dumps(line | ({"ctx": ctx} if level == "INFO" else {})).encode() + b"\n"


def in_docker(line: bytes) -> bytes:
    record = {"log": line.decode(), "stream": "stdout", "time": "2026-11-24T13:00:50.4Z"}
    return json.dumps(record).encode() + b"\n"


class Reports(list[tuple[int, str]]):
    def __call__(self, offset: int, reason: str) -> None:
        self.append((offset, reason))

    @property
    def offsets(self) -> list[int]:
        return sorted(offset for offset, _ in self)


DONE, FAIL, WHY = told("done"), told("fail"), told("PlexNotFound: no item", "WARN")
OTHER = told("start")


def test_each_line_of_another_program_is_read_and_each_outcome_counted() -> None:
    fold = Fold()
    intake = Intake(fold, sidekiq(), stream="log")
    intake.take(Block(0, OTHER + DONE + FAIL + WHY + b"\n"))
    entry = fold.entry("log")

    assert (entry.stats.jobs_succeeded, entry.stats.jobs_failed) == (1, 1)
    assert (entry.seen, entry.invalid_lines) == (((0, 5),), 0)
    assert entry.stats.errors_by_type == {"PlexNotFound": 1}
    assert intake.state() is None


def test_an_invalid_line_is_counted_and_told_once_and_is_a_line() -> None:
    fold, reports = Fold(), Reports()
    intake = Intake(fold, sidekiq(), stream="log")
    intake.take(Block(100, DONE + b"no JSON\n" + DONE), reports)
    intake.take(Overlong(900, 2_000_000), reports)
    entry = fold.entry("log")

    assert reports.offsets == [100 + len(DONE), 900]
    assert "2000000 bytes" in reports[-1][1]
    assert (entry.seen, entry.invalid_lines, entry.stats.jobs_succeeded) == (((0, 4),), 2, 2)


def test_what_waits_is_shown_and_counted_once_its_line_has_come() -> None:
    fold = Fold()
    first = Intake(fold, sidekiq(), stream="log")
    first.take(Block(0, FAIL))
    assert [outcome.error_type for outcome in first.waiting()] == ["unknown"]
    assert fold.entry("log").stats.jobs_processed == 0

    kept = json.loads(json.dumps(first.state()))
    second = Intake(fold, sidekiq(), stream="log", state=kept)
    second.take(Block(len(FAIL), WHY))
    assert fold.entry("log").stats.errors_by_type == {"PlexNotFound": 1}
    assert (list(second.waiting()), second.state()) == ([], None)


def test_what_waits_at_the_end_counts_as_it_stands() -> None:
    fold = Fold()
    intake = Intake(fold, sidekiq(), stream="log")
    intake.take(Block(0, FAIL))
    assert len(intake.finish()) == 1
    assert intake.finish() == []
    assert fold.entry("log").stats.errors_by_type == {"unknown": 1}
    assert fold.entry("log").seen == ((0, 1),)


def test_wrapped_lines_are_told_of_where_the_outer_line_stands() -> None:
    fold, reports = Fold(), Reports()
    intake = Intake(fold, sidekiq("docker"), stream="log")
    good, bare, broken = in_docker(DONE), DONE, in_docker(b"no JSON\n")
    intake.take(Block(50, good + bare + broken + broken + good), reports)
    entry = fold.entry("log")

    begin = 50 + len(good)
    assert reports.offsets == [
        begin,
        begin + len(bare),
        begin + len(bare) + len(broken),
    ]
    assert (entry.seen, entry.invalid_lines, entry.stats.jobs_succeeded) == (((0, 5),), 3, 2)


def test_half_a_wrapped_line_waits_for_its_rest() -> None:
    fold = Fold()
    intake = Intake(fold, sidekiq("docker"), stream="log")
    intake.take(Block(0, in_docker(DONE[:20])))
    kept = json.loads(json.dumps(intake.state()))
    assert kept

    Intake(fold, sidekiq("docker"), stream="log", state=kept).take(Block(0, in_docker(DONE[20:])))
    assert fold.entry("log").stats.jobs_succeeded == 1
    assert fold.entry("log").seen == ((0, 2),)


def test_half_a_wrapped_line_whose_rest_never_comes_is_told_where_it_begins() -> None:
    found: list[Problem] = []
    intake = Intake(Fold(), sidekiq("docker"))
    intake.take(Block(0, in_docker(DONE) + in_docker(DONE[:20])), source="a.log")
    intake.finish(found.append)

    assert [(each.source, each.offset) for each in found] == [("a.log", len(in_docker(DONE)))]
    assert found[0].incomplete
    assert "20 bytes" in found[0].reason
    intake.finish(found.append)
    assert len(found) == 1


def test_half_a_line_that_began_in_an_earlier_file_is_told_there() -> None:
    found: list[Problem] = []
    intake = Intake(Fold(), sidekiq("docker"))
    intake.take(Block(500, in_docker(DONE[:20])), source="a.log.1")
    stderr = in_docker(DONE).replace(b"stdout", b"stderr")
    intake.take(Block(0, stderr), source="a.log")
    kept = json.loads(json.dumps(intake.state()))
    intake.finish(found.append)
    assert [(each.source, each.offset) for each in found] == [("a.log.1", 500)]

    found.clear()
    later = Intake(Fold(), sidekiq("docker"), state=kept)  # that file may have another name now
    later.take(Block(900, stderr), source="a.log")
    later.finish(found.append)
    assert [each.source for each in found] == ["an earlier file"]


def test_an_invalid_line_that_began_in_an_earlier_file_is_told_where_it_ends() -> None:
    reports = Reports()
    intake = Intake(Fold(), sidekiq("docker"))
    intake.take(Block(500, in_docker(b"no")), reports, source="a.log.1")
    intake.take(Block(0, in_docker(DONE.replace(b"x", b"y"))), reports, source="a.log")
    intake.take(Block(700, in_docker(b"no")), reports, source="a.log")
    intake.take(Block(700 + len(in_docker(b"no")), in_docker(b"ne\n")), reports, source="a.log")
    assert reports.offsets == [0, 700]


def test_half_a_line_at_the_end_of_a_file_takes_nothing_from_the_next_file() -> None:
    """Its rest stood in a file that is gone, or was never written."""
    fold, reports = Fold(), Reports()
    intake = Intake(fold, sidekiq("docker"), stream="log")
    intake.take(Block(500, in_docker(DONE[:40])), reports, source="a.log.2")
    kept = json.loads(json.dumps(intake.state()))
    later = Intake(fold, sidekiq("docker"), stream="log", state=kept)
    later.take(Block(0, in_docker(DONE) + in_docker(DONE)), reports, source="a.log")
    entry = fold.entry("log")

    assert (entry.stats.jobs_succeeded, entry.invalid_lines, entry.seen) == (2, 1, ((0, 3),))
    assert reports.offsets == [0]
    assert "is missing" in reports[0][1]


def test_our_own_lines_count_by_their_numbers_and_once() -> None:
    fold, reports = Fold(), Reports()
    intake = Intake(fold, Format(), stream="log")
    lines = succeeded(0) + succeeded(0) + failed(None, None) + b"no JSON\n"
    intake.take(Block(0, lines), reports)
    intake.take(Overlong(5000, 2_000_000), reports)

    assert (fold.entry("a").stats.jobs_processed, fold.entry("a").duplicates) == (1, 1)
    mine = fold.entry("log")
    assert (mine.seen, mine.invalid_lines, mine.stats.jobs_failed) == (((0, 3),), 2, 1)
    assert len(reports) == 2
    assert (list(intake.waiting()), list(intake.finish()), intake.state()) == ([], [], None)


def test_our_own_lines_are_unwrapped_too() -> None:
    fold, reports = Fold(), Reports()
    intake = Intake(fold, Format(wrapping="docker"), stream="log")
    bare, broken = succeeded(1), in_docker(b"no JSON\n")
    intake.take(Block(7, in_docker(succeeded(0)) + bare + broken), reports)

    assert fold.entry("a").seen == ((0, 1),)
    assert fold.entry("log").invalid_lines == 2
    assert fold.entry("log").seen == ((0, 2),)
    begin = 7 + len(in_docker(succeeded(0)))
    assert reports.offsets == [begin, begin + len(bare)]


def test_lines_that_say_nothing_leave_nothing() -> None:
    fold = Fold()
    Intake(fold, sidekiq()).take(Block(0, OTHER))
    Intake(fold, Format()).take(Block(0, b"\n"))

    assert fold.entries() == {}


def test_replay_counts_under_the_loose_stream() -> None:
    fold = Fold()
    Intake(fold, sidekiq()).take(Block(0, DONE))

    assert fold.entry(LOOSE).stats.jobs_succeeded == 1
    assert fold.entry(LOOSE).seen == ()


@pytest.mark.parametrize(
    ("format_", "text"),
    [
        (Format(), "native lines"),
        (sidekiq(), "sidekiq lines"),
        (sidekiq("docker"), "sidekiq lines in docker's wrapping"),
    ],
)
def test_a_format_says_what_it_is(format_, text) -> None:
    assert str(format_) == text


def test_formats_that_understand_lines_differently_have_other_keys() -> None:
    ecs = choice_of("ecs", None, None).known
    assert ecs is not None
    keys = {Format().key, sidekiq().key, sidekiq("docker").key, ecs.key}

    assert len(keys) == 4
    assert sidekiq().key == sidekiq().key


def mapped(text: str = "", description: str = "") -> Format:
    mapping = parse_mapping(
        f"""
        name = "mine"
        description = "{description}"
        outcomes = [{{ is = "failed", when = {{ ok = false }} }}]
        {text}
        """,
        "mine.toml",
    )
    return Format("mine", mapping)


def test_a_key_is_of_what_is_understood_and_of_nothing_else() -> None:
    same = {mapped().key, mapped("[fields]").key, mapped(description="for people").key}
    others = {
        mapped(f"[dimensions]\nx = {{ value = {value} }}").key for value in ("1", "true", "2")
    }
    assert len(same) == 1
    assert len(same | others | {mapped('[fields]\njob = "id"').key}) == 5


def test_a_key_does_not_change_with_the_program() -> None:
    """A state would tell each user that the format has changed."""
    assert Format().key == "1:863e73671633288f6068909c38496e97"
    assert mapped('[fields]\njob = "id"').key == "1:4e41a1c223afd4f65ddae59a7ff0a238"


def test_a_key_of_the_earlier_way_is_known_again() -> None:
    """They were made of what Python shows of a mapping."""
    assert sidekiq("docker").has_key(sidekiq("docker").key)
    assert not sidekiq("docker").has_key(sidekiq().key)
    assert Format().has_key("018f3f96717f95641731d6a07b773610")
    assert mapped().has_key("f6aa4ea8c238c3479666d1c2ef6598b1")
    assert not mapped("[dimensions]\na = 'b'").has_key("f6aa4ea8c238c3479666d1c2ef6598b1")
