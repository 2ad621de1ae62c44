"""A folder of logs, what was written there, and an ingestion that follows it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING

from tests.support.following import lines
from tests.support.following.follower import Counted, Follower, counted
from tests.support.handlers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.following.nursery import Nursery

_PATIENCE_S = 60.0


class Way(Enum):
    """How a scenario is gone through.

    PLAIN: One process follows, from the beginning to the end.
    KILLED: It is killed in the middle, and another one goes on at once.
    AWAY: It is killed in the middle, and the next one comes only after what happens then.
    """

    PLAIN = "plain"
    KILLED = "killed"
    AWAY = "away"


class Site:
    """Writes logs, and knows what of them has to be counted.

    Args:
        nursery: Starts the processes that follow.
        folder: Where all of it stands, empty.
        way: How the scenario is gone through.
        most_open: How many descriptors a process may have; 0: as many as usual.

    Attributes:
        logs: The folder of the logs, which relative paths start at.
        way: As given.
        follower: The ingestion.
        invalid: Invalid lines that were written.
        duplicates: Lines that were written again with their seq.
        status: How the last run ends: 1 where a file has to be left out.
    """

    def __init__(self, nursery: Nursery, folder: Path, way: Way, *, most_open: int = 0) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)
        self.way = way
        self.follower = Follower(
            nursery, folder / "state.json", self.logs, folder / "notes", most_open=most_open
        )
        self.invalid = 0
        self.duplicates = 0
        self.status = 0
        self._written: Counter[str] = Counter()
        self._made = 0
        self._seq = 0

    # What is written

    def path(self, name: str) -> Path:
        """A place among the logs."""
        return self.logs / name

    def lines(self, count: int = 1) -> bytes:
        """New lines that are to be counted, of another program."""
        return b"".join(lines.oban(name) for name in self._names(count))

    def native(self, count: int = 1) -> bytes:
        """New lines that are to be counted, of our own, with the next seqs."""
        made = b"".join(
            lines.native(name, self._seq + index) for index, name in enumerate(self._names(count))
        )
        self._seq += count
        return made

    def sized(self, size: int) -> bytes:
        """A new line of exactly so many bytes, with its end, that is to be counted."""
        (name,) = self._names(1)
        return lines.sized(name, size)

    def uncounted(self, count: int = 1) -> bytes:
        """New lines that must not be counted."""
        self._made += count
        return b"".join(
            lines.oban(f"Not{number}") for number in range(self._made - count, self._made)
        )

    def again(self, data: bytes) -> None:
        """Lines that stand in two files, and are to be counted for both."""
        self._written.update(lines.names(data))

    def write(self, path: Path, count: int = 1) -> bytes:
        """Add new lines to a file, and give them."""
        data = self.lines(count)
        add(path, data)
        return data

    def _names(self, count: int) -> list[str]:
        names = [f"L{number}" for number in range(self._made, self._made + count)]
        self._made += count
        self._written.update(names)
        return names

    # Who follows

    def follow(self, *args: object, format_: str = "oban") -> None:
        """Start to follow, and return when it has looked for the first time."""
        self.follower.args = [*map(str, args), "--format", format_]
        self.follower.start()
        self._wait(self.follower.state.exists, "a state is saved")

    def middle(self) -> None:
        """The middle of the scenario: here it is killed, unless this is the plain way."""
        if self.way is not Way.PLAIN:
            if not self.follower.runs:  # killed before, and away since
                self.follower.start()
            self.follower.kill()
            if self.way is Way.KILLED:
                self.follower.start()

    @contextmanager
    def down(self) -> Iterator[None]:
        """What happens while nobody follows, in each of the ways."""
        self._back()
        if self.way is Way.PLAIN:
            self.follower.stop()
        else:
            self.follower.kill()
        yield
        self.follower.start()

    def now(self) -> None:
        """Return when all that was written is counted."""
        self._wait(self._has_all, "all is counted")

    def wait_told(self, text: str) -> None:
        """Return when the user was told something."""
        self._wait(lambda: text in self.follower.notes, f"{text!r} is told")

    def finish(self) -> None:
        """See that all that was written is counted, and stays so when nothing is undecided."""
        self.now()
        self.follower.stop()
        self.follower.run_once(status=self.status)
        found = self.counted()
        assert found.names == self._written, self.report("at the end other lines are counted")
        assert found.processed == sum(self._written.values()), self.report("others were counted")
        assert found.invalid == self.invalid, self.report(f"{self.invalid} lines are invalid")
        assert found.duplicates == self.duplicates, self.report(f"{self.duplicates} came twice")

    def close(self) -> None:
        """Leave no process behind."""
        self.follower.kill()

    def counted(self) -> Counted:
        """What is counted."""
        return counted(self.follower.state)

    def _back(self) -> None:
        if not self.follower.runs:
            self.follower.start()

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        self._back()

        def holds() -> bool:
            self.follower.check()
            return condition()

        try:
            wait_until(holds, what, _PATIENCE_S)
        except AssertionError as error:
            if self.follower.runs:
                with suppress(AssertionError):
                    self.follower.show_where()
            raise AssertionError(self.report(str(error))) from None

    def _has_all(self) -> bool:
        names = self.counted().names
        wrong = names - self._written
        if wrong:
            raise AssertionError(f"counted twice, or wrongly: {_listed(wrong)}")
        return names == self._written

    def report(self, what: str) -> str:
        """All that is to be known of a failure."""
        found = self.counted()
        listing = "\n".join(
            f"  {path.relative_to(self.logs)} {path.lstat().st_size} inode {path.lstat().st_ino}"
            for path in sorted(self.logs.rglob("*"))[:20]
        )
        return (
            f"{what} ({self.way.value})\n"
            f"written {sum(self._written.values())}, counted {found.processed}, "
            f"invalid {found.invalid}, duplicates {found.duplicates}\n"
            f"too many: {_listed(found.names - self._written)}\n"
            f"missing: {_listed(self._written - found.names)}\n{listing}\n"
            f"told:\n{self.follower.notes}"
        )


def add(path: Path, data: bytes) -> None:
    """Add to a file, as a program does that opens it for each write."""
    with path.open("ab") as file:
        file.write(data)


def _listed(names: Counter[str]) -> str:
    some = [f"{name} x{count}" for name, count in names.most_common(8)]
    return f"{sum(names.values())} ({', '.join(some)} …)" if names else "none"
