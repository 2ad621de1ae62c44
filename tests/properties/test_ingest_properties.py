"""However a log comes and whenever its reader is stopped or killed: each line counts once."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.errors import ForkError
from projections.join import join
from projections.snapshot import Snapshot
from tests.support.ingesting import AUTO, SIDEKIQ, Site
from tests.support.project import ROOT

if TYPE_CHECKING:
    from worker.stats import SyncStats

SAMPLE = (ROOT / "tests" / "data" / "sidekiq-6.4.1-sample.jsonl").read_bytes()
LINES = SAMPLE.count(b"\n")


def whole() -> SyncStats:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        log.write_bytes(SAMPLE)
        return Site(Path(folder, "state"), log).run().total()


WHOLE = whole()

ENDS = st.sampled_from(("stopped", "killed", "goes on"))
LINE_ENDS = [found.end() for found in re.finditer(b"\n", SAMPLE)]
"""Where a log is rotated: no program leaves half a line in the file that it renames."""
CUTS = st.lists(
    st.one_of(
        st.tuples(st.integers(0, len(SAMPLE)), ENDS, st.just(False)),
        st.tuples(st.sampled_from(LINE_ENDS), ENDS, st.just(True)),
    ),
    max_size=6,
).map(sorted)

SHOWING = b',"ts":"2026-11-24T13:00:50.363Z","pid":1,"tid":"7kx","lvl":"INFO","msg":"start"'
"""What shows that a line is one of Sidekiq's."""


def test_the_sample_is_what_sidekiq_wrote() -> None:
    assert (WHOLE.jobs_processed, WHOLE.jobs_succeeded, WHOLE.jobs_failed) == (60, 52, 8)
    assert WHOLE.errors_by_type == {"PlexNotFound": 5, "PermanentError": 3}


@settings(max_examples=40)
@given(cuts=CUTS, choice=st.sampled_from((SIDEKIQ, AUTO)))
def test_any_pieces_with_any_ends_in_between_add_up_to_the_whole(cuts, choice) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, number = Path(folder, "app.log"), 0
        site = Site(Path(folder, "state"), log, choice=choice)
        log.touch()
        at, known = 0, False
        for cut, end, rotates in cuts:
            with log.open("ab") as file:
                file.write(SAMPLE[at:cut])
            if end != "goes on":
                shown = site.run(saves=end == "stopped")
                assert shown.total().jobs_processed == outcomes(SAMPLE[:cut])
            known = known or end == "stopped"
            if rotates and at < cut and known:  # before the first run rotated files are not read
                number += 1
                log.rename(Path(folder, f"app.log.{100 - number}"))
                log.touch()
            at = cut
        with log.open("ab") as file:
            file.write(SAMPLE[at:])
        shown = site.run()

        assert shown.total() == WHOLE
        assert site.run() == shown
        assert shown.streams["ingest-x"].seen == ((0, LINES),)
        assert not site.problems


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("write", "write", "rename", "save", "stop", "kill")),
        st.integers(0, 1),
        st.booleans(),
        st.booleans(),
    ),
    min_size=6,
    max_size=16,
)


@settings(max_examples=100)
@given(steps=STEPS)
def test_files_that_become_logs_of_their_own_count_once_before_they_show_a_format_or_after(
    steps,
) -> None:
    """Two files of a glob, each renamed to names that nobody knows, at any time."""
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder, "state"), Path(folder, "*.log"), choice=AUTO)
        paths = [Path(folder, f"{number}.log") for number in range(2)]
        written = 0

        def write(number: int, *, shows: bool) -> None:
            nonlocal written
            with paths[number].open("ab") as file:
                file.write(
                    b'{"number":%d,"in":%d%b}\n' % (written, number, SHOWING if shows else b"")
                )
            written += 1

        runs = site.running()
        ingestion = next(runs)
        for step, number, shows, looks in steps:
            if step == "write":
                write(number, shows=shows)
            elif step == "rename" and paths[number].exists():
                paths[number] = paths[number].rename(Path(folder, f"{written}-{number}.log"))
            elif step == "save":
                ingestion.save()
            elif step in {"stop", "kill"}:
                if step == "stop":
                    ingestion.save()
                runs.close()
                runs = site.running()
                ingestion = next(runs)
            if looks:
                site.look(ingestion)
        ingestion.save()
        runs.close()
        for number in range(2):
            write(number, shows=True)
        shown = site.run()

        assert shown.streams["ingest-x"].seen == ((0, written),)
        assert site.run() == shown


def outcomes(text: bytes) -> int:
    """How many whole lines of it end an attempt."""
    lines = text[: text.rfind(b"\n") + 1].splitlines()
    return sum(b'"msg":"done"' in line or b'"msg":"fail"' in line for line in lines)


@settings(max_examples=20)
@given(cut=st.integers(0, len(SAMPLE)), more=st.integers(0, len(SAMPLE)))
def test_an_older_and_a_newer_state_are_joined_to_the_newer_one(cut, more) -> None:
    first, second = sorted((cut, more))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "app.log")
        site = Site(Path(folder, "state"), log)
        log.write_bytes(SAMPLE[:first])
        older = site.run()
        with log.open("ab") as file:
            file.write(SAMPLE[first:second])
        newer = site.run()

        assert join(older, newer) == join(newer, older) == join(newer, newer) == newer


@settings(max_examples=20)
@given(cut=st.integers(0, len(SAMPLE)))
def test_a_state_that_was_written_on_in_two_places_is_not_joined(cut) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, copy = Path(folder, "app.log"), Path(folder, "copy")
        site = Site(Path(folder, "state"), log)
        log.write_bytes(SAMPLE[:cut])
        site.run()
        shutil.copy(Path(folder, "state"), copy)
        other = Site(copy, log, epochs="elsewhere")
        for number, each in enumerate((site, other)):
            with log.open("ab") as file:
                file.write(b'{"lvl":"INFO","msg":"x"}\n' * (number + 1))
            each.run()
        one, two = site.store.load(), other.store.load()
        assert one is not None
        assert two is not None
        with pytest.raises(ForkError):
            join(Snapshot(one.entries), Snapshot(two.entries))
