from __future__ import annotations

import msgspec
import pytest

from events.log.position import Position


def test_is_a_value_that_json_holds():
    position = Position("e1", 7, 0, 4096)
    assert position == Position("e1", 7, 0, 4096)
    assert msgspec.json.decode(msgspec.json.encode(position), type=Position) == position


def test_lines_of_loose_files_have_no_place():
    assert Position("", 3, None, None).segment is None


def test_has_no_order_of_its_own():
    """Which of two snapshots is further along is decided with the entry's bytes, not here."""
    with pytest.raises(TypeError):
        Position("e", 1, 0, 0) < Position("e", 2, 0, 0)  # noqa: B015 - the comparison is the test
