"""Taking from an iterator in a thread of its own, a little ahead of what is needed."""

from __future__ import annotations

import threading
from queue import Queue
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

T = TypeVar("T")


def ahead(items: Iterable[T], most: int = 2) -> Generator[T]:
    """Give items in their order; the next ones are made meanwhile.

    It pays where making them releases the GIL: decompression does. What making one raises is
    raised in its place. Closed early, no more than one is still made.

    Args:
        items: Where they come from; used in another thread until this ends.
        most: How many are kept ready.
    """
    ready: Queue[tuple[T] | BaseException | None] = Queue()
    room = threading.Semaphore(most)
    wanted = threading.Event()
    wanted.set()

    def make() -> None:
        end: BaseException | None = None
        try:
            for item in items:
                ready.put((item,))
                room.acquire()
                if not wanted.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - raised again where it is heard
            end = error
        ready.put(end)

    thread = threading.Thread(target=make, name="ahead", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system lets none start
        yield from items
        return
    try:
        while (found := ready.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            room.release()
            yield found[0]
    finally:
        wanted.clear()
        room.release()
        thread.join()
