"""The logs in turn, of each the oldest file first."""

from __future__ import annotations

from zlib import crc32

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


def test_lines_tell_of_which_text_they_are_and_what_was_saved_of_it_before(follower):
    append(follower.log, lines(1, 9))
    follower.start()
    follower.look()
    follower.log.rename(follower.log.with_suffix(".log.1"))
    append(follower.log.with_suffix(".log.1"), lines(10, 11))
    append(follower.log, lines(100, 101))
    follower.look(2.5)
    begun, renamed, new = follower.reads

    assert [read.before.offset for read in (begun, renamed, new)] == [0, begun.block.end, 0]
    assert renamed.before.crc == crc32(begun.block.data)
    assert renamed.text is begun.text
    assert new.text is not begun.text
    assert {text: record.path[-5:] for text, record in follower.watch.texts()} == {
        begun.text: "log.1",
        new.text: "p.log",
    }


def test_a_text_stays_what_it_is_when_another_file_goes_on_with_it(follower):
    append(follower.log, lines(1, 900))
    follower.start()
    follower.look()
    copy = follower.folder / "app.log.1"
    copy.write_bytes(follower.log.read_bytes())
    follower.look(2.5)
    append(copy, lines(901, 902))
    follower.log.write_bytes(lines(5000, 5001))
    follower.settled()
    first, going_on, rewritten = follower.reads

    assert going_on.path == copy
    assert going_on.text is first.text
    assert rewritten.text is not first.text


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
