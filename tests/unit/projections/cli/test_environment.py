from __future__ import annotations

import json
from io import StringIO

from projections.cli.main import main


def test_the_environment_and_the_file_know_options_by_the_names_that_help_shows(
    tmp_path, monkeypatch
):
    data = tmp_path / "there"
    config = tmp_path / "c.toml"
    config.write_text("[show]\njson = true\n")
    assert main(["enqueue", "/dev/null", "--data", str(data)]) == 0
    monkeypatch.setenv("SYNCSTATS_DATA", str(tmp_path / "not there"))
    assert main(["show"]) == 2
    monkeypatch.setenv("SYNCSTATS_SHOW_DATA", str(data))

    for more in ({"SYNCSTATS_SHOW_JSON": "1"}, {"SYNCSTATS_CONFIG": str(config)}):
        with monkeypatch.context() as patch:
            for name, value in more.items():
                patch.setenv(name, value)
            out = StringIO()
            patch.setattr("sys.stdout", out)
            assert main(["show"]) == 0
            assert json.loads(out.getvalue())["jobs_processed"] == 0
