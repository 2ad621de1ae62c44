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


def at_once(makers: Iterable[Callable[[], T]], threads: int, most: int) -> Iterator[T]:
    """Give what each call makes, in the order of the calls.

    It pays where making releases the GIL. Each thread takes the next call when it has done one, so
    that a slow one holds up none but itself. What a call raises is raised in its place. Closed
    early, no more is begun.

    Args:
        makers: The calls; taken from in the caller's thread.
        threads: How many are done at the same time.
        most: How many are begun or done, and not taken yet.
    """
    left = iter(makers)
    workers: _Workers[T] = _Workers(threads)
    try:
        for make in islice(left, most):
            workers.order(make)
        while workers.is_owing:
            yield workers.take()
            for make in islice(left, 1):
                workers.order(make)
    finally:
        workers.end()


class _Workers(Generic[T]):
    """Threads that make what was ordered."""

    def __init__(self, count: int) -> None:
        self._orders: SimpleQueue[_Order[T] | None] = SimpleQueue()
        self._owed: deque[_Order[T]] = deque()
        self._threads = [
            threading.Thread(target=self._work, name="at once", daemon=True) for _ in range(count)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def is_owing(self) -> bool:
        """Whether something was ordered and not taken."""
        return bool(self._owed)

    def order(self, make: Callable[[], T]) -> None:
        """Have something made, after what was ordered before."""
        order = _Order(make)
        self._owed.append(order)
        self._orders.put(order)

    def take(self) -> T:
        """Wait for what was ordered first, and give it."""
        return self._owed.popleft().result()

    def end(self) -> None:
        """Begin nothing more, and wait for what is being made."""
        with suppress(Empty):
            while True:
                self._orders.get_nowait()
        for _ in self._threads:
            self._orders.put(None)
        for thread in self._threads:
            thread.join()

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
