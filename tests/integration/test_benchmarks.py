"""`make bench` at a tiny size: everybody finds the same totals, and all is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest

from benchmarks.figures import Goal, Part
from benchmarks.report import write_page
from tests.support.project import ROOT, environment

TINY = {
    "--lines": "3000",
    "--large-lines": "6000",
    "--slow-lines": "1000",
    "--pure-lines": "2000",
    "--growth": "1500 3000",
    "--sealed": "40",
    "--sealed-lines": "50",
    "--jobs": "200",
    "--peer-jobs": "20",
    "--events": "300",
    "--follow-s": "0.1",
    "--rounds": "1",
}


def bench(*args, folder, **more):
    sizes = [word for name, value in TINY.items() for word in (name, *value.split())]
    command = (sys.executable, "-m", "benchmarks", *args, *sizes, "--folder", str(folder / "made"))
    return subprocess.run(
        command, cwd=ROOT, env=environment(**more), capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_all_parts_are_measured_told_and_kept(tmp_path):
    page, out = tmp_path / "performance.md", tmp_path / "results.json"
    shutil.copy(ROOT / "docs" / "performance.md", page)
    ran = bench("--out", str(out), "--page", str(page), folder=tmp_path)

    assert ran.returncode == 0, ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= 80
    kept = json.loads(out.read_text())
    names = [part["name"] for part in kept["parts"]]
    assert {"replay", "pure", "compressed", "growth", "rebuild", "recording", "follower"} <= {
        *names
    }
    goals = [goal for part in kept["parts"] for goal in part["goals"]]
    assert len(goals) >= 15
    assert {goal["verdict"] for goal in goals} <= {"holds", "falls short", "not measured"}
    text = page.read_text()
    for part in kept["parts"]:
        assert f"### {part['title']}" in text
    for goal in goals:
        assert f"{goal['what']} " in text
    assert not (tmp_path / "made" / "scratch").exists()


def test_who_counts_something_else_ends_it(tmp_path):
    logs = tmp_path / "made" / "logs"
    first = bench("growth", folder=tmp_path)
    assert first.returncode == 0, first.stderr
    (totals,) = logs.glob("*-3000-7.totals")
    totals.write_text(totals.read_text().replace('"other": ', '"other": 1'))
    ran = bench("growth", folder=tmp_path)

    assert ran.returncode == 1
    assert ran.stderr.startswith("benchmarks: 3000 counted something else: other: ")


def test_a_part_that_is_not_there_is_refused(tmp_path):
    ran = bench("speed", folder=tmp_path)

    assert ran.returncode == 2
    assert "there is no part 'speed'" in ran.stderr


def test_the_page_is_what_the_kept_figures_make(tmp_path):
    kept = json.loads((ROOT / "benchmarks" / "results.json").read_text())
    parts = [Part(**{**part, "goals": [*map(goal_of, part["goals"])]}) for part in kept["parts"]]
    page = tmp_path / "performance.md"
    shutil.copy(ROOT / "docs" / "performance.md", page)
    drawn = (ROOT / "docs" / "performance").glob("*.svg")
    write_page(page, kept["machine"], parts, {p.stem: f"performance/{p.name}" for p in drawn})

    assert [part.to_dict() for part in parts] == kept["parts"], "another verdict was kept"
    assert page.read_text() == (ROOT / "docs" / "performance.md").read_text()


def goal_of(kept):
    return Goal(**{name: value for name, value in kept.items() if name != "verdict"})
