"""docs/howto/other_tools.md: what it tells people to call gives the numbers of `syncstats replay`.

The commands are taken from the page and run with the real tools, on the log of a real worker.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from contextlib import chdir, closing, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from events.model import Line
from tests.support.command import syncstats
from tests.support.project import ROOT, environment
from tests.support.tools import lack, tool
from tests.support.workers import Place, TickingClock
from worker.errors import PermanentError, PlexNotFound, TransientError
from worker.handlers.base import Outcome
from worker.retry import Backoff, RetryPolicies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

PAGE = (ROOT / "docs/howto/other_tools.md").read_text(encoding="utf-8")
FORMAT = ROOT / "docs/howto/lnav/syncstats.json"
VIEWS = ROOT / "docs/howto/duckdb.sql"
BLOCKS = {
    block["name"]: block["text"]
    for block in re.finditer(
        r"^<!-- tool: (?P<name>[a-z ]+) -->\n```\w*\n(?P<text>.*?)^```$",
        PAGE,
        re.MULTILINE | re.DOTALL,
    )
}
TOLD = "kein Eintrag für »Amélie« 映画\nzweite Zeile"
SUCCESS = {"event": "job.succeeded", "v": 1, "timestamp": "2027-01-01T00:00:00Z", "attempt": 1}
SOON = RetryPolicies(Backoff(1.0, 2.0, tries=5), Backoff(1.0, 2.0, tries=6))
COUNTERS = (
    "jobs_processed",
    "jobs_succeeded",
    "jobs_failed",
    "jobs_to_dlq",
    "jobs_retried",
    "jobs_skipped",
    "jobs_recovered",
    "jobs_with_warnings",
    "high_confidence_matches",
    "low_confidence_matches",
    "total_processing_time_ns",
)


class SmallSegments(Place):
    segment_bytes = 4096


def work(data: Path) -> None:
    """Let two workers write a stream each, of several segments."""
    rng = Random(5)
    for boot in ("boot-1", "boot-2"):  # after a restart of the machine, a new stream is begun
        with closing(SmallSegments(data, TickingClock(), boot_id=boot)) as place:
            clock = place.clock

            def handle(job: Any, clock: Any = clock) -> Any:
                clock.move_s(rng.uniform(0, 3))
                if job.scene_id % 11 == 0:
                    raise PermanentError(TOLD)
                if job.scene_id % 7 == 0 and job.attempt < 3:
                    raise TransientError("überlastet")
                if job.scene_id % 17 == 0:
                    raise PlexNotFound("no item for /media/é.mkv")
                if job.scene_id % 5 == 0:
                    return Outcome(skipped=True)
                return "low" if job.scene_id % 4 == 0 else Outcome(warnings=job.scene_id % 2)

            place.enqueue(60)
            place.worker(handle, wait=True, breaker_failures=99, policies=SOON).run()


class Log:
    """A folder in which the page's commands are run: ``data`` and ``docs``, and a home for lnav."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = folder / "data/events"
        (folder / "docs").symlink_to(ROOT / "docs")
        (folder / "home").mkdir()

    def copy(self, folder: Path) -> Log:
        shutil.copytree(self.folder / "data", folder / "data")
        return Log(folder)

    def segments(self) -> list[Path]:
        return sorted(path for path in self.events.glob("*/*.jsonl") if path.stat().st_size)

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        home = str(self.folder / "home")
        env = environment(HOME=home, XDG_CONFIG_HOME=f"{home}/.config", TMPDIR=home)
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )

    def asked(self, command: str) -> str:
        done = self.run(command)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    def replayed(self, path: str = "data/events") -> dict[str, Any]:
        ran = syncstats("replay", path, "--json", cwd=self.folder)
        assert ran.status == 0
        stats: dict[str, Any] = ran.json
        return stats


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    work(folder / "data")
    return Log(folder)


@pytest.fixture(scope="module")
def stats(whole: Log) -> dict[str, Any]:
    return whole.replayed()


@pytest.fixture
def copy(whole: Log, tmp_path: Path) -> Log:
    return whole.copy(tmp_path)


# Each tool's answer, from what it prints ----------------------------------------------------------

Answer = tuple[dict[str, int], dict[str, int]]
"""How many outcomes of each event, and how many failures of each error type."""


def told(stats: dict[str, Any]) -> Answer:
    """The answer of `syncstats replay`."""
    events = {
        "job.succeeded": stats["jobs_succeeded"],
        "job.failed": stats["jobs_failed"],
        "job.skipped": stats["jobs_skipped"],
    }
    return events, stats["errors_by_type"]


@pytest.fixture
def before(stats: dict[str, Any]) -> Answer:
    return told(stats)


def table(text: str) -> list[dict[str, str]]:
    head, *rows = (line.split() for line in text.splitlines())
    return [dict(zip(head, row, strict=True)) for row in rows]


def boxes(text: str) -> list[list[dict[str, str]]]:
    """The tables that DuckDB draws: names, types, rows."""
    drawn = []
    for box in text.split("┌")[1:]:
        lines = [line.strip("│").split("│") for line in box.splitlines() if line.startswith("│")]
        head, _, *rows = ([cell.strip() for cell in line] for line in lines)
        drawn.append([dict(zip(head, row, strict=True)) for row in rows])
    return drawn


def installed(log: Log) -> Log:
    tool("lnav", "lnav")
    assert log.run(BLOCKS["lnav"]).returncode == 0
    return log


def lnav(log: Log) -> Answer:
    installed(log)
    events: dict[str, int] = {}
    for row in table(log.asked(BLOCKS["lnav counts"])):
        events[row["event"]] = events.get(row["event"], 0) + int(row["attempts"])
    errors = table(log.asked(BLOCKS["lnav errors"]))
    return events, {row["error_type"]: int(row["attempts"]) for row in errors}


def miller(log: Log) -> Answer:
    tool("mlr", "miller")
    counts = table(log.asked(BLOCKS["mlr counts"]))
    errors = table(log.asked(BLOCKS["mlr errors"]))
    return (
        {row["event"]: int(row["count"]) for row in counts if row["event"].startswith("job.")},
        {row["error_type"]: int(row["count"]) for row in errors},
    )


def duck(log: Log) -> Answer:
    need_duckdb()
    (log.folder / "ask.py").write_text(BLOCKS["duckdb"], encoding="utf-8")
    (stats,), errors, _ = boxes(log.asked("python ask.py"))
    events = {f"job.{end}": int(stats[f"jobs_{end}"]) for end in ("succeeded", "failed", "skipped")}
    return events, {row["error_type"]: int(row["attempts"]) for row in errors}


def need_duckdb() -> None:
    try:
        import duckdb  # noqa: F401 - whether it is installed
    except ImportError:
        lack("duckdb is missing: pip install duckdb")


@contextmanager
def views(log: Log) -> Iterator[duckdb.DuckDBPyConnection]:
    """The views of duckdb.sql over a log."""
    need_duckdb()
    import duckdb

    with chdir(log.folder), closing(duckdb.connect()) as connection:
        connection.execute(VIEWS.read_text(encoding="utf-8"))
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    asked = connection.execute(query)
    names = [column[0] for column in asked.description or []]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


# A whole log --------------------------------------------------------------------------------------


def test_the_log_has_what_it_takes(whole, stats):
    assert len(stats["streams"]) == 2
    assert len(whole.segments()) > 6
    assert set(stats["errors_by_type"]) == {"PermanentError", "PlexNotFound", "TransientError"}
    assert min(stats[name] for name in COUNTERS) > 0
    assert (stats["duplicates"], stats["gaps"], stats["invalid_lines"]) == (0, 0, 0)


@pytest.mark.parametrize("ask", [lnav, duck, miller])
def test_the_commands_of_the_page_count_as_replay_does(copy, before, ask):
    assert ask(copy) == before


@pytest.mark.parametrize("ask", [lnav, duck])
def test_compressed_segments_are_read_too(copy, before, ask):
    ran = syncstats("prune", "--compress", cwd=copy.folder)
    assert ran.status == 0
    assert len(list(copy.events.glob("*/*.jsonl.zst"))) > 4
    assert ask(copy) == before


def test_lnav_tells_dead_from_retried(copy, stats):
    answer = table(installed(copy).asked(BLOCKS["lnav counts"]))
    failed = {row["to_dlq"]: int(row["attempts"]) for row in answer if row["event"] == "job.failed"}
    assert failed == {"1": stats["jobs_to_dlq"], "0": stats["jobs_retried"]}


def test_miller_s_times_are_those_of_replay(whole, stats):
    tool("mlr", "miller")
    (row,) = table(whole.asked(BLOCKS["mlr seconds"]))
    assert int(row["seconds_count"]) == stats["jobs_processed"]
    assert float(row["seconds_mean"]) == pytest.approx(stats["avg_processing_time"])
    assert float(row["seconds_max"]) == stats["quantiles"]["latency"]["max"]


def test_duckdb_s_stats_are_those_of_replay(whole, stats):
    with views(whole) as connection:
        (row,) = rows(connection, "FROM stats")
        errors = {row["error_type"]: row for row in rows(connection, "FROM errors")}
    assert {name: row[name] for name in COUNTERS} == {name: stats[name] for name in COUNTERS}
    assert row["avg_processing_time"] == pytest.approx(stats["avg_processing_time"])
    assert f"{row['as_of']:%Y-%m-%dT%H:%M:%S.%fZ}" == stats["as_of"]
    for name, quantiles in stats["quantiles"].items():
        for quantile, seconds in quantiles.items():
            assert seconds == pytest.approx(row[f"{name}_{quantile}"], rel=0.0055)
    assert {name: row["attempts"] for name, row in errors.items()} == stats["errors_by_type"]
    assert sum(row["dead"] for row in errors.values()) == stats["jobs_to_dlq"]
    assert errors["PermanentError"]["last_error"] == TOLD


# What the tools know of our lines -----------------------------------------------------------------


def test_lnav_sees_no_line_without_the_format(copy):
    tool("lnav", "lnav")
    command = "lnav -n -c ';SELECT count(*) AS n FROM all_logs' data/events/*/*.jsonl*"
    assert table(copy.asked(command)) == [{"n": "0"}]
    installed(copy)
    lines = sum(path.read_bytes().count(b"\n") for path in copy.segments())
    assert table(copy.asked(command)) == [{"n": str(lines)}]


def test_lnav_finds_nothing_wrong_with_the_format(copy):
    checked = installed(copy).run("lnav -C; lnav -W -n -c ';SELECT 1 AS fine'")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.split() == ["fine", "1"]


def test_lnav_shows_a_failure_as_it_was_written(copy):
    wanted = "log_level, log_opid, job_id, kind, attempt, duration_ns, error, to_dlq, exception"
    command = (
        f"lnav -n -c \";SELECT stream, seq, {wanted} FROM syncstats WHERE event = 'job.failed'\""
        " -c ':write-json-to -' data/events/*/*.jsonl"
    )
    shown = {(row["stream"], row["seq"]): row for row in json.loads(installed(copy).asked(command))}
    lines = [
        json.loads(line) for path in copy.segments() for line in path.read_bytes().splitlines()
    ]
    failed = [line for line in lines if line["event"] == "job.failed"]
    assert len(shown) == len(failed)
    for line in failed:
        row = shown[line["stream"], line["seq"]]
        assert (row["log_level"], int(row["log_opid"])) == (line["level"], line["job_id"])
        assert bool(row["to_dlq"]) is line["to_dlq"]
        for name in ("job_id", "kind", "attempt", "duration_ns", "error", "exception"):
            assert row[name] == line[name], name


def test_both_files_know_every_field_of_the_format(whole):
    fields = set(Line.__struct_fields__)
    assert set(json.loads(FORMAT.read_text(encoding="utf-8"))["syncstats"]["value"]) == fields
    with views(whole) as connection:
        assert {row["column_name"] for row in rows(connection, "DESCRIBE events")} == fields


# Where the numbers agree, and where not -----------------------------------------------------------


def success(log: Log) -> str:
    """One more success of the log's last stream, without a line end."""
    last = json.loads(log.segments()[-1].read_bytes().splitlines()[-1])
    return json.dumps(SUCCESS | {"stream": last["stream"], "seq": last["seq"] + 1})


def append(log: Log, text: str) -> None:
    with log.segments()[-1].open("a", encoding="utf-8") as file:
        file.write(text)


def one_more(answer: Answer) -> Answer:
    events, errors = answer
    return events | {"job.succeeded": events["job.succeeded"] + 1}, errors


@pytest.mark.parametrize("ask", [lnav, duck, miller])
def test_a_line_that_stands_there_twice_counts_once(copy, before, ask):
    segments = copy.segments()
    outcomes = [line for line in segments[-1].read_text().splitlines() if '"job.' in line]
    append(copy, f"{outcomes[0]}\n")
    packed = segments[0]
    packed.with_name(f"{packed.name}.gz").write_bytes(gzip.compress(packed.read_bytes()))
    after = copy.replayed()
    assert after["duplicates"] == 1
    assert told(after) == before
    assert ask(copy) == before


@pytest.mark.parametrize("ask", [lnav, duck, miller])
@pytest.mark.parametrize("keep", [1, 60])
def test_an_unfinished_last_line_is_not_counted_or_ends_the_query(copy, before, ask, keep):
    append(copy, success(copy)[:keep])
    assert told(copy.replayed()) == before
    if ask is lnav:
        assert ask(copy) == before
    else:
        assert_ends(copy, ask)


def assert_ends(log: Log, ask: Any) -> None:
    need_duckdb()
    tool("mlr", "miller")
    (log.folder / "ask.py").write_text(BLOCKS["duckdb"], encoding="utf-8")
    done = log.run("python ask.py" if ask is duck else BLOCKS["mlr counts"])
    assert done.returncode != 0
    assert done.stdout == ""
    if ask is duck:
        assert log.segments()[-1].name in done.stderr


@pytest.mark.parametrize("ask", [lnav, duck, miller])
def test_a_last_line_without_its_end_is_counted_by_all_but_us(copy, before, ask):
    append(copy, success(copy))
    assert told(copy.replayed()) == before
    assert ask(copy) == one_more(before)


@pytest.mark.parametrize("ask", [lnav, duck, miller])
@pytest.mark.parametrize("bad", ["no JSON", '{"event":"job.succeeded","seq":'])
def test_an_invalid_line_ends_the_query_or_is_a_row_without_fields(copy, before, ask, bad):
    append(copy, f"{bad}\n{success(copy)}\n")
    after = copy.replayed()
    assert after["invalid_lines"] == 1
    assert told(after) == one_more(before)
    if ask is lnav:
        assert ask(copy) == one_more(before)
    else:
        assert_ends(copy, ask)


def test_lines_without_stream_and_seq_count_each_in_duckdb(copy, before):
    append(copy, f"{json.dumps(SUCCESS)}\n" * 2)
    as_files = copy.replayed("data/events/*/*.jsonl")
    assert told(as_files) == one_more(one_more(before))
    assert duck(copy) == one_more(one_more(before))
    assert lnav(copy) == one_more(before)
    assert miller(copy) == before


@pytest.mark.parametrize("wrong", [{"duration_ns": -1}, {"v": 2}, {"error": None}])
def test_the_three_count_outcomes_that_break_the_format(copy, before, wrong):
    append(copy, f"{json.dumps(json.loads(success(copy)) | wrong)}\n")
    after = copy.replayed()
    assert (after["invalid_lines"], told(after)) == (1, before)
    assert [ask(copy) for ask in (lnav, duck, miller)] == [one_more(before)] * 3


def test_what_others_leave_out_means_the_same_in_duckdb(tmp_path):
    log = Log(tmp_path)
    folder = log.events / "other"
    folder.mkdir(parents=True)
    moments = {"timestamp": "2026-01-01T23:00:00.5+02:00"}
    (folder / f"{0:020d}.jsonl").write_text(
        "".join(
            f"{json.dumps(moments | line)}\n"
            for line in (
                {"event": "job.succeeded", "duration": 1.5},
                {"event": "job.succeeded", "duration": 9, "duration_ns": 2_000_000_000},
                {"event": "job.succeeded", "confidence": {"a": 1}},
                {"event": "job.failed"},
                {"event": "job.skipped", "duration_ns": 7, "to_dlq": True},
                {"event": "something.else", "timestamp": "2027-01-01T00:00:00Z"},
            )
        )
    )
    stats = log.replayed("data/events/*/*.jsonl")
    with views(log) as connection:
        (row,) = rows(connection, "FROM stats")
        (error,) = rows(connection, "FROM errors")
    assert {name: row[name] for name in COUNTERS} == {name: stats[name] for name in COUNTERS}
    assert (
        f"{row['as_of']:%Y-%m-%dT%H:%M:%S.%fZ}" == stats["as_of"] == "2026-01-01T21:00:00.500000Z"
    )
    assert {error["error_type"]: error["attempts"]} == stats["errors_by_type"]
