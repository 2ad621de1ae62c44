"""Reading the jobs that the known predecessor stored in its dead letters: pickled dicts.

A pickle is a program. `pickle.loads` runs it, and even an unpickler that refuses every global can
be made to allocate gigabytes by nine bytes (one large memo index), or to hash for ever (nested
tuples as a key). So `pickle` is not used at all: `pickletools` only splits the bytes into opcodes,
and the few that build plain values are carried out here. Nothing here can import, call or
allocate more than the bytes and the bounds below allow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from events.limits import MAX_DEPTH
from sync_queue.errors import InvalidJobError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PICKLE_BYTES: Final = 16 * 1024 * 1024
MAX_OPCODES: Final = 500_000
MAX_VALUES: Final = 500_000
"""Values met when walking the whole job, shared ones each time: a pickle can share by reference."""

_IGNORED: Final = frozenset({"PROTO", "FRAME", "STOP"})
_VALUES: Final = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    }
)
_CONSTANTS: Final = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}


def is_pickle(data: bytes) -> bool:
    """Whether stored job data is a pickle (of protocol 2 or later) and not JSON."""
    return data.startswith(b"\x80")


def read_pickled_job(data: bytes) -> dict[str, Any]:
    """Read one pickled job of plain values: dict, list, tuple, text, bytes, number, bool, None.

    Args:
        data: The pickle, of any protocol.

    Raises:
        InvalidJobError: It names a global or any other object, is damaged, or is larger than the
            bounds of this module. The message says which.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise InvalidJobError(
            f"the pickled job has {len(data)} bytes, more than {MAX_PICKLE_BYTES}: not read"
        )
    try:
        job = _run(data)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise InvalidJobError(f"the pickled job is damaged: {error}") from error
    if not isinstance(job, dict):
        raise InvalidJobError(f"the pickle holds a {type(job).__name__}, not a job dict")
    _check_extent(job)
    return job


def _run(data: bytes) -> Any:
    import pickletools  # 10 ms, and only a predecessor's rows need it

    machine = _Machine()
    for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
        if count >= MAX_OPCODES:
            raise InvalidJobError(f"the pickled job has more than {MAX_OPCODES} opcodes: not read")
        machine.step(opcode.name, argument)
    return machine.pop()


def _check_extent(job: Any) -> None:
    """Refuse what is small as bytes and endless as a tree: cycles, and references to references."""
    pending = [(job, 0)]
    seen = 0
    while pending:
        value, depth = pending.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_VALUES:
            raise InvalidJobError(
                f"the pickled job is nested deeper than {MAX_DEPTH} or holds more than "
                f"{MAX_VALUES} values: not read"
            )
        if isinstance(value, dict):
            pending.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list | tuple):
            pending.extend((item, depth + 1) for item in value)


class _Machine:
    """The stack and memo of a pickle's program, for opcodes that build plain values."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode, or refuse it."""
        if name in _VALUES:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name not in _IGNORED:
            action = _ACTIONS.get(name)
            if action is None:
                raise InvalidJobError(
                    f"the pickled job holds {name}, which is no plain value: not read"
                )
            action(self, argument)

    def pop(self) -> Any:
        return self.stack.pop()

    def discard(self) -> None:
        """POP: what lies on top is a value, or a mark."""
        if self.marks and self.marks[-1] == len(self.stack):
            self.marks.pop()
        else:
            self.stack.pop()

    def items(self) -> list[Any]:
        """Everything above the last mark, taken off together with it."""
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found

    def last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("too few values on the stack")
        found = self.stack[-count:]
        del self.stack[-count:]
        return found

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise TypeError(f"items are added to a {type(target).__name__}")
        target.extend(items)

    def update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise TypeError(f"keys are set in a {type(target).__name__}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_checked_key(key)] = value

    def make_dict(self, items: list[Any]) -> None:
        self.stack.append({})
        self.update(items)

    def remember(self, index: int) -> None:
        self.memo[index] = self.stack[-1]


def _checked_key(key: Any) -> Any:
    """Text, None, or a number of 64 bits: what cannot be made to collide or to hash for ever."""
    if key is None or isinstance(key, str):
        return key
    if isinstance(key, int | float) and math.isfinite(key) and -(2**63) <= key < 2**63:
        return key
    raise InvalidJobError("the pickled job has a key that is neither text nor a number: not read")


_ACTIONS: Final[dict[str, Callable[[_Machine, Any], None]]] = {
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "POP": lambda m, _: m.discard(),
    "POP_MARK": lambda m, _: m.items().clear(),
    "DUP": lambda m, _: m.stack.append(m.stack[-1]),
    "EMPTY_LIST": lambda m, _: m.stack.append([]),
    "EMPTY_DICT": lambda m, _: m.stack.append({}),
    "LIST": lambda m, _: m.stack.append(m.items()),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.items())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.last(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.last(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.last(3))),
    "DICT": lambda m, _: m.make_dict(m.items()),
    "APPEND": lambda m, _: m.extend(m.last(1)),
    "APPENDS": lambda m, _: m.extend(m.items()),
    "SETITEM": lambda m, _: m.update(m.last(2)),
    "SETITEMS": lambda m, _: m.update(m.items()),
    "PUT": lambda m, index: m.remember(index),
    "BINPUT": lambda m, index: m.remember(index),
    "LONG_BINPUT": lambda m, index: m.remember(index),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "GET": lambda m, index: m.stack.append(m.memo[index]),
    "BINGET": lambda m, index: m.stack.append(m.memo[index]),
    "LONG_BINGET": lambda m, index: m.stack.append(m.memo[index]),
}
