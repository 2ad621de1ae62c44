"""A process that tallies parts of files for another one, and ends when that one does.

It gets orders and open files over a socket, and answers each. It holds nothing that could be lost:
whatever goes wrong here, it ends, and who asked does the work, and sees what is wrong.
"""

from __future__ import annotations

import os
import socket
from typing import Any, NamedTuple

import msgspec

from projections.parallel.plain_part import tally_part

LENGTH_BYTES = 4
"""Before each message stands how long it is, in so many bytes."""
_ORDER_BYTES = 1 << 16
"""No order is longer: a stream's name is that of a folder."""


class Order(NamedTuple):
    """What is to be tallied; see `projections.parallel.plain_part.tally_part`."""

    begin: int
    upto: int
    folder: str | None
    is_first: bool
    limit: int


_order = msgspec.msgpack.Decoder(Order)


def serve(connection: socket.socket) -> None:
    """Answer orders, one after the other, until nobody is there to ask.

    Raises:
        OSError: A file cannot be read, or nobody is there to answer.
    """
    while True:
        data, files, _, _ = socket.recv_fds(connection, _ORDER_BYTES, 1)
        if not data:
            return
        try:
            missing = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES]) - len(data)
            if missing > 0:
                data += receive(connection, missing)
            order = _order.decode(data[LENGTH_BYTES:])
            part = tally_part(
                files[0],
                order.begin,
                order.upto,
                order.folder,
                is_first=order.is_first,
                limit=order.limit,
            )
        finally:
            for file in files:
                os.close(file)
        connection.sendall(framed(part))


def framed(message: Any) -> bytes:
    """A message with its length before it."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(LENGTH_BYTES) + data


def receive(connection: socket.socket, size: int) -> bytes:
    """Wait for so many bytes.

    Raises:
        EOFError: The other end was closed before.
    """
    found = bytearray(size)
    view, have = memoryview(found), 0
    while have < size:
        count = connection.recv_into(view[have:])
        if not count:
            raise EOFError
        have += count
    return bytes(found)


def main(number: int) -> None:
    """Serve at a socket that was inherited, given by its descriptor."""
    with socket.socket(fileno=number) as connection:
        serve(connection)
