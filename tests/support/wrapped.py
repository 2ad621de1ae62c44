"""Lines as containers' and systems' logs hold them, for tests of reading such logs.

Each function takes a program's lines without their ends, and gives the log that its host writes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

RECORD_BYTES = 16 * 1024  # moby's and containerd's buffer
JOURNAL_LINE_BYTES = 48 * 1024  # journald.conf(5), LineMax=
_TIME = "2026-11-24T13:00:50.%09dZ"


def _pieces(line: bytes, size: int) -> Iterator[tuple[bytes, bool]]:
    """A line in pieces, each with whether it is the last one."""
    for at in range(0, len(line) or 1, size):
        yield line[at : at + size], at + size >= len(line)


def docker(lines: Iterable[bytes], stream: str = "stdout") -> bytes:
    """Docker's json-file; bytes that are no UTF-8 in a record are replaced, as moby does it."""
    records: list[str] = []
    for line in lines:
        # The line end counts: a line of exactly 16 KiB leaves a record of the end alone.
        for piece, _ in _pieces(line + b"\n", RECORD_BYTES):
            record = {
                "log": piece.decode(errors="replace"),
                "stream": stream,
                "time": _TIME % len(records),
            }
            records.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")))
    return "".join(f"{record}\n" for record in records).encode()


def cri(lines: Iterable[bytes], stream: str = "stdout") -> bytes:
    """A Kubernetes container's log, as containerd and CRI-O write it."""
    return b"".join(
        b"%s %s %s %s\n" % ((_TIME % 7).encode(), stream.encode(), b"F" if last else b"P", piece)
        for line in lines
        for piece, last in _pieces(line, RECORD_BYTES)
    )


def journald(lines: Iterable[bytes], stream: str = "4f2a9c7d1e3b48a0b5c6d7e8f9a0b1c2") -> bytes:
    """``journalctl -o json --all`` of a service that writes to its standard output."""
    records: list[dict[str, object]] = []
    for line in lines:
        for piece, last in _pieces(line, JOURNAL_LINE_BYTES):
            record: dict[str, object] = {
                "__CURSOR": f"s=5e0f;i={len(records):x};b=9c1d;m=1;t=2;x=3",
                "__REALTIME_TIMESTAMP": str(1_795_525_250_358_000 + len(records)),
                "PRIORITY": "6",
                "SYSLOG_IDENTIFIER": "worker",
                "_PID": "8221",
                "_STREAM_ID": stream,
                "_SYSTEMD_UNIT": "worker.service",
                "_TRANSPORT": "stdout",
                "MESSAGE": _message(piece),
            }
            if not last:
                record["_LINE_BREAK"] = "line-max"
            records.append(record)
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def _message(text: bytes) -> str | list[int]:
    """The list of its bytes where a text is no UTF-8 or has control characters."""
    try:
        found = text.decode()
    except UnicodeDecodeError:
        return list(text)
    return found if all(char >= " " or char == "\t" for char in found) else list(text)


def _headed(head: bytes) -> Callable[[Iterable[bytes]], bytes]:
    def wrap(lines: Iterable[bytes]) -> bytes:
        return b"".join(head + line + b"\n" for line in lines)

    return wrap


rfc5424 = _headed(b"<14>1 2026-11-24T13:00:50.358123Z nas worker 8221 - - ")
structured = _headed(
    rb"<14>1 2026-11-24T13:00:50.358Z nas worker 8221 id7 "
    rb'[origin ip="192.0.2.1"][meta@32473 note="a \"b\] \\" n="1"] '
    b"\xef\xbb\xbf"
)
rfc3164 = _headed(b"<14>Nov 24 13:00:50 nas worker[8221]: ")
syslog_file = _headed(b"Nov  4 13:00:50 nas worker[8221]: ")
rsyslog_file = _headed(b"2026-11-24T13:00:50.358123+01:00 nas worker[8221]: ")

EACH: dict[str, tuple[str, Callable[[Iterable[bytes]], bytes]]] = {
    "docker": ("docker", docker),
    "cri": ("cri", cri),
    "journald": ("journald", journald),
    "rfc5424": ("syslog", rfc5424),
    "structured": ("syslog", structured),
    "rfc3164": ("syslog", rfc3164),
    "syslog_file": ("syslog", syslog_file),
    "rsyslog_file": ("syslog", rsyslog_file),
}
"""Every form of log, with the name of its wrapping."""
