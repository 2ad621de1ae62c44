from __future__ import annotations

from events.filesystem import RealFileSystem
from projections.cli.demo_ends import Ends, count_ends
from tests.support.log_folders import append, segment
from tests.support.outcome_lines import failed, line, opened, skipped, succeeded


def test_each_job_that_ended_is_counted_once_over_all_streams(tmp_path):
    append(
        segment(tmp_path),
        opened(0, "e"),
        failed(1, job_id=1),
        succeeded(2, job_id=1, attempt=2),
        skipped(3, job_id=2),
        failed(4, job_id=3, to_dlq=True),
    )
    append(segment(tmp_path, "b"), failed(0, "b", job_id=4), line("job.succeeded", "b", 1))

    assert count_ends(tmp_path, RealFileSystem()) == Ends(
        outcomes=5, ended=3, ended_twice=0, recorded_twice=0
    )


def test_what_must_not_be_is_found(tmp_path):
    append(segment(tmp_path), succeeded(0), succeeded(1, attempt=2), failed(2), failed(3))
    append(segment(tmp_path, "b"), failed(0, "b", attempt=3, to_dlq=True))

    assert count_ends(tmp_path, RealFileSystem()) == Ends(
        outcomes=5, ended=1, ended_twice=1, recorded_twice=1
    )


def test_no_log_has_no_ends(tmp_path):
    assert count_ends(tmp_path, RealFileSystem()) == Ends(0, 0, 0, 0)
