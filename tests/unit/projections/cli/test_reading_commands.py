"""show, replay, rebuild, verify, tail: where no data folder of ours is, or a file in its place."""

from __future__ import annotations

import pytest

from tests.support.command import assert_complaint
from tests.support.data_folders import event, lines_of

READING = (["show"], ["verify"], ["rebuild"], ["replay"], ["tail"])


# A file in the place of a data folder -------------------------------------------------------------


@pytest.mark.parametrize("command", ["show", "verify"])
def test_a_file_of_stats_leads_to_the_command_that_prints_it(command, syncstats, data):
    (data.parent / "done.log").write_text('{"msg":"done","ctx":{"jid":"5f","elapsed":0.1}}\n')
    syncstats("ingest", "done.log", "--state", "state.json", "--format", "sidekiq")
    syncstats("replay", "--out", "out.json")
    syncstats("rebuild")
    for file in ("state.json", "out.json", data / "stats.json"):
        for args in ([file], ["--data", file], ["--json", file]):
            ran = syncstats(command, *args)
            assert_complaint(
                ran, f"{file} is a file of stats", f"`syncstats merge {file}` prints it"
            )
            assert syncstats("merge", file).status == 0


@pytest.mark.parametrize("command", ["show", "verify"])
@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["data"], "is named with --data: --data data"),
        (["nothing"], "Got unexpected extra argument (nothing)"),
        (["--data", "log"], "'log' is a file"),
    ],
)
def test_anything_else_beside_the_options_is_refused(command, args, part, syncstats, data):
    (data.parent / "log").write_text("line\n")
    assert_complaint(syncstats(command, *args), part)


# Where nothing is ---------------------------------------------------------------------------------


@pytest.mark.parametrize("args", READING)
def test_no_folder(args, syncstats, tmp_path):
    ran = syncstats(*args)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("syncstats: no data folder data: ")
    assert ran.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_folder_of_logs_of_other_names_leads_to_them(syncstats, tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "app.log").write_text(lines_of(event(1)))
    ran = syncstats("replay", "logs")
    assert ran.status == 2
    assert "is it the right folder? If it is, name its files: 'logs/*'\n" in ran.err
    assert syncstats("replay", "logs/*", "--json").json["jobs_processed"] == 1
    assert ran.err.count("\n") == 1
    assert syncstats("verify", "--data", "logs").err.endswith("is it the right folder?\n")


@pytest.mark.parametrize("args", [["verify"], ["rebuild"], ["replay"], ["tail"]])
def test_a_folder_that_is_none_of_ours(args, syncstats, tmp_path):
    (tmp_path / "photos").mkdir()
    ran = syncstats(*args, "--data", "photos")
    assert (ran.status, ran.out) == (2, "")
    assert "is it the right folder?" in ran.err
    assert list((tmp_path / "photos").iterdir()) == []
