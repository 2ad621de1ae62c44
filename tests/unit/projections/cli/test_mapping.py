"""`syncstats mapping` says what becomes of a log's lines before they count."""

from __future__ import annotations

import gzip
import json

import pytest

from events.formats.names import PRESETS
from events.formats.presets import preset_text
from tests.support.project import ROOT
from tests.support.sidekiq_lines import line, warn

SAMPLE = ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl"


@pytest.fixture
def mine(syncstats, tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(syncstats("mapping", "show", "sidekiq").out)
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_show_prints_the_preset_as_it_is(syncstats, name):
    ran = syncstats("mapping", "show", name)
    assert (ran.status, ran.out, ran.err) == (0, preset_text(name), "")


def test_show_knows_no_other(syncstats):
    ran = syncstats("mapping", "show", "nginx")
    assert (ran.status, ran.out) == (2, "")
    assert "no preset 'nginx'; there are ecs, oban, sidekiq, structlog" in ran.err


def test_check_tells_of_each_line_within_80_columns(syncstats, mine):
    ran = syncstats("mapping", "check", mine, "--sample", SAMPLE, "--lines", 24)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    text = " ".join(ran.out.split())
    assert '5 ignored: no outcome fits (msg is "start")' in text
    assert "7 succeeded job=7f587d64660e33bbbae7c35e kind=SyncJob took=1.0ms" in text
    assert "20 waits for the line that completes it: failed error=unknown job=51b7" in text
    assert "23 completes line 20: failed error=PlexNotFound" in text
    assert "25 " not in text
    assert lines[-2:] == [
        "152 lines: 52 succeeded, 8 failed (0 dead), 0 skipped,",
        "  8 completing others, 84 ignored, 0 invalid; 0 outcomes not completed",
    ]


def test_check_as_json(syncstats, mine):
    ran = syncstats("mapping", "check", mine, "--sample", SAMPLE, "--lines", 23, "--json")
    answer = json.loads(ran.out)
    assert answer["mapping"] == "sidekiq"
    assert answer["totals"] == {
        "lines": 152,
        "succeeded": 52,
        "failed": 8,
        "skipped": 0,
        "dead": 0,
        "ignored": 84,
        "invalid": 0,
        "companions": 8,
        "late": 0,
    }
    assert answer["unfound"] == []
    assert len(answer["lines"]) == 23
    assert answer["lines"][4] == {
        "line": 5,
        "told": "ignored",
        "reason": 'no outcome fits (msg is "start")',
    }
    assert answer["lines"][-1] == {
        "line": 23,
        "told": "completes",
        "of": 20,
        "outcome": {
            "event": "job.failed",
            "timestamp": "2026-11-24T13:00:50.374000Z",
            "kind": "SyncJob",
            "duration_ns": 1_000_000,
            "error_type": "PlexNotFound",
            "error": "no item for scene 22",
            "job": "51b7e5fdb28e6f819481abe8",
        },
    }


def test_check_tells_of_what_is_invalid_dead_or_never_completed(syncstats, mine):
    def line(msg: str, **more: object) -> str:
        return json.dumps({"pid": 1, "tid": "a", "lvl": "INFO", "msg": msg, **more})

    ctx = {"jid": "j1", "elapsed": 0.5}
    log = [
        "noise",
        "",
        line("done", ctx={"jid": "j1", "elapsed": -1}),
        line("Adding dead SyncJob job j1"),
        line("fail", ctx=ctx),
        line("fail", ctx=ctx),
        line("E: x", lvl="INFO"),
    ]
    ran = syncstats("mapping", "check", mine, "--sample", "-", stdin="\n".join(log))
    text = " ".join(ran.out.split())
    assert ran.status == 0
    assert "1 invalid: not JSON: Expecting value (character 1)" in text
    assert "3 invalid: duration: ctx.elapsed: a time is not below 0, as -1 is" in text
    assert "4 companion: of an outcome that comes, or of none" in text
    assert "5 waits for the line that completes it: dead error=unknown job=j1" in text
    assert "5 line 6 took its place: dead error=unknown" in text
    assert "6 the line that completes it does not come any more: failed" in text
    assert "6 lines: 0 succeeded, 2 failed (1 dead)" in text
    assert "2 outcomes not completed" in text


def test_check_reads_compressed_logs(syncstats, mine, tmp_path):
    packed = tmp_path / "log.gz"
    packed.write_bytes(gzip.compress(SAMPLE.read_bytes()))
    ran = syncstats("mapping", "check", mine, "--sample", packed, "--lines", 0)
    assert ran.status == 0
    assert ran.out.startswith("152 lines: 52 succeeded")


def test_the_status_is_1_if_nothing_is_an_outcome(syncstats, mine):
    ran = syncstats("mapping", "check", mine, "--sample", "-", stdin='{"msg":"start"}\n')
    assert (ran.status, ran.err) == (1, "")
    assert '1  ignored: no outcome fits (msg is "start")' in ran.out


def test_a_wrong_mapping_is_refused_with_its_line(syncstats, mine):
    mine.write_text(mine.read_text().replace('unit = "s"', 'unit = "minutes"'))
    ran = syncstats("mapping", "check", mine, "--sample", SAMPLE)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == (
        f"syncstats: {mine}:19: fields.duration.unit: 'minutes' is no unit; use ns, us, ms or s\n"
    )


def test_a_pattern_that_takes_for_ever_is_refused_with_its_line(syncstats, mine):
    mine.write_text(mine.read_text().replace("regex = '(\\w+)$'", "regex = '(a+)+$'"))
    ran = syncstats("mapping", "check", mine, "--sample", SAMPLE)
    assert (ran.status, ran.out) == (2, "")
    assert f"{mine}:27: companions.same.line.regex: this takes more than 1 s" in ran.err


@pytest.mark.parametrize("which", ["mapping", "sample"])
def test_files_that_are_not_there(syncstats, mine, tmp_path, which):
    none = tmp_path / "none"
    names = (none, SAMPLE) if which == "mapping" else (mine, none)
    ran = syncstats("mapping", "check", names[0], "--sample", names[1])
    assert (ran.status, ran.out) == (2, "")
    assert str(none) in ran.err
    assert ran.err.count("\n") == 1


def test_a_line_that_is_too_long_is_invalid_and_the_next_one_is_read(syncstats, mine):
    long = b'{"x":"' + b"x" * (3 << 20) + b'"}\n'
    done = b'{"msg":"done","ctx":{"jid":"j","elapsed":1}}\n'
    ran = syncstats("mapping", "check", mine, "--sample", "-", stdin=long + done)
    assert "     1  invalid: longer than 1,048,576 bytes\n" in ran.out
    assert "     2  succeeded job=j" in ran.out


def test_check_takes_a_preset_by_its_name(syncstats, tmp_path):
    ran = syncstats("mapping", "check", "sidekiq", "--sample", SAMPLE, "--lines", 0)
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("152 lines: 52 succeeded, 8 failed")
    (tmp_path / "sidekiq").write_text("a file of that name comes first")
    ran = syncstats("mapping", "check", "sidekiq", "--sample", SAMPLE)
    assert (ran.status, ran.out) == (2, "")


def test_check_tells_of_fields_that_no_outcome_has(syncstats, mine):
    mine.write_text(mine.read_text().replace("ctx.elapsed", "ctx.elapsd").replace('"ts"', '"time"'))
    ran = syncstats("mapping", "check", mine, "--sample", SAMPLE, "--lines", 0)
    assert ran.status == 0
    assert ran.out.splitlines()[-1] == "  found in no outcome: timestamp, duration"
    done = b'{"tid":"a","msg":"done","time":"2026-11-24T13:00:50Z","ctx":{"jid":"j","elapsd":1}}\n'
    ran = syncstats("mapping", "check", mine, "--sample", "-", "--json", stdin=done)
    assert ran.json["unfound"] == ["kind"]  # and no error, as nothing failed
    ran = syncstats("mapping", "check", mine, "--sample", "-", "--json", stdin="{}\n")
    assert ran.json["unfound"] == []


def test_show_without_a_name_tells_which_there_are(syncstats):
    ran = syncstats("mapping", "show")
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *PRESETS]
    assert max(map(len, lines)) <= 80


def test_check_takes_off_what_has_wrapped_the_lines(syncstats):
    lines = SAMPLE.read_text().splitlines()
    log = "".join(f"2026-11-24T13:00:50.1Z stdout F {line}\n" for line in lines)
    ran = syncstats("mapping", "check", "sidekiq", "--sample", "-", "--wrapped", "cri", stdin=log)
    assert (ran.status, ran.err) == (0, "")
    bare = syncstats("mapping", "check", "sidekiq", "--sample", SAMPLE)
    assert ran.out == bare.out


@pytest.mark.parametrize("zeros", [5, 1 << 20, (2 << 20) + 5])
def test_check_passes_over_a_hole_however_long(syncstats, tmp_path, zeros):
    log = tmp_path / "log"
    long = b"x" * (1 << 20)
    log.write_bytes(bytes(zeros) + line("done") + long + b"\n" + bytes(zeros) + long[1:] + b"\n\0")
    ran = syncstats("mapping", "check", "sidekiq", "--sample", log, "--json")
    told = [(each["line"], each["told"], each.get("reason", "")[:10]) for each in ran.json["lines"]]
    assert told == [(1, "outcome", ""), (2, "invalid", "longer tha"), (3, "invalid", "not JSON: ")]


def test_check_tells_of_lines_that_are_not_so_wrapped(syncstats):
    log = '2026-11-24T13:00:50.1Z stdout P {"tid":\n2026-11-24T13:00:50.1Z stdout F "a"}\nx\ny\n'
    ran = syncstats("mapping", "check", "sidekiq", "--sample", "-", "--wrapped", "cri", stdin=log)
    assert ran.status == 1
    assert "     1  ignored: no outcome fits" in ran.out, "it begins there"
    assert ran.err.startswith("syncstats: 2 lines in no wrapping of cri; the first is line 3: ")
    assert ran.err.count("\n") == 1


def test_check_and_replay_count_the_same_lines_of_a_record_of_two(syncstats, tmp_path):
    log, done = tmp_path / "log", '{"msg":"done","ctx":{"jid":"j","elapsed":1}}\n'
    log.write_text(json.dumps({"log": done + done}) + "\n" + json.dumps({"log": done}) + "\n")
    ran = syncstats("mapping", "check", "sidekiq", "--sample", log, "--wrapped", "docker")
    assert [line[:8] for line in ran.out.splitlines()[:3]] == ["     1  ", "   1.2  ", "     2  "]
    assert ran.out.splitlines()[3].startswith("3 lines: 3 succeeded")
    ran = syncstats("replay", log, "--format", "sidekiq", "--wrapped", "docker", "--json")
    assert (ran.json["jobs_succeeded"], ran.json["invalid_lines"]) == (3, 0)


def test_check_tells_the_lines_of_one_record_apart(syncstats):
    def record(text):
        return json.dumps({"log": text}) + "\n"

    fail, why = line("fail").decode(), warn("NotFound: no item").decode()
    log = record(f"{why}{fail}{why[:9]}") + record(f"{why[9:]}{fail}")
    options = ("mapping", "check", "sidekiq", "--sample", "-", "--wrapped", "docker")
    ran = syncstats(*options, "--json", stdin=log)
    keys = ("line", "inner", "told", "of", "of_inner")
    assert [tuple(each.get(key) for key in keys) for each in ran.json["lines"]] == [
        (1, 1, "companion", None, None),
        (1, 2, "waits", None, None),
        (1, 3, "completes", 1, 2),
        (2, 1, "waits", None, None),
        (2, 1, "settled", None, None),
    ]
    assert "   1.3  completes line 1.2: failed" in syncstats(*options, stdin=log).out


def test_check_tells_of_a_line_of_which_the_end_is_missing(syncstats):
    log = json.dumps({"log": '{"msg":"done"}\n'}) + "\n" + json.dumps({"log": '{"msg":'}) + "\n"
    ran = syncstats(
        "mapping", "check", "sidekiq", "--sample", "-", "--wrapped", "docker", stdin=log
    )
    assert ran.err == (
        "syncstats: line 2 begins one that is incomplete (7 bytes; the record with its end is "
        "missing); it is not counted\n"
    )
