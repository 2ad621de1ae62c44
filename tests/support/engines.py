"""An engine of this process: partitions one after the other, and in an order that a seed says."""

from __future__ import annotations

import pickle
from random import Random
from typing import TYPE_CHECKING, Any

from projections.engines.partial import Partial, merge
from projections.engines.planning import plan
from projections.engines.replaying import replay_on
from projections.engines.work import Again, Refolded, fold_again, fold_partition
from projections.replay import NATIVE_CHOICE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from projections.engines.partitions import Partition
    from projections.replay import Replayed


def _sent(value: Any) -> Any:
    """A value as it is on another machine."""
    return pickle.loads(pickle.dumps(value))


class Here:
    """Works as a cluster does: values go over, tasks run twice, merges are in any tree.

    Args:
        workers: How many partitions would be worked at once.
        seed: Which order of work, and which tree.

    Attributes:
        partitions: How many were folded.
        refolded: The tasks for streams that were folded again.
    """

    def __init__(self, workers: int = 2, seed: int = 0) -> None:
        self.workers = workers
        self.partitions = 0
        self.refolded: list[Again] = []
        self._random = Random(seed)

    def fold(self, partitions: Sequence[Partition], done: Callable[[Partition], None]) -> Partial:
        self.partitions += len(partitions)
        order = [*partitions]
        self._random.shuffle(order)
        results = {p.number: _sent(fold_partition(_sent(p))) for p in (*order, *order[:2])}
        for partition in order:
            done(partition)
        level = [results[number] for number in sorted(results)]
        while len(level) > 1:
            at = self._random.randrange(len(level) - 1)
            size = self._random.choice([2, 3])
            level[at : at + size] = [_sent(merge(level[at : at + size]))]
        return merge(level)

    def again(self, tasks: Sequence[Again]) -> list[Refolded]:
        self.refolded += tasks
        return [_sent(fold_again(_sent(task))) for task in tasks]


def replay_here(
    engine: Here, *paths: object, choice: Any = NATIVE_CHOICE, **options: Any
) -> Replayed:
    """Replay what paths name on an engine."""
    replayed, _ = replay_on(engine, plan([str(path) for path in paths], choice), **options)
    return replayed
