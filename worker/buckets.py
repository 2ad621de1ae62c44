"""The buckets of histograms of durations: fixed bounds, the same on every machine.

OpenTelemetry's exponential histogram with one fixed scale, 6: bucket ``i`` holds the durations in
(2^(i/64), 2^((i+1)/64)] nanoseconds, zeros are counted apart. A bucket's representative is off by
at most (2^(1/64) - 1) / (2^(1/64) + 1) = 0.5415 % from what it stands for. The bounds are integers
found with integer roots, so that every machine picks the same bucket; libm's ``pow`` differs.

Little is loaded here: reading begins with the bounds while all else is still being loaded.

Source: https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

from __future__ import annotations

from functools import cache
from math import isqrt

from worker.units import NS_PER_S

SCALE = 6
"""OpenTelemetry's name for 2^6 buckets an octave."""

_PER_OCTAVE = 2**SCALE
_OCTAVES = 63
HIGHEST_INDEX = _PER_OCTAVE * _OCTAVES - 1
"""The bucket of 2^63 - 1 ns; that of 1 ns is -1."""


@cache
def octave() -> tuple[int, ...]:
    """2^(62 + k/64), rounded down, for k from 0 to 63."""
    return tuple(_root(2 ** (_PER_OCTAVE * 62 + k)) for k in range(_PER_OCTAVE))


def _root(number: int) -> int:
    """The 64th root, rounded down (roots rounded down one after the other stay exact)."""
    for _ in range(SCALE):
        number = isqrt(number)
    return number


@cache
def bounds() -> tuple[int, ...]:
    """0, then every bucket's lower bound in nanoseconds, rounded down.

    The place of a duration in it (``bisect_left``) is 0 for 0 ns, else its bucket's index + 2:
    a whole number is above 2^(i/64) where it is above that number rounded down.
    """
    steps = octave()
    lower = (steps[k % _PER_OCTAVE] >> (62 - k // _PER_OCTAVE) for k in range(HIGHEST_INDEX + 1))
    return (0, *lower)


def representative_s(index: int) -> float:
    """Seconds that stand for a bucket: its bounds' harmonic mean, whose error is the least."""
    lower, upper = _bound(index), _bound(index + 1)
    return 2 * lower * upper / ((lower + upper) * 2**63 * NS_PER_S)


def _bound(k: int) -> int:
    """2^(k/64) nanoseconds in units of 2^-63 ns, from the table of the buckets."""
    units: int = octave()[k % _PER_OCTAVE] << (k // _PER_OCTAVE + 1)
    return units
