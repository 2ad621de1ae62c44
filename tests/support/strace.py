r"""System calls of the real code on the real disk: recorded by strace, or made to fail by it.

A record holds what a program asked of the files in one folder, with all data, in the order in
which the kernel was asked. Of a call that another one overtook, beginning and end are known.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support import tools
from tests.support.command import clean_env

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_KINDS = {
    "openat": "make",
    "write": "write",
    "pwrite64": "write",
    "ftruncate": "truncate",
    "fsync": "sync",
    "fdatasync": "sync",
    "rename": "rename",
    "unlink": "unlink",
    "mkdir": "folder",
}
# What would change a file too, and is asked for by nobody: met in the folder, it is an error.
_UNHANDLED = (
    *("creat", "writev", "pwritev", "pwritev2", "truncate", "fallocate", "sync_file_range"),
    *("renameat", "renameat2", "unlinkat", "rmdir", "mkdirat", "link", "linkat", "symlink"),
    *("symlinkat", "sendfile", "copy_file_range", "open"),
)
_LINE = re.compile(
    r"\d+ +(?:<\.\.\. (?P<resumed>\w+) resumed>|(?P<name>\w+)\()(?P<args>.*?)"
    r"(?: *(?P<unfinished><unfinished \.\.\.>)|\) += (?P<result>\S+).*)"
)
_TEXT = re.compile(r"(?:\\x[0-9a-f]{2})+")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that succeeded, on a file in the recorded folder.

    Attributes:
        name: ``make``, ``write``, ``truncate``, ``sync``, ``rename``, ``unlink`` or ``folder``.
        path: Below the recorded folder; ``""`` is that folder itself.
        data: What was written.
        offset: Where it was written (None: at the end), or the size that a file was cut to.
        target: The new name.
    """

    name: str
    path: str
    data: bytes = b""
    offset: int | None = None
    target: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A call begins, or ends; most do both before another one begins.

    Attributes:
        call: The call.
        number: Which one it is, so that beginning and end find one another.
        begins: Whether it begins here.
        ends: Whether it ends here.
    """

    call: Call
    number: int
    begins: bool = True
    ends: bool = True


def record(
    command: Sequence[object], folder: Path, *, cwd: Path, timeout_s: float = 60, **env: str
) -> list[Event]:
    """Run a command to its end, which must be good, and tell what it did in ``folder``."""
    log = cwd / "strace.log"
    done = subprocess.run(
        [
            tools.strace(),
            *("-f", "--seccomp-bpf", "-y", "-xx", "-s", str(1 << 24), "-qq", "--signal=none"),
            *("-e", f"trace={','.join([*_KINDS, *_UNHANDLED])}", "-o", str(log)),
            *map(str, command),
        ],
        cwd=cwd,
        env=clean_env(**env),
        capture_output=True,
        timeout=timeout_s,
        check=False,
    )
    assert done.returncode == 0, done
    events = list(_events(log.read_text("ascii"), str(folder.resolve())))
    log.unlink()
    return events


def failing(calls: str, what: str, *paths: Path, when: str = "1+") -> list[str]:
    """What stands before a command so that its system calls fail.

    Args:
        calls: Their names, with commas.
        what: For example ``error=ENOSPC``.
        paths: Only those on one of these files or folders, which must be there.
        when: Which of them, counted for each thread by itself: ``3``, ``3+``, ``1..5``, ``1+2``.
    """
    chosen = [part for path in paths for part in ("-P", str(path))]
    return [
        tools.strace(),
        *("-f", "-qq", "--signal=none", "-o", "/dev/null", *chosen),
        *("-e", f"trace={calls}", "-e", f"inject={calls}:{what}:when={when}"),
    ]


def _events(text: str, folder: str) -> Iterator[Event]:
    """The events in a record: those of calls that succeeded, on files in ``folder``."""
    lines: list[tuple[int, bool, bool]] = []  # number, begins, ends
    calls: dict[int, Call | None] = {}
    open_calls: dict[str, tuple[int, str]] = {}  # by thread
    for number, line in enumerate(text.splitlines()):
        match = _LINE.fullmatch(line)
        assert match is not None, line
        thread = line.split(" ", 1)[0]
        if match["unfinished"]:
            open_calls[thread] = (number, match["args"])
            lines.append((number, True, False))
            continue
        first, args = open_calls.pop(thread) if match["resumed"] else (number, "")
        lines.append((first, first == number, True))
        name = match["resumed"] or match["name"]
        calls[first] = _call(name, args + match["args"], match["result"], folder)
    for number, begins, ends in lines:
        call = calls.get(number)
        if call is not None:
            yield Event(call, number, begins=begins, ends=ends)


def _call(name: str, args: str, result: str, folder: str) -> Call | None:
    """What a line says; None if the call failed, changed nothing, or concerns another place."""
    texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(args)]
    # Of openat, the folder that its path begins from is told first.
    place = _below(texts[-1 if name == "openat" else 0], folder) if texts else None
    if place is None or result.startswith("-") or result == "?" or ">(deleted)" in args:
        return None
    if name in {"write", "pwrite64"} and result == "0":
        return None
    assert name in _KINDS, f"{name} is not understood: {args[:200]}"
    assert "O_TRUNC" not in args, args
    if name == "openat" and "O_CREAT" not in args:
        return None
    target = _below(texts[1], folder) if name == "rename" else ""
    assert target is not None, args
    return Call(
        _KINDS[name],
        place,
        data=texts[1][: int(result)] if name in {"write", "pwrite64"} else b"",
        offset=int(args.rsplit(", ", 1)[1]) if name in {"pwrite64", "ftruncate"} else None,
        target=target,
    )


def _below(text: bytes, folder: str) -> str | None:
    """A path relative to ``folder``; None if it lies elsewhere."""
    path = text.decode("utf-8", "surrogateescape")
    if path == folder:
        return ""
    return path.removeprefix(f"{folder}/") if path.startswith(f"{folder}/") else None
