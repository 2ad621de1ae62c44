"""A plugin of pytest: runs tests on a product in which one rule is broken.

    BROKEN=acknowledge-first python -m pytest -p tests.support.mutated tests/…

Without ``BROKEN`` nothing is broken.
"""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from tests.support.mutations import MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Generator

BROKEN = "BROKEN"
"""The variable of the environment that names a mutation."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Break the rule for as long as a test is set up, run and torn down."""
    name = os.environ.get(BROKEN)
    with MUTATIONS[name].on() if name else nullcontext():
        return (yield)
