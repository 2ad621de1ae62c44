"""`syncstats ingest` as a process that follows: signals, locks, kills."""

from __future__ import annotations

import random
import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.command import COMMAND, HEARS_SIGINT, assert_complaint, clean_env, syncstats
from tests.support.handlers import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

from tests.support.ingest_command import ARGS, DONE, SAMPLE, saved


@contextmanager
def following(folder: Path, *args: object) -> Iterator[subprocess.Popen[bytes]]:
    """One that follows; it is killed where the test leaves it running."""
    process = subprocess.Popen(
        [*HEARS_SIGINT, *COMMAND, "ingest", *map(str, args), *ARGS, "--follow"],
        cwd=folder,
        env=clean_env(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(folder: Path, attempts: int) -> None:
    wait_until(lambda: saved(folder) == attempts, f"{attempts} attempts are saved", 60)


def test_from_the_end_reads_what_comes(tmp_path):
    (tmp_path / "app.log").write_bytes(SAMPLE)
    args = ("ingest", "app.log", *ARGS, "--from-end", "--json")
    assert syncstats(*args, cwd=tmp_path).json["jobs_processed"] == 0
    with (tmp_path / "app.log").open("ab") as file:
        file.write(DONE)

    assert syncstats(*args, cwd=tmp_path).json["jobs_processed"] == 1


def test_one_that_follows_takes_what_comes_and_ends_on_a_signal(tmp_path):
    log = tmp_path / "app.log"
    for number, end in enumerate((signal.SIGTERM, signal.SIGINT)):
        with following(tmp_path, "app.log") as process:
            with log.open("ab") as file:
                file.write(SAMPLE)
            until(tmp_path, 60 * (number + 1))
            with log.open("ab") as file:
                file.write(DONE[:20])
            process.send_signal(end)
            out, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (0, b""), err
        assert out.decode().startswith("152 lines added; state.json holds")
        log.write_bytes(log.read_bytes()[:-20])


def test_what_was_written_just_before_the_signal_is_not_lost(tmp_path):
    with following(tmp_path, "app.log") as process:
        (tmp_path / "app.log").write_bytes(DONE)
        until(tmp_path, 1)
        with (tmp_path / "app.log").open("ab") as file:
            file.write(DONE)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    ran = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)

    assert ran.json["jobs_processed"] == 2


def test_a_second_one_at_the_same_state_is_refused(tmp_path):
    with following(tmp_path, "app.log"):
        (tmp_path / "app.log").write_bytes(DONE)
        until(tmp_path, 1)
        ran = syncstats("ingest", "app.log", *ARGS, cwd=tmp_path)
        assert_complaint(ran, "another 'syncstats ingest' keeps state.json")


def test_standard_input_beside_files_that_are_followed(tmp_path):
    with following(tmp_path, "-", "app.log") as process:
        process.stdin.write(SAMPLE)
        process.stdin.flush()
        until(tmp_path, 60)
        (tmp_path / "app.log").write_bytes(SAMPLE)
        until(tmp_path, 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_kills_between_saves_lose_and_repeat_nothing(tmp_path, seed):
    rng = random.Random(seed)
    log, written, rotations = tmp_path / "app.log", 1, 0
    log.write_bytes(DONE)
    # What was rotated before the log was first looked at is not read.
    assert syncstats("ingest", "app.log", *ARGS, cwd=tmp_path).status == 0
    for _ in range(6):
        begin = saved(tmp_path)
        with following(tmp_path, "app.log") as process:
            for _ in range(rng.randrange(1, 5)):
                with log.open("ab") as file:
                    for _ in range(rng.randrange(200)):
                        file.write(DONE.replace(b"a", b"%d" % written))
                        written += 1
                if rng.random() < 0.3:
                    rotations += 1
                    log.rename(tmp_path / f"app.log.{1000 - rotations}")
                    log.touch()
                if written > begin:
                    wait_until(lambda: saved(tmp_path) > begin, "something is saved", 60)  # noqa: B023 - called here
            process.kill()
    ran = syncstats("ingest", "app.log", *ARGS, "--json", cwd=tmp_path)

    assert ran.json["jobs_processed"] == written
    (stream,) = ran.json["streams"].values()
    assert stream["seen"] == [[0, written]]
