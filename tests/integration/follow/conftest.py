"""What the tests of following share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.following.nursery import Nursery

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()
