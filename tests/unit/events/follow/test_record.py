"""What is kept of a file between two runs."""

from __future__ import annotations

import msgspec
import pytest

from events.follow.record import FileRecord, path_text, text_path
from tests.support.following.numbered import append, lines


def test_names_that_are_no_utf_8_are_saved(follower):
    path = follower.folder / "other-\udcff"
    append(path, lines(1, 1))
    follower.start()
    assert follower.look() == lines(1, 1)
    follower.restart()
    append(path, lines(2, 2))
    assert follower.look(1) == lines(2, 2)


@pytest.mark.parametrize(
    "path", ["/logs/app.log", "/l\u00f6gs/\U0001f4c4", "/\udcff/\udc80a", "\n"]
)
def test_any_path_can_be_written_as_text(path):
    text = path_text(path)
    assert text.encode("utf-8").decode("utf-8") == text
    assert text_path(text) == path


def test_only_what_is_known_is_written():
    record = FileRecord(log="a", path="a")
    assert msgspec.json.encode(record) == b'{"log":"a","path":"a"}'
    whole = FileRecord(log="a", path="b", offset=2, marks=(1, 2), ends=((3, 4),), done=True)
    assert msgspec.json.decode(msgspec.json.encode(whole), type=FileRecord) == whole
