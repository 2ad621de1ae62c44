"""Data folders whose logs are pruned."""

from __future__ import annotations

import pytest

from tests.support.log_folders import append, segment
from tests.support.outcome_lines import opened, succeeded
from tests.support.prunable_folders import Folder
from tests.support.pruned_logs import SEGMENTS


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "data")


@pytest.fixture
def data(tmp_path):
    """A data folder with two streams."""
    data = tmp_path / "data"
    for first, lines in SEGMENTS.items():
        append(segment(data, first=first), *lines)
    append(segment(data, "b"), opened(0, "x", "b"), succeeded(1, "b"))
    return data
