"""Secrets in all that a handler, a program or an environment lets out: in no file and no answer.

A job's own data is stored whole, since it is to be tried again; here it holds none.
"""

from __future__ import annotations

import os

import pytest

from tests.support.forked_command import forked

SECRET = "hunter2S3cr3t"
HANDLER = f"""
import os, sys, subprocess
from worker.errors import PermanentError, TransientError

SECRET = {SECRET!r}

def in_message(secret):
    raise PermanentError(f"GET http://nas/library?X-Plex-Token={{secret}}&a=1 failed")

def in_cause(secret):
    try:
        raise OSError(f"Authorization: Bearer {{secret}}")
    except OSError as error:
        raise PermanentError("no answer") from error

def in_context(secret):
    try:
        raise OSError(f"password={{secret}}")
    except OSError:
        raise KeyError("other")

def in_note(secret):
    error = PermanentError("see the note")
    error.add_note(f"Cookie: sid={{secret}}")
    raise error

def in_group(secret):
    raise ExceptionGroup("several", [OSError(f"postgres://bob:{{secret}}@db/x"), ValueError("y")])

def in_a_local_variable(secret):
    token = secret
    raise ValueError("the variable above is nobody's business")

def in_its_name(secret):
    raise type(f"token={{secret}}", (Exception,), {{}})("x")

def in_a_called_program(secret):
    failing = [sys.executable, "-c", "import sys; sys.exit(3)", f"--password={{secret}}"]
    subprocess.run(failing, check=True)

def in_an_option(secret):
    raise PermanentError(f"plexctl --plex-token {{secret}} ended with 1")

def by_pattern(secret):
    raise PermanentError(f"card 1234-{{secret}} refused")

WAYS = [in_message, in_cause, in_context, in_note, in_group, in_a_local_variable, in_its_name,
        in_a_called_program, in_an_option, by_pattern]

def handle(job):
    WAYS[job.scene_id](SECRET)
"""
WAYS = 10
PROGRAM = f"""#!/bin/sh
echo "first: token={SECRET}" >&2
echo "curl -H 'Authorization: Bearer {SECRET}' failed" >&2
echo '{{"error_type": "password={SECRET}"}}'
exit 1
"""
SHOWN = (
    ("show",), ("show", "--json"), ("tail", "--full"), ("dlq", "list"), ("dlq", "list", "--json"),
    ("dlq", "summary"), ("dlq", "show", "1"), ("dlq", "show", "1", "--json"), ("verify",),
    ("replay", "--json"),
)  # fmt: skip


def assert_nowhere(data, *runs):
    files = [path for path in data.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert SECRET.encode() not in path.read_bytes(), path
    for ran in runs:
        assert SECRET not in ran.out + ran.err, ran


def test_what_a_function_raises(tmp_path):
    (tmp_path / "sync.py").write_text(HANDLER)
    jobs = "".join(f'{{"scene_id": {number}}}\n' for number in range(WAYS))
    assert forked("enqueue", "-", cwd=tmp_path, stdin=jobs.encode()).status == 0
    ran = forked(
        *("run", "--handler", "sync:handle", "--drain", "--retry-tries", "1", "--not-found-tries"),
        *("1", "--breaker-failures", "0", "--redact", r"1234-\w+"),
        cwd=tmp_path,
    )
    assert ran.status == 0, ran
    shown = [forked(*args, cwd=tmp_path) for args in SHOWN]
    shown += [forked("dlq", "show", str(n), cwd=tmp_path) for n in range(1, WAYS + 1)]
    assert [answer.status for answer in shown] == [0] * len(shown)
    assert len([line for line in shown[2].out.splitlines() if " dead " in line]) == WAYS
    assert_nowhere(tmp_path / "data", ran, *shown)
    log = b"".join(p.read_bytes() for p in (tmp_path / "data" / "events").rglob("*.jsonl"))
    assert log.count(b"[redacted]") >= WAYS - 2


def test_what_a_program_says(tmp_path):
    program = tmp_path / "prog"
    program.write_text(PROGRAM)
    program.chmod(0o700)
    assert forked("enqueue", "-", cwd=tmp_path, stdin=b"{}\n").status == 0
    ran = forked("run", "--handler", f"exec:{program} --token {SECRET}", "--drain", cwd=tmp_path)
    assert ran.status == 0, ran
    shown = [forked(*args, cwd=tmp_path) for args in SHOWN]
    assert "Authorization: [redacted]" in shown[6].out
    assert_nowhere(tmp_path / "data", ran, *shown)


@pytest.mark.parametrize(
    "args",
    [
        ("run", "--handler", f"exec:no-such-program --token {SECRET}"),
        ("run", "--handler", f"no_such_module_token={SECRET}:x"),
        ("run", "--handler", "exec:cat", "--redact", f"({SECRET}"),
        ("merge", f"https://bob:{SECRET}@nas/stats.json"),
        ("replay", f"token={SECRET}.jsonl"),
        ("show", "--data", f"password={SECRET}"),
    ],
)
def test_what_is_asked_for_and_cannot_be(args, tmp_path):
    (tmp_path / "data").mkdir()
    ran = forked(*args, cwd=tmp_path)
    assert ran.status == 2
    assert SECRET not in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYNCSTATS_RUN_HANDLER", f"exec:no-such --password {SECRET}"),
        ("SYNCSTATS_RUN_REDACT", f"({SECRET}"),
        ("PLEX_TOKEN", SECRET),
        ("SYNCSTATS_CONFIG", f"token={SECRET}"),
    ],
)
def test_what_the_environment_holds(name, value, tmp_path):
    (tmp_path / "data").mkdir()
    handler = () if name.endswith("HANDLER") else ("--handler", "exec:no-such-program")
    ran = forked(
        "run", *handler, "--drain", cwd=tmp_path, before=lambda: os.environ.update({name: value})
    )
    assert ran.status == 2, ran
    assert SECRET not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1
