"""Job lines, stored jobs and handlers' answers that nobody of ours would write."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.support.forked_command import forked
from tests.support.peak import peak_mib

MOST = 1 << 20
REFUSED = {
    "nested too deep": '{"data":' + "[" * 200 + "]" * 200 + "}",
    "brackets without end": "[" * 500_000,
    "NaN": '{"data":NaN}',
    "Infinity": '{"data":[-Infinity]}',
    "a float beyond range": '{"data":1e999}',
    "an integer of too many digits": '{"data":' + "9" * 5000 + "}",
    "a scene of more than 64 bits": '{"scene_id":9223372036854775808}',
    "a scene that is none": '{"scene_id":true}',
    "a key that nobody knows": '{"scene_id":1,"__class__":"os.system"}',
    "half a pair as a name": '{"update_type":"\\ud800"}',
    "half a pair as a key": '{"job_key":"\\udfff"}',
    "no UTF-8": b'{"data":"\xff"}',
    "a raw NUL": b'{"data":"\x00"}',
    "a pickle": b"\x80\x04\x95\x1f\x00cos\nsystem\n",
    "a line too long": '{"data":"' + "x" * MOST + '"}',
    "a list": "[1]",
}
TAKEN = [
    "[" * 199 + "]" * 199,
    json.dumps("x" * (MOST - 60)),
    "123456789012345678901234567890",
    '{"\\ud800":"\\udfff\\u0000\\u001b[2J"}',
    '{"__proto__":{"a":1},"a":1,"a":2}',
    '"$(touch owned) `touch owned` ; touch owned"',
    "1e-400",
]
HANDLER = """
import json, pathlib

def handle(job):
    with pathlib.Path("got.jsonl").open("a") as file:
        file.write(json.dumps([job.scene_id, job.data]) + "\\n")
    return {"__class__": "os.system"} if job.kind == "odd answer" else None
"""


@pytest.mark.parametrize("odd", REFUSED)
def test_a_job_line_that_is_none_adds_nothing(odd, tmp_path):
    line = REFUSED[odd]
    text = b'{"scene_id":1}\n' + (line if isinstance(line, bytes) else line.encode()) + b"\n"
    ran = forked("enqueue", "-", cwd=tmp_path, stdin=text)
    assert (ran.status, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert "line 2: " in ran.err
    assert len(ran.err) < 400
    assert forked("show", "--json", cwd=tmp_path).json["queue"]["due"] == 0


@pytest.mark.parametrize("handler", ["sync:handle", "exec:sh -c 'cat > got-$$'"])
def test_odd_data_reaches_the_handler_unchanged_and_is_run_by_nobody(handler, tmp_path):
    (tmp_path / "sync.py").write_text(HANDLER)
    lines = [f'{{"scene_id":{n},"data":{data}}}\n' for n, data in enumerate(TAKEN)]
    assert forked("enqueue", "-", cwd=tmp_path, stdin="".join(lines).encode()).status == 0
    ran = forked("run", "--handler", handler, "--drain", cwd=tmp_path)
    assert (ran.status, ran.err) == (0, "")
    stats = forked("show", "--json", cwd=tmp_path).json
    assert (stats["jobs_succeeded"], stats["invalid_lines"]) == (len(TAKEN), 0)
    if handler == "sync:handle":
        got = [json.loads(line) for line in (tmp_path / "got.jsonl").read_text().splitlines()]
    else:
        told = [json.loads(path.read_text()) for path in tmp_path.glob("got-*")]
        got = [[job["scene_id"], job["data"]] for job in told]
    assert sorted(got, key=str) == sorted(
        ([n, json.loads(data)] for n, data in enumerate(TAKEN)), key=str
    )
    assert not list(tmp_path.rglob("owned"))
    assert forked("verify", "--strict", cwd=tmp_path).status == 0


@pytest.mark.parametrize(
    "stored",
    [
        b"\x80\x04\x95\x1f\x00cos\nsystem\n(S'touch owned'\ntR.",
        "[" * 100_000,
        "no JSON",
        b"\xff\xfe",
        "9" * 5000,
        "",
    ],
)
def test_a_stored_job_that_cannot_be_read_dies_alone(stored, tmp_path):
    (tmp_path / "sync.py").write_text(HANDLER)
    jobs = b'{"scene_id":1}\n{"scene_id":2}\n'
    assert forked("enqueue", "-", cwd=tmp_path, stdin=jobs).status == 0
    with closing(sqlite3.connect(tmp_path / "data" / "queue.db")) as database, database:
        database.execute("UPDATE jobs SET data = ? WHERE scene_id = 1", (stored,))
    ran = forked("run", "--handler", "sync:handle", "--drain", cwd=tmp_path)
    assert ran.status == 0, ran
    assert "Traceback" not in ran.err
    stats = forked("show", "--json", cwd=tmp_path).json
    assert (stats["jobs_succeeded"], stats["jobs_to_dlq"]) == (1, 1)
    assert not list(tmp_path.rglob("owned"))
    for args in (("dlq", "list"), ("dlq", "show", "1"), ("dlq", "retry", "--all"), ("verify",)):
        shown = forked(*args, cwd=tmp_path)
        assert shown.status in {0, 1}, shown
        assert "defect of syncstats" not in shown.err


@pytest.mark.slow
def test_a_program_that_writes_without_end_takes_no_memory(tmp_path):
    noisy = tmp_path / "noisy"
    noisy.write_text(
        "#!/bin/sh\nhead -c 150000000 /dev/zero | tr '\\0' a\n"
        "head -c 150000000 /dev/zero | tr '\\0' b >&2\nexit 1\n"
    )
    noisy.chmod(0o700)
    assert forked("enqueue", "-", cwd=tmp_path, stdin=b"{}\n").status == 0
    peak, status, _, err = peak_mib("$SYNCSTATS run --handler exec:./noisy --drain", tmp_path)
    assert (status, err) == (0, "")
    assert peak < 100
    assert forked("show", "--json", cwd=tmp_path).json["jobs_to_dlq"] == 1
    log = b"".join(p.read_bytes() for p in (tmp_path / "data" / "events").rglob("*.jsonl"))
    assert len(log) < MOST
