"""All parts, by the names by which they are asked for, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.parts import (
    cluster,
    compressed,
    emitting,
    follower,
    formats,
    growth,
    pure,
    rebuild,
    recording,
    replay,
    start,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.asked import Asked
    from benchmarks.figures import Part

PARTS: Mapping[str, Callable[[Asked], Part]] = {
    "replay": replay.measure,
    "large": replay.measure_large,
    "pure": pure.measure,
    "compressed": compressed.measure,
    "packed": compressed.measure_large,
    "growth": growth.measure,
    "rebuild": rebuild.measure,
    "cluster": cluster.measure,
    "formats": formats.measure,
    "emitting": emitting.measure,
    "recording": recording.measure,
    "follower": follower.measure,
    "start": start.measure,
}
