"""One helping process: started, asked, and ended."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from projections.parallel.helping import LENGTH_BYTES, framed, receive
from projections.scanning import Group, Part

if TYPE_CHECKING:
    from projections.parallel.helping import Order

_ROOT = str(Path(__file__).parents[2])
# `-P`: nothing is imported from the working folder, unless it is where this process imports from.
# `-S`: where that is, is told.
_PROGRAM = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from projections.parallel.helping import main
main(int(sys.argv[2]))
"""
_answer = msgspec.msgpack.Decoder(tuple[int, int, int, list[Group]] | None)


class Helper:
    """One process, and the socket to it.

    Raises:
        OSError: It cannot be started.
    """

    def __init__(self) -> None:
        self._connection, theirs = socket.socketpair()
        places = json.dumps([*sys.path, _ROOT])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-S", "-c", _PROGRAM, places, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the one that asks
            )
        except BaseException:
            self._connection.close()
            raise
        finally:
            theirs.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def ask(self, file: int, order: Order) -> Part | None:
        """Have a part of an open file tallied, given by its descriptor.

        Raises:
            EOFError: The process has ended.
            OSError: It cannot be reached.
        """
        socket.send_fds(self._connection, [framed(order)], [file])
        length = int.from_bytes(receive(self._connection, LENGTH_BYTES))
        found = _answer.decode(receive(self._connection, length))
        return None if found is None else Part(*found)

    def end(self) -> None:
        """End it, also in the midst of its work, which nobody waits for."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
