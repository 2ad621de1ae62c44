from __future__ import annotations

import pytest

from tests.support.emitter_rig import Rig


@pytest.fixture
def make_rig(tmp_path):
    rigs = []

    def make(**settings):
        folder = tmp_path / f"stream{len(rigs)}"
        folder.mkdir()
        rigs.append(Rig(folder, **settings))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.writer.close()


@pytest.fixture
def rig(make_rig):
    return make_rig()
