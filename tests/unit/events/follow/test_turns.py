"""The logs in turn, of each the oldest file first."""

from __future__ import annotations

from tests.support.following.numbered import append, lines


def test_logs_take_turns_of_four_mib(follower):
    for name in ("other-a", "other-b"):
        (follower.folder / name).write_bytes(name.encode() * 1000 + b"\n" + lines(1, 6000, 1000))
    follower.start()
    follower.look()
    order = [read.path.name for read in follower.reads]
    assert order == ["other-a"] * 4 + ["other-b"] * 4 + ["other-a"] * 2 + ["other-b"] * 2


def test_a_record_is_advanced_before_its_lines_are_given(follower):
    append(follower.log, lines(1, 60_000))
    follower.start()
    for read in follower.watch.look():
        assert max(record.offset for record in follower.watch.records()) == read.block.end
    follower.watch.sync()


def test_a_removed_file_that_is_open_is_read_to_its_end(follower):
    append(follower.log, lines(1, 1))
    follower.start()
    follower.look()
    with follower.log.open("ab") as writer:
        follower.log.unlink()
        writer.write(lines(2, 2) + b"unfinished")
        writer.flush()
        assert follower.look(1) == lines(2, 2)
        follower.look(59)
        assert follower.told == []
        follower.look(2)
    assert len(follower.told) == 1
    assert "an unfinished line of 10 bytes" in follower.told[0]
