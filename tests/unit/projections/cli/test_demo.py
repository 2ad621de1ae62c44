"""What the demo says when something is not as it should be; the whole of it is run elsewhere."""

from __future__ import annotations

import subprocess
import sys

from projections.cli.demo_play import Demo


def test_what_does_not_add_up_is_told_and_status_1(syncstats, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(Demo, "play", lambda _: ["3 jobs have no end", "a job ended twice"])
    ran = syncstats("demo")
    assert (ran.status, ran.err) == (1, "")
    assert ran.out.endswith("This does not add up: 3 jobs have no end; a job ended twice.\n")
    assert "Nothing lost" not in ran.out
    assert list(tmp_path.iterdir()) == []


def test_on_windows_it_says_what_it_needs(monkeypatch, tmp_path):
    monkeypatch.setattr("projections.cli.demo_play.sys.platform", "win32")
    assert Demo(tmp_path).play() == ["workers need Linux or macOS"]


def test_a_worker_that_ends_by_itself_is_told_with_its_last_words(monkeypatch, tmp_path, capsys):
    def ended(*_args):
        return subprocess.Popen(
            [sys.executable, "-c", "print('no space left')"], stdout=subprocess.PIPE, text=True
        )

    demo = Demo(tmp_path)
    monkeypatch.setattr(demo, "_worker", ended)
    demo._work_and_kill()
    out = capsys.readouterr().out
    assert "(it ended before it could be killed: no space left)" in out
    assert "0 attempts are logged" in out
