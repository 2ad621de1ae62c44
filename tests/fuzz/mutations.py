"""Seeded changes to inputs: of their bytes, and of the JSON that they hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

PIECES = [
    *(bytes([byte]) for byte in b'{}[],:"\\\n\r\t -+.eE019'),
    b"null", b"true", b"NaN", b"-Infinity", b"1e999", b"-0.0", b"1.0", b"\\ud800", b"\\udc00",
    b"\\u0000", b"\xff", b"\x00", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\xc2\x9b",
    b"\x1b]0;x\x07", b'"seq":-1,', b'"v":2,', b'"stream":"a",', b'"event":"job.failed",',
    b"[" * 300, b"]" * 300, b'{"":' * 201, b"9" * 400, b"9223372036854775808", b"password=",
    b"Bearer ", b"://u:p@", b"[redacted]",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 5.5, -0.0, 1e308, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**400,
    "", "a", "1", "\x00", "\x1b[2J", "\ud800", "(other)", "x" * 201, [], [[]], [[0, 1]], [[1, 0]],
    {}, {"": {}}, float("nan"), float("inf"), "2026-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
]  # fmt: skip


def mutate(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Change an input in a few ways.

    Args:
        data: The input.
        others: Inputs to take pieces from.
        random: Decides.
    """
    for _ in range(random.randint(1, 4)):
        data = random.choice((_replace, _replace, _splice, _values, _values))(data, others, random)
    return data


def _replace(data: bytes, others: Sequence[bytes], random: Random) -> bytes:  # noqa: ARG001 - as the others
    begin = random.randint(0, len(data))
    end = min(begin + random.choice((0, 0, 1, 1, 4, 30)), len(data))
    piece = random.choice((random.choice(PIECES), random.randbytes(random.randint(0, 3))))
    return data[:begin] + piece + data[end:]


def _splice(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others)
    begin = random.randint(0, len(other))
    place = random.randint(0, len(data))
    piece = other[begin : begin + random.randint(0, 200)]
    return data[:place] + piece + data[random.choice((place, place + len(piece))) :]


def _values(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Change a value in the JSON of one line; bytes where it is none."""
    lines = data.split(b"\n")
    number = random.randrange(len(lines))
    try:
        value = json.loads(lines[number])
    except (ValueError, RecursionError):
        return _replace(data, others, random)
    try:
        text = json.dumps(_changed(value, random), ensure_ascii=random.random() < 0.5)
    except (ValueError, RecursionError):  # an integer of too many digits
        return data
    lines[number] = text.encode(errors="surrogatepass")
    return b"\n".join(lines)


def _changed(value: Any, random: Random) -> Any:
    """Copy a JSON value with something in it replaced, left out, put in, or a little off."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        return _changed_object(value, random)
    if isinstance(value, list) and value and random.random() < 0.8:
        return _changed_list(value, random)
    if isinstance(value, int) and not isinstance(value, bool) and random.random() < 0.5:
        return value + random.choice((-1, 1))
    return random.choice(VALUES)


def _changed_object(value: dict[str, Any], random: Random) -> dict[str, Any]:
    key = random.choice([*value])
    deed = random.random()
    if deed < 0.1:
        return {name: item for name, item in value.items() if name != key}
    if deed < 0.2:
        name = random.choice([*value, "", "x", "stream", "\x9b"])
        return {other: item for other, item in value.items() if other != key} | {name: value[key]}
    return value | {key: _changed(value[key], random)}


def _changed_list(value: list[Any], random: Random) -> list[Any]:
    place = random.randrange(len(value))
    changed = _changed(value[place], random)
    if random.random() < 0.3:
        return random.choice((value[:place], [*value, changed], [changed]))
    return [*value[:place], changed, *value[place + 1 :]]
