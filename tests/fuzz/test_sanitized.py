"""The kernel reads nothing beside its lines and does nothing undefined: sanitizers watch it."""

from __future__ import annotations

import subprocess

import pytest

from tests.fuzz.sanitized import SanitizerError, build, inputs, scan
from tests.support.tools import lack, tool

MUTATIONS = 6000


@pytest.fixture(scope="module")
def compiler():
    return tool("gcc", "gcc")


def built(compiler, folder, *definitions):
    try:
        return build(compiler, folder, *definitions)
    except subprocess.CalledProcessError as error:
        if "lasan" in error.stderr or "lubsan" in error.stderr:
            lack("the sanitizers' libraries are missing: they come with gcc")
        pytest.fail(error.stderr)


def test_sanitizers_find_nothing_in_mutations(compiler, tmp_path):
    data = [*inputs(range(MUTATIONS))]
    lines, odd = scan(built(compiler, tmp_path), data)
    assert lines == 2 * sum(one.count(b"\n") for one in data)
    assert lines / 20 < odd < lines * 0.95, "what is usual and what is odd is both looked at"


def test_a_byte_read_too_far_is_found(compiler, tmp_path):
    program = built(compiler, tmp_path, "-DREAD_TOO_FAR")
    data = [*inputs(range(3))]
    with pytest.raises(SanitizerError, match="heap-buffer-overflow") as error:
        scan(program, data)
    assert error.value.data == data[0]
