"""The way into the program: what a replay reads is begun with before the command line is loaded.

To load the commands takes as long as to add up half a million lines, and needs one core alone.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from projections.parallel.head_start import HeadStart

_YOUNG_OBJECTS = 10_000  # loading makes many, and no cycles: Python's own bound is 700
_INTERRUPTED = 130


def main() -> int:
    """Run the program.

    Returns:
        The exit status, see `projections.cli.main.main`.
    """
    gc.set_threshold(_YOUNG_OBJECTS)
    begun = None
    try:
        begun = _begin(sys.argv[1:])
        from projections.cli.main import main as run

        status = run(begun=begun)
    except KeyboardInterrupt:  # before the command could take it
        return _INTERRUPTED
    finally:
        if begun is not None:
            begun.close()
    gc.freeze()  # the interpreter would look three times at all that dies with it
    return status


def _begin(args: Sequence[str]) -> HeadStart | None:
    """Begin with the file that a command line seems to name; a wrong guess costs little."""
    path = first_log(args)
    if path is None:
        return None
    try:
        from projections.parallel.head_start import head_start

        return head_start(path)
    except (Exception, SystemExit):  # noqa: BLE001 - whatever it is, the command finds it, and says so
        return None


def first_log(args: Sequence[str]) -> str | None:
    """What a command line tells `replay` to read first, as far as that shows without its options.

    >>> first_log(["replay", "--json", "worker.jsonl"])
    'worker.jsonl'
    """
    if args[:1] != ["replay"]:
        return None
    return next((each for each in args[1:] if not each.startswith("-")), None)


if __name__ == "__main__":
    sys.exit(main())
