"""The numbers that stats are made of: whole counts and whole nanoseconds, both from 0 to 2^63 - 1.

Sums stop at 2^63 - 1. Such an addition is associative and commutative over this range, float
addition is not, so times are added as nanoseconds and only shown as seconds.
"""

from __future__ import annotations

import math

from events.limits import MAX_INTEGER

MAX_COUNT = MAX_INTEGER
"""The largest count, and the largest time in nanoseconds (292 years)."""

NS_PER_S = 10**9

LONGEST_S = MAX_COUNT / NS_PER_S
"""How the largest time shows in seconds."""


class ExactSeconds(float):
    """Seconds that know their nanoseconds, for totals that a float cannot tell apart (52 days up).

    ``dataclasses.replace`` reads the seconds of one object and gives them to the next: the exact
    total survives the way.
    """

    ns: int


def seconds(ns: int) -> float:
    """Show whole nanoseconds as seconds, correctly rounded; ``to_ns`` of it is ``ns`` again."""
    shown = ns / NS_PER_S
    if ns < 2**52:
        return shown
    exact = ExactSeconds(shown)
    exact.ns = ns
    return exact


def to_ns(name: str, value: object) -> int:
    """Turn seconds into the nearest whole nanoseconds, at most 2^63 - 1.

    Args:
        name: What the value is, for the error message.
        value: Seconds.

    Raises:
        TypeError: It is no int or float (a bool is none).
        ValueError: It is negative, NaN or infinite.
    """
    if isinstance(value, ExactSeconds):
        return value.ns
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {_shown(value)}")
    if not (isinstance(value, int) or math.isfinite(value)) or value < 0:
        raise ValueError(f"{name} must be a finite number of seconds >= 0, not {_shown(value)}")
    # Exact, since value * 1e9 would be rounded once more than needed.
    numerator, denominator = value.as_integer_ratio()
    return min((2 * NS_PER_S * numerator + denominator) // (2 * denominator), MAX_COUNT)


def check_count(name: str, value: object) -> int:
    """Answer ``value`` if it is a count.

    Raises:
        TypeError: It is no int (a bool is none).
        ValueError: It is below 0 or above 2^63 - 1.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be a whole number, not {_shown(value)}")
    if not 0 <= value <= MAX_COUNT:
        raise ValueError(f"{name} must be from 0 to 2^63 - 1, not {_shown(value)}")
    return value


def check_moment(name: str, value: object) -> float:
    """Answer ``value``, seconds since 1970, as a float; infinity stands for "none yet".

    Raises:
        TypeError: It is no int or float (a bool is none).
        ValueError: It is negative, NaN, or finite and above 2^63 - 1.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be seconds since 1970, not {_shown(value)}")
    # As the float that it becomes: the nearest to 2^63 - 1 is above it.
    if value != math.inf and not (0 <= value <= MAX_COUNT and float(value) <= MAX_COUNT):
        raise ValueError(f"{name} must be seconds from 0 to 2^63 - 1, not {_shown(value)}")
    return float(value) + 0.0  # -0.0 becomes 0.0, so that equal moments are equal bytes


def _shown(value: object) -> str:
    """A short word for a wrong value: never its whole content, which may be huge."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a bool"
    if isinstance(value, int) and value.bit_length() > 64:
        return "a number of more than 64 bits"
    if isinstance(value, (int, float)):
        return repr(value)
    return f"a {type(value).__name__}"


def add(a: int, b: int) -> int:
    """Add two counts; the sum stops at 2^63 - 1."""
    total = a + b
    return min(total, MAX_COUNT)


def less(whole: int, part: int) -> int:
    """What is in ``whole`` beyond ``part``, never below 0."""
    return max(whole - part, 0)
