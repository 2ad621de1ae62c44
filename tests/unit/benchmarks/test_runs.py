from __future__ import annotations

import sys

import pytest

from benchmarks.runs import Way, WayError, take_turns


def way(name, code, check=None, **env):
    return Way(name, (sys.executable, "-c", code), check, env)


def test_ways_take_turns_after_each_was_looked_at_once(tmp_path):
    log = tmp_path / "log"
    said = []
    code = "import sys; open({!r}, 'a').write({!r}); print({!r})"
    ways = [way(n, code.format(str(log), n, n), check=said.append) for n in "ab"]
    timed = take_turns(ways, 2, tmp_path)

    assert log.read_text() == "ab" * 3
    assert said == [b"a\n", b"b\n"]
    assert [len(each.runs) for each in timed.values()] == [2, 2]
    assert all(run.wall_s > 0 and run.cpu_s > 0 for each in timed.values() for run in each.runs)


def test_the_peak_is_that_of_the_command_and_not_of_who_measures(tmp_path):
    here = bytearray(200 << 20)  # would be counted towards a child that is forked from here
    code = "x = bytearray({} << 20)"
    timed = take_turns([way("little", code.format(0)), way("much", code.format(90))], 1, tmp_path)

    assert len(here) > timed["much"].peak_bytes > 90 << 20 > timed["little"].peak_bytes


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (
            (sys.executable, "-c", "raise SystemExit('no such thing')"),
            "status 1: no such thing",
        ),
        (("/nowhere/to/be/found",), "status 127"),
    ],
)
def test_a_way_that_fails_is_named_with_its_last_words(tmp_path, argv, words):
    with pytest.raises(WayError, match=f"^mine ended with {words}"):
        take_turns([Way("mine", argv)], 1, tmp_path)


def test_what_makes_python_slow_to_start_is_not_handed_on(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SYNCSTATS_PURE", "1")
    said = []
    names = ("PYTHONDONTWRITEBYTECODE", "SYNCSTATS_PURE", "MORE")
    code = f"import os; print([n for n in {names} if n in os.environ])"
    take_turns([way("mine", code, check=said.append, MORE="1")], 0, tmp_path)

    assert said == [b"['MORE']\n"]
