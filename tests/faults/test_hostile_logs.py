"""Logs that nobody of ours wrote: noise, endless lines, odd JSON, and more errors than names."""

from __future__ import annotations

import json
import os
import shlex
from random import Random

import pytest

from tests.support.data_folders import event, lines_of, opened, write_log
from tests.support.forked_command import forked
from tests.support.peak import MIB, peak_mib
from worker import error_counts
from worker.stats import MAX_ERROR_TYPES, OTHER_ERRORS

DEEP = "[" * 100_000
SINCE = '"timestamp":"2026-01-01T00:00:00Z"'
ODD = {
    "nested far too deep": f'{{"event":"job.failed","a":{DEEP}',
    "nested deep and closed": f'{{"event":"x","a":{"[" * 5000}{"]" * 5000}}}',
    "NaN": f'{{"event":"job.succeeded",{SINCE},"duration":NaN}}',
    "Infinity": f'{{"event":"job.succeeded",{SINCE},"duration":Infinity}}',
    "a float beyond range": f'{{"event":"job.skipped",{SINCE},"duration":1e999}}',
    "more than 64 bits": f'{{"event":"job.skipped",{SINCE},"job_id":18446744073709551616}}',
    "5,000 digits": f'{{"event":"job.skipped",{SINCE},"wait_ns":{"9" * 5000}}}',
    "half a surrogate pair": f'{{"event":"job.failed",{SINCE},"error":"\\ud800"}}',
    "a raw NUL": f'{{"event":"job.failed",{SINCE},"error":"\x00"}}',
    "a byte order mark behind": '{"event":"x"}\ufeff',
    "two objects": "{}{}",
    "no object": "[1]",
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_line_is_counted_told_and_harms_no_other(odd, tmp_path):
    good = lines_of(opened(), event(1))
    log = tmp_path / "log.jsonl"
    log.write_bytes(good.encode() + ODD[odd].encode() + b"\n" + lines_of(event(2)).encode())
    ran = forked("replay", "log.jsonl", "--json", cwd=tmp_path)
    stats = json.loads(ran.out)
    assert ran.status == 0
    assert (stats["jobs_succeeded"], stats["invalid_lines"], stats["gaps"]) == (2, 1, 0)
    assert f"line 3, byte {len(good)}: " in ran.err
    strict = forked("replay", "log.jsonl", "--strict", cwd=tmp_path)
    assert (strict.status, strict.out) == (1, "")
    assert f"byte {len(good)}" in strict.err
    assert len(strict.err.splitlines()) == 1
    tail = forked("tail", "log.jsonl", cwd=tmp_path)
    assert (tail.status, tail.err) == (0, "")


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        # the last of equal keys counts, as in most parsers
        ('{"event":"job.failed","event":"job.succeeded"', {"jobs_succeeded": 1}),
        ('{"event":"job.succeeded","a":123456789012345678901234567890', {"jobs_succeeded": 1}),
        ('{"event":"job.failed","error_type":"\\u0000\\u001b[2J"', {"jobs_failed": 1}),
        ('{"event":"job.succeeded","duration_ns":9223372036854775807', {"jobs_succeeded": 1}),
        ('\ufeff{"event":"job.succeeded"', {"jobs_succeeded": 1}),  # RFC 8259, section 8.1
        ('\0\0{"event":"job.succeeded"', {"jobs_succeeded": 1}),  # a file that was cut
    ],
)
def test_what_is_odd_and_legal_counts(line, counts, tmp_path):
    text = line + ',"timestamp":"2026-01-01T00:00:00Z"}\n'
    ran = forked("replay", "-", "--json", cwd=tmp_path, stdin=text.encode())
    stats = json.loads(ran.out)
    assert ran.status == 0
    assert stats["invalid_lines"] == 0
    assert {name: stats[name] for name in counts} == counts


@pytest.mark.parametrize("seed", range(5))
def test_a_million_random_bytes_are_invalid_lines_and_no_more(seed, tmp_path):
    noise = Random(seed).randbytes(1_000_000)
    ran = forked("replay", "-", "--json", cwd=tmp_path, stdin=noise)
    stats = json.loads(ran.out)
    lines = [line for line in noise.split(b"\n")[:-1] if line.strip(b" \t\r\n")]
    assert ran.status == 0
    assert stats["invalid_lines"] == len(lines) > 3000
    assert stats["jobs_processed"] == stats["duplicates"] == stats["gaps"] == 0
    strict = forked("replay", "-", "--strict", cwd=tmp_path, stdin=noise)
    assert strict.status == 1
    assert len(strict.err.splitlines()) == 1
    assert "byte 0" in strict.err
    shown = forked("tail", "-", cwd=tmp_path, stdin=noise)
    assert shown.status == 0
    assert "\x1b" not in shown.out
    assert len(shown.out.splitlines()) <= 21


@pytest.mark.slow
def test_a_line_of_500_mb_is_passed_over_in_bounded_memory(tmp_path):
    after = f'{{"event":"job.skipped",{SINCE}}}'
    long = "head -c 500000000 /dev/zero | tr '\\0' a"
    script = f"({long}; echo; echo {shlex.quote(after)}) | $SYNCSTATS replay - --json"
    peak, status, out, err = peak_mib(script, tmp_path)
    assert status == 0, err
    assert peak < 100
    assert (json.loads(out)["invalid_lines"], json.loads(out)["jobs_skipped"]) == (1, 1)
    assert "byte 0: the line is 500000001 bytes long" in err


@pytest.mark.slow
def test_an_unfinished_line_of_500_mb_is_incomplete(tmp_path):
    script = "head -c 500000000 /dev/zero | tr '\\0' a | $SYNCSTATS replay - --json"
    peak, status, out, err = peak_mib(script, tmp_path)
    assert status == 0, err
    assert peak < 100
    assert json.loads(out)["invalid_lines"] == 0
    assert "the last line is incomplete (500000000 bytes" in err


def test_a_file_of_one_endless_line_is_read_by_no_command_at_once(tmp_path):
    folder = write_log(tmp_path / "data", opened()).parent
    with (folder / f"{1:020d}.jsonl").open("wb") as file:
        file.truncate(300 * MIB)  # zeros that take no room
    for command in ("verify", "rebuild", "tail", "replay"):
        peak, status, _, err = peak_mib(f"$SYNCSTATS {command}", tmp_path)
        assert status == 0, err
        assert peak < 100, command
    jobs = tmp_path / "jobs.jsonl"
    jobs.touch()
    os.truncate(jobs, 300 * MIB)
    peak, status, _, err = peak_mib("$SYNCSTATS enqueue jobs.jsonl", tmp_path)
    assert (status, peak < 100) == (2, True)
    assert "line 1: longer than" in err


@pytest.mark.slow
def test_very_many_kinds_of_error_take_bounded_memory(tmp_path):
    count = 200_000
    with (tmp_path / "log.jsonl").open("w") as file:
        for number in range(count):
            file.write(
                f'{{"event":"job.failed","timestamp":"2026-01-01T00:00:00Z","duration_ns":1,'
                f'"error_type":"Error{number}{"x" * (number % 300)}"}}\n'
            )
    peak, status, out, err = peak_mib("$SYNCSTATS replay log.jsonl --json", tmp_path)
    assert (status, err) == (0, "")
    assert peak < 100
    errors = json.loads(out)["errors_by_type"]
    assert len(errors) == MAX_ERROR_TYPES + 1
    assert sum(errors.values()) == count
    assert errors[OTHER_ERRORS] == count - MAX_ERROR_TYPES
    assert len(out) < 2 * MIB


def test_no_name_is_looked_at_again_and_again(monkeypatch):
    """That time is linear in the kinds of error, shown by counting and not by a clock."""
    ranked = 0
    real = error_counts.rank

    def counting(name):
        nonlocal ranked
        ranked += 1
        return real(name)

    monkeypatch.setattr(error_counts, "rank", counting)
    counts = {}
    for block in range(40):
        error_counts.add_counts(counts, {f"E{block}-{number}": 1 for number in range(1000)})
    assert 40_000 <= ranked <= 40 * 2 * MAX_ERROR_TYPES
    assert sum(counts.values()) == 40_000
