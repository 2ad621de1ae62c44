"""Where `tail` shows events: a terminal with a line of totals below them, a pipe, or raw lines."""

from __future__ import annotations

import select
import threading
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, BinaryIO, Self

from events.terminal import safe_json
from projections.cli.event_lines import EventLines
from projections.cli.live_totals import LiveTotals
from projections.cli.output import PIPED_WIDTH, console_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from events.clock import Clock
    from projections.cli.event_view import ReadEvent

REFRESH_S = 0.1
"""The line of totals changes at most so often, and lines that came are shown so soon."""
_AT_ONCE = 500  # lines that may wait to be shown
_ERASE = "\r\x1b[J"  # to the line's begin; what stands from there on goes
# DECAWM: the totals keep to one line also where the terminal has just been made narrower.
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


class Screen:
    """Shows events as they come; threads may call it at the same time.

    On a terminal the totals stand below the events. The cursor waits at their begin, visible: a
    terminal that was made narrower leaves it there, so that all of them can be erased, and nothing
    is to be put back if this process is killed.

    Args:
        out: Where to.
        live: Whether more events will come.
        full: Whether long lines are kept whole.
        raw: Whether to give the lines as they are, and nothing else; for a terminal, what it would
            obey is escaped as JSON does it.
        passes: Which events to show; None for all. The totals add up all.
        clock: Tells when to show, and how fast events come.
    """

    def __init__(
        self,
        out: IO[str],
        *,
        live: bool,
        full: bool = False,
        raw: bool = False,
        passes: Callable[[ReadEvent], bool] | None = None,
        clock: Clock,
    ) -> None:
        self._out = out
        self._raw = raw
        self._passes = passes
        self._clock = clock
        self._console = console = console_for(out)
        obeys = console.is_terminal and not (console.legacy_windows or console.is_dumb_terminal)
        coloured = obeys and console.color_system is not None and not console.no_color
        self._lines = EventLines(coloured=coloured, full=full)
        self._bold = ("\x1b[1m", "\x1b[0m") if coloured else ("", "")
        self.has_totals = live and obeys and not raw
        self._lock = threading.Lock()
        self._waiting: list[ReadEvent] = []
        self._shown = 0
        self._width = 0
        self._status = ""
        self._said_nothing = True  # the first outcome is told at once
        self._wrote_ns = self._said_ns = now_ns = clock.monotonic_ns()
        self._totals = LiveTotals(now_ns)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if isinstance(error, OSError):  # nothing can be written any more
            return
        with self._lock:
            if self._waiting:
                self._write()
            if self._status:
                self._out.write(_ERASE)
            self._status = ""
            self._out.flush()

    def show(
        self, events: Iterable[ReadEvent], *, add_up: bool = False, waits: bool = False
    ) -> None:
        """Show these events soon, and all of them when there are no more.

        Args:
            events: Those that came.
            add_up: Whether to add them to the totals.
            waits: Whether it may take long until the next one comes: then each is shown as it
                comes, also where nobody refreshes the screen meanwhile.
        """
        at_once = 1 if waits and not self.has_totals else _AT_ONCE
        for told in events:
            now_ns = self._clock.monotonic_ns()
            with self._lock:
                if add_up:
                    self._totals.add(told, now_ns)
                if self._passes is None or self._passes(told):
                    self._waiting.append(told)
                    self._shown += add_up
                late = now_ns - self._wrote_ns >= REFRESH_S * 1e9
                if len(self._waiting) >= at_once or (late and (self._waiting or self.has_totals)):
                    self._write()
        self.refresh()

    def refresh(self) -> None:
        """Show what waits, and the totals as they are now."""
        with self._lock:
            if self._waiting or self.has_totals:
                self._write()

    def check_reader(self) -> None:
        """See that somebody can still read what is shown: else one would wait for the next event.

        Raises:
            BrokenPipeError: Who read has gone, as a `grep -m1` does.
        """
        if has_no_reader(self._out):
            raise BrokenPipeError

    def aside(self, tell: Callable[[], None]) -> None:
        """Let something be said on the same terminal by other means, and not over the totals."""
        with self._lock:
            if self._status:
                self._out.write(_ERASE)
                self._out.flush()
                self._status = ""
            tell()

    def _write(self) -> None:
        if self._raw:
            raw: BinaryIO = self._out.buffer  # type: ignore[attr-defined]  # as of any stdout
            lines = b"".join(told.written + b"\n" for told in self._waiting)
            raw.write(_harmless(lines) if self._console.is_terminal else lines)
        else:
            self._draw()
        self._waiting.clear()
        self._out.flush()
        self._wrote_ns = self._clock.monotonic_ns()

    def _draw(self) -> None:
        width = self._console.width if self._console.is_terminal else PIPED_WIDTH
        lines = "".join(self._lines.lines(told, width) for told in self._waiting)
        if not self.has_totals:
            self._out.write(lines)
            return
        before, now_ns = self._status, self._clock.monotonic_ns()
        if (
            not before
            or self._said_nothing
            or width != self._width
            or now_ns >= self._said_ns + REFRESH_S * 1e9
        ):
            shown = None if self._passes is None else self._shown
            self._status = self._totals.text(width - 1, now_ns, shown=shown)
            self._width, self._said_ns = width, now_ns
            self._said_nothing = self._totals.is_nothing
        if lines or self._status != before:
            on, off = self._bold
            self._out.write(f"{_ERASE}{lines}{_NO_WRAP}{on}{self._status}{off}{_WRAP}\r")


def has_no_reader(out: IO[str]) -> bool:
    """Whether nobody has the other end of a pipe open any more; not where nothing tells."""
    try:
        asked = select.poll()
        asked.register(out.fileno(), 0)
        return any(what & select.POLLERR for _, what in asked.poll(0))
    except (AttributeError, OSError, ValueError):  # no such call here; no file of the system's
        return False


def _harmless(lines: bytes) -> bytes:
    text = lines.decode(errors="backslashreplace")
    return "\n".join(map(safe_json, text.split("\n"))).encode()


@contextmanager
def kept_fresh(screen: Screen, refresh_s: float = REFRESH_S) -> Iterator[None]:
    """Refresh a screen with totals while the block runs, also while it waits for something to come.

    Args:
        screen: What to refresh; one without totals shows events when they come, and needs none.
        refresh_s: Seconds from one time to the next.
    """
    if not screen.has_totals:
        yield
        return
    over = threading.Event()

    def refresh() -> None:
        try:
            while not over.wait(refresh_s):
                screen.refresh()
        except OSError:  # the terminal has gone: whoever shows the next event is told
            return

    thread = threading.Thread(target=refresh, name="refresh", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
