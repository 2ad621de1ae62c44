"""Names that are paths, commands to a terminal, or no text: of streams, files and folders."""

from __future__ import annotations

import json
import os

import pytest

from tests.support.data_folders import event, lines_of, opened, whole, write_log
from tests.support.forked_command import forked

TRICKS = (
    *(
        "..",
        ".",
        "../../etc",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\x00b",
        "a\n",
        "\n",
        " ",
        "-",
        "--help",
    ),
    *(
        "x" * 300,
        "CON",
        "a\x1b[2J",
        "\x9b31m",
        "\u202eevil",
        "~root",
        "$(id)",
        "stats.json",
        "lock",
    ),
)
OBEYED = {chr(code) for code in (*range(32), *range(127, 160), 0x202E, 0x2028)} - {"\n"}


def files_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def shows_nothing_obeyed(ran):
    assert not OBEYED & set(ran.out + ran.err), (ran.out, ran.err)


@pytest.mark.parametrize("stream", TRICKS)
def test_a_line_s_stream_is_a_name_and_never_a_path(stream, tmp_path):
    (tmp_path / "log.jsonl").write_text(lines_of(event(0, stream=stream), event(1, stream=stream)))
    ran = forked("replay", "log.jsonl", "--out", "out.json", cwd=tmp_path)
    assert ran.status == 0, ran
    shows_nothing_obeyed(ran)
    assert list(json.loads((tmp_path / "out.json").read_text())["streams"]) == [stream]
    again = forked("merge", "out.json", "out.json", cwd=tmp_path)
    assert again.status == 0, again
    shows_nothing_obeyed(again)
    for args in (("tail", "log.jsonl"), ("replay", "log.jsonl", "--json")):
        shown = forked(*args, cwd=tmp_path)
        assert shown.status == 0, shown
        shows_nothing_obeyed(shown)
    assert files_below(tmp_path) == {"log.jsonl", "out.json"}


@pytest.mark.parametrize("stream", ["", None, 7, ["a"]])
def test_a_stream_that_is_no_name_makes_an_invalid_line(stream, tmp_path):
    (tmp_path / "log.jsonl").write_text(lines_of(event(0) | {"stream": stream}))
    ran = forked("replay", "log.jsonl", "--json", cwd=tmp_path)
    assert (ran.status, json.loads(ran.out)["invalid_lines"]) == (0, 1)


@pytest.mark.parametrize("stream", TRICKS)
def test_a_line_in_another_stream_s_folder_is_invalid_there(stream, tmp_path):
    write_log(tmp_path / "data", opened(), event(1, stream=stream))
    ran = forked("replay", "--json", cwd=tmp_path)
    assert (ran.status, json.loads(ran.out)["invalid_lines"]) == (0, 1)
    shows_nothing_obeyed(ran)


@pytest.mark.parametrize("name", [name for name in TRICKS if "\0" not in name])
def test_a_worker_s_name_becomes_a_plain_folder(name, tmp_path):
    (tmp_path / "sync.py").write_text("def handle(job):\n    pass\n")
    (tmp_path / "data").mkdir()
    stdin = b'{"scene_id": 1}\n'
    assert forked("enqueue", "-", cwd=tmp_path, stdin=stdin).status == 0
    ran = forked(
        "run", "--handler", "sync:handle", "--drain", f"--stream-name={name}", cwd=tmp_path
    )
    shows_nothing_obeyed(ran)
    assert ran.status == 0, ran
    (folder,) = (tmp_path / "data" / "events").iterdir()
    assert folder.name.replace("-", "").isalnum()
    assert len(folder.name) < 60
    made = {path.name for path in tmp_path.iterdir()}
    assert made - {"__pycache__"} == {"data", "sync.py"}


@pytest.mark.parametrize("name", [b"a b", b".hidden", b"a\xff", b"a\x1b[2J", b"a\n", b"x" * 101])
@pytest.mark.parametrize("command", ["verify", "rebuild"])
def test_a_folder_of_segments_that_is_no_stream_for_its_name_is_told(name, command, tmp_path):
    whole(tmp_path / "data")
    assert forked("rebuild", cwd=tmp_path).status == 0
    (tmp_path / "data" / "events" / "a").rename(tmp_path / "data" / "events" / os.fsdecode(name))
    ran = forked(command, cwd=tmp_path)
    told = [line for line in ran.err.splitlines() if "is no stream for its name" in line]
    assert (ran.status, len(told)) == (1 if command == "verify" else 0, 1), ran
    assert told[0].startswith("syncstats: data/events/")
    shows_nothing_obeyed(ran)


def test_names_of_files_are_shown_escaped(tmp_path):
    name = b"a\x1b]0;owned\x07\xff\n.jsonl"
    (tmp_path / os.fsdecode(name)).write_bytes(b"rubbish\n")
    for args in (
        ("replay", os.fsdecode(name)),
        ("replay", os.fsdecode(name), "--strict"),
        ("tail", os.fsdecode(name)),
        ("enqueue", os.fsdecode(name)),
        ("merge", os.fsdecode(name)),
        ("show", "--data", os.fsdecode(name)),
        ("replay", os.fsdecode(name) + "x"),
        ("show", "--config", os.fsdecode(name)),
    ):
        ran = forked(*args, cwd=tmp_path)
        assert ran.status in {0, 1, 2}, ran
        shows_nothing_obeyed(ran)
        # replay says what is wrong with the line, and that no line tells of an outcome
        assert len(ran.err.splitlines()) <= (2 if args == ("replay", args[-1]) else 1), ran.err
        assert all(line.startswith("syncstats: ") for line in ran.err.splitlines()), ran.err
        assert "defect" not in ran.err, ran.err


def test_names_in_a_snapshot_that_contradicts_itself_are_shown_escaped(tmp_path):
    whole(tmp_path / "data")
    assert forked("rebuild", cwd=tmp_path).status == 0
    snapshot = json.loads((tmp_path / "data" / "stats.json").read_text())
    entry = snapshot["streams"].pop("a")
    snapshot["streams"]["a\x1b[2J\n\u202e"] = entry | {"gaps": 5}
    (tmp_path / "data" / "stats.json").write_text(json.dumps(snapshot))
    for args in (("show",), ("verify",), ("merge", "data/stats.json")):
        ran = forked(*args, cwd=tmp_path)
        assert ran.status == 2, ran
        assert "contradicts itself" in ran.err
        shows_nothing_obeyed(ran)
