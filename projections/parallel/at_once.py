"""Making things at the same time, in a few threads, and taking them in their order."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from itertools import islice
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")


class AtOnce(Generic[T]):
    """Iterating gives what each call makes, in the order of the calls; they are begun before.

    It pays where making releases the GIL. Each thread takes the next call when it has done one, so
    that a slow one holds up none but itself. What a call raises is raised in its place.

    Args:
        makers: The calls; taken from in the caller's thread.
        threads: How many are done at the same time.
        most: How many are begun or done, and not taken yet.
    """

    def __init__(self, makers: Iterable[Callable[[], T]], threads: int, most: int) -> None:
        self._left = iter(makers)
        self._orders: SimpleQueue[_Order[T] | None] = SimpleQueue()
        self._owed: deque[_Order[T]] = deque()
        self._threads: list[threading.Thread] = []
        with suppress(RuntimeError):  # the system lets no more start: then with fewer, or none
            for _ in range(threads):
                thread = threading.Thread(target=self._work, name="at once", daemon=True)
                thread.start()
                self._threads.append(thread)
        self._is_alone = not self._threads
        self._order(1 if self._is_alone else most)

    def __iter__(self) -> Iterator[T]:
        try:
            while self._owed:
                order = self._owed.popleft()
                if self._is_alone:
                    order.carry_out()
                yield order.result()
                self._order(1)
        finally:
            self.close()

    def close(self) -> None:
        """Begin nothing more, and wait for what is being made."""
        with suppress(Empty):
            while True:
                self._orders.get_nowait()
        self._owed.clear()
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _order(self, count: int) -> None:
        for make in islice(self._left, count):
            order = _Order(make)
            self._owed.append(order)
            self._orders.put(order)

    def _work(self) -> None:
        while (order := self._orders.get()) is not None:
            order.carry_out()


class _Order(Generic[T]):
    """One thing to be made."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: SimpleQueue[tuple[T] | BaseException] = SimpleQueue()

    def carry_out(self) -> None:
        try:
            self._made.put((self._make(),))
        except BaseException as error:  # noqa: BLE001 - raised again where it is heard
            self._made.put(error)

    def result(self) -> T:
        made = self._made.get()
        if isinstance(made, BaseException):
            raise made
        return made[0]
