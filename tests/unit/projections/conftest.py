"""Data folders whose logs are pruned."""

from __future__ import annotations

import pytest

from tests.support.prunable_folders import Folder


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "data")
