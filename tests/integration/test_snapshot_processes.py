"""Two processes write, two keep stats.json; beside them it is checked, rebuilt and compressed."""

from __future__ import annotations

import io
import json
import subprocess
import sys

from events.filesystem import RealFileSystem
from events.log.segment import list_segments
from events.log.stream import list_streams, stream_folder
from projections.replay import replay
from projections.runner import Runner
from projections.verify import verify
from tests.support.log_folders import compress
from tests.support.project import ROOT

LINES = 10_000


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.runner_program", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def answer(process):
    out, err = process.communicate(timeout=120)
    assert err == ""
    assert process.returncode == 0
    return int(out)


class Watch:
    """Looks at stats.json again and again; it may never go back."""

    def __init__(self, data):
        self.path = data / "stats.json"
        self.seqs: dict[str, int] = {}

    def look(self):
        if not self.path.exists():
            return
        streams = json.loads(self.path.read_bytes())["streams"]
        for stream, entry in streams.items():
            assert entry["gaps"] == entry["duplicates"] == entry["invalid_lines"] == 0
            assert entry["position"]["seq"] >= self.seqs.get(stream, 0), "older over newer"
            self.seqs[stream] = entry["position"]["seq"]
        assert self.seqs.keys() == streams.keys()


def seal_one(data, fs, turn):
    """Compress a segment that is not written to any more, of each stream."""
    for stream in list_streams(data, fs):
        plain = [
            s for s in list_segments(stream_folder(data, stream), fs)[:-1] if not s.compression
        ]
        if plain:
            compress(plain[-1].path, (".gz", ".zst")[turn % 2])


def test_older_is_never_put_over_newer_and_checks_find_no_difference(tmp_path):
    data, marker, fs = tmp_path / "data", tmp_path / "written", RealFileSystem()
    data.mkdir()
    keepers = [start("keep", data, marker) for _ in range(2)]
    writers = [start("write", data, stream, LINES) for stream in "ab"]
    watch, checks = Watch(data), 0
    while any(process.poll() is None for process in writers):
        watch.look()
        found = verify(data)
        assert found.ok, found
        assert found.behind >= 0
        watch.look()
        if checks % 3 == 0:
            Runner(data).rebuild()
        seal_one(data, fs, checks)
        checks += 1
    assert [answer(process) for process in writers] == [LINES // 10] * 2
    marker.touch()
    saves = [answer(process) for process in keepers]

    assert checks > 1
    assert sum(saves) > 1
    watch.look()
    assert watch.seqs == {"a": LINES, "b": LINES}
    final = (data / "stats.json").read_bytes()
    assert final == replay([str(data)], stdin=io.BytesIO()).snapshot.to_bytes()
    assert Runner(data).rebuild().to_bytes() == final
    assert json.loads(final)["jobs_processed"] == 2 * (LINES - 1)
    assert verify(data).ok
    assert sorted(p.name for p in data.iterdir()) == [
        "events",
        "housekeeping.lock",
        "stats.json",
        "stats.lock",
        "summaries",
    ]
