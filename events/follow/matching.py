"""Judges what a file is that was not known: read already, in part or whole, or one of its own.

The content decides, never the name. Cheap questions come first: texts mostly differ in their first
16 bytes, and only where the first 4,096 agree is more than that read.

- All that was read of a file that is gone (deleted, renamed to nowhere, cut, overwritten) begins
  this one: it goes on with it. So a rename seen late, the archive of copytruncate, a compressed or
  restored copy. A new file that begins with *all* that was read of an old one and is another one
  all the same cannot be told apart; it takes an old one that held nothing but equal first lines.
- This one's text is the start of another file's, which is there: it is a copy, or one that is being
  made, and counts nothing. Unless it is short beside the other, under 4 KiB and under half of it:
  then it has but equal first lines, and is a file of its own once it has stopped growing.
- The other way about, another file's text is the start of this one, and no short one: this one is
  read on from where the other was, and that is the copy from now on. (Two logs that are written
  with the same lines pass one another again and again.)
- Of a file that is gone only marks are left, which cover at least half of this text, and the ends
  of its first lines: where they agree, it is judged in the same way. (copytruncate: what was
  written between the copy and the cut, and read in time, is missing in the archive, which must not
  be counted again for that.)
- Else it is a file of its own, and read from its start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

from events.errors import EventsError
from events.follow.fingerprint import FIRST_BYTES, FIRST_MARK, HEAD_BYTES, agree, head_marks
from events.follow.index import may_agree
from events.follow.survey import Survey, same_text
from events.follow.tracked import FileState
from events.follow.verdicts import Continues, Copy, Own, Wait

if TYPE_CHECKING:
    from events.filesystem import FileStatus
    from events.follow.index import Index
    from events.follow.others import Others
    from events.follow.texts import OpenText
    from events.follow.tracked import Tracked
    from events.follow.verdicts import Verdict

_KNOWN = {FileState.READ, FileState.OLD}


def judge(file: Tracked, status: FileStatus, index: Index, others: Others) -> Verdict:
    """Say what a file is.

    Args:
        file: It is open, not empty, and has the state NEW or COPY.
        status: Of the open file.
        index: The other files; this one may be among them.
        others: What is asked of them.

    Raises:
        AgainError: Judge anew.
        OSError: It cannot be read.
    """
    text = file.text
    if text is None:
        raise AssertionError
    survey = file.survey = file.survey or Survey()
    length = status.size
    if text.compressed:
        try:
            length = survey.to_end(text)
        except EventsError as error:
            file.survey = None
            text.again()
            return Wait(str(error))
    elif length < survey.meter.offset or length < survey.same[1]:
        survey = file.survey = Survey()
    file.length = length
    head = text.read_at(0, HEAD_BYTES)
    file.head = head_marks(head)
    file.first = head[:FIRST_BYTES]
    known = [
        other
        for other in dict.fromkeys(index.like(file))
        if other is not file and other.state in _KNOWN and may_agree(file, other, head)
    ]
    settled = others.settled(file, status)
    if length < FIRST_MARK and not settled:
        return Wait()
    short = False
    started: list[Tracked] = []  # files whose text is the start of this one's
    for other in [one for one in known if not one.gone]:
        if other.state is FileState.OLD and file.named:
            continue  # it was asked for, whatever lies beside it unread
        found = _beside(file, other, length, others)
        if isinstance(found, Copy):
            return found
        if isinstance(found, Continues):
            started.append(other)
        short = short or isinstance(found, Wait)
    started.sort(key=lambda one: one.meter.offset, reverse=True)
    gone = [one for one in known if one.gone]
    return _after(file, gone, started, length, others, settled=settled, short=short)


def _beside(file: Tracked, other: Tracked, length: int, others: Others) -> Verdict | None:
    """Compare with a file that is there, or open still though it has no name."""
    text, beside = file.text, others.opened(other)
    if text is None or beside is None or file.survey is None:
        others.refresh(other)
        return None
    size = 0
    try:
        size = _length(other, beside)
        shared = min(length, size)
        same = same_text(file.survey, text, beside, shared) if shared else False
    except EventsError:
        same = False
    others.refresh(other)  # had it been cut or replaced, that it differs would mean nothing
    if not same:
        return None
    if length <= size:
        return Copy(other) if _much(length, size) or not file.places else Wait()
    if other.state is FileState.READ and (not other.places or _much(size, length)):
        return Continues(other)
    return None


def _after(
    file: Tracked,
    gone: list[Tracked],
    started: list[Tracked],
    length: int,
    others: Others,
    *,
    settled: bool,
    short: bool,
) -> Verdict:
    """Compare with what is remembered of files that are gone."""
    text, survey = file.text, file.survey
    if text is None or survey is None:
        raise AssertionError
    whole = sorted(
        (one for one in gone if 0 < one.meter.offset <= length),
        key=lambda one: one.meter.offset,
        reverse=True,
    )
    if whole:
        offsets = {one.meter.offset for one in whole}
        survey.extend(text, max(offsets), offsets)
    for one in whole:
        if started and started[0].meter.offset > one.meter.offset:
            break
        if survey.crcs.get(one.meter.offset) == one.meter.crc and _may_be_old(one, file, length):
            others.confirm(one)
            return Continues(one)
    if started:
        return Continues(started[0])
    fitting = _longer(file, gone, length)
    if not settled and (fitting or short):
        return Wait()
    if length < HEAD_BYTES:
        lines = text.read_at(0, length)
        end = lines.rfind(b"\n") + 1
        fitting = [one for one in fitting if (end, crc32(lines[:end])) in one.meter.ends]
    return next((Copy(one) for one in fitting if _much(length, one.meter.offset)), Own())


def _longer(file: Tracked, gone: list[Tracked], length: int) -> list[Tracked]:
    """Of what is gone and was longer, what agrees with this text as far as the marks tell."""
    text, survey = file.text, file.survey
    longer = [one for one in gone if one.meter.offset > length and one.state is FileState.READ]
    if text is None or survey is None or not longer:
        return []
    survey.extend(text, length)
    marks = survey.meter.marks
    return [one for one in longer if marks and agree(marks, one.meter.marks)]


def _much(length: int, size: int) -> bool:
    """Whether a text that begins another one has more in common with it than first lines."""
    return length * 2 >= size or length >= HEAD_BYTES


def _length(other: Tracked, text: OpenText) -> int:
    if not text.compressed:
        return text.status().size
    if other.length is None:
        other.length = Survey().to_end(text)
    return other.length


def _may_be_old(one: Tracked, file: Tracked, length: int) -> bool:
    """Of a file that is not to be read only the head is known: its length has to fit as well."""
    if one.state is not FileState.OLD:
        return True
    if file.named:
        return False
    if one.meter.offset >= HEAD_BYTES:
        return True
    return length == one.meter.offset
