r"""A syslog line's head before the text, as it stands in files and comes over the network.

``<34>1 2026-11-24T12:00:00Z host app 12 id - text`` (RFC 5424), ``<34>Nov 24 12:00:00 host
app[12]: text`` (RFC 3164), and both times without ``<34>``, as rsyslog, syslog-ng, BusyBox and
``journalctl -o short`` and ``short-iso`` write them. A long text is cut by syslog, never split.

Source: RFC 5424, section 6; RFC 3164, section 4.1; ``@cee:`` is a mark of JSON (CEE's syslog).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from events.json_text import is_blank

if TYPE_CHECKING:
    from events.formats.wrappings.inner import Inner, Partials

# Possessive throughout: linear in the line, whatever it holds.
_ISO = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d++)?+(?:Z|[+-]\d\d:?\d\d)?+"
_BSD = rb"[A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d++)?+"
_DATA = rb'(?:-|(?:\[[^\]"]*+(?:"(?:[^"\\]++|\\.)*+"[^\]"]*+)*+\])++)'
_NEW = rb"\d{1,2} (?:-|" + _ISO + rb") \S++ \S++ \S++ \S++ " + _DATA + rb"(?: |$)(?:\xef\xbb\xbf)?"
_OLD = (
    rb"(?:" + _BSD + rb"|" + _ISO + rb") \S++ "  # time and host
    rb"(?:[a-z0-9]++\.[a-z]++ )?+"  # BusyBox: facility and level
    # The program, if it says; its name may have colons in it.
    rb"(?:[^\s:\[{@]++(?::++[^\s:\[{]++)*+(?:\[[^\]\s]*+\])?+:(?: |$|(?=\{))|(?=\{|@cee:))"
)
_HEAD = re.compile(rb"(?:<\d{1,3}>)?+(?:" + _NEW + rb"|" + _OLD + rb")\s*+(?:@cee:)?+", re.ASCII)


def read(data: bytes, offset: int, _: Partials, inner: Inner) -> None:
    """Take the texts of whole lines; see `events.formats.wrappings.unwrapping`."""
    match = _HEAD.match
    for line in data.split(b"\n"):
        at = offset
        offset += len(line) + 1
        head = match(line)
        if head is not None:
            inner.add(line[head.end() :], at)
        elif not is_blank(line):
            inner.report(at, "no syslog line: neither as RFC 5424 nor as RFC 3164 begins one")
