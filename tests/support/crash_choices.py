"""What a power cut may leave, chosen: all that is possible where it is little, else by seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from tests.support.model_disk import ModelDisk

Choice = tuple[int, ...]
"""The answers to all that was open, in order: it makes the same disk again."""


class Decider(Protocol):
    """Answers what is open after a power cut."""

    def pick(self, options: Sequence[int], among: Sequence[int] = ()) -> int:
        """One of the options, the first being the least that may be left, the last the most.

        Args:
            options: Those that differ in kind.
            among: All that there are, where these are more.
        """
        ...


class Given:
    """Gives the answers of a choice, and the least where that has no more."""

    def __init__(self, choice: Choice = ()) -> None:
        self._choice = choice
        self.taken: list[int] = []
        self.options: list[Sequence[int]] = []

    def pick(self, options: Sequence[int], among: Sequence[int] = ()) -> int:
        """The next answer; of what there is in order, only the options are gone through."""
        del among
        at = len(self.taken)
        self.taken.append(self._choice[at] if at < len(self._choice) else options[0])
        self.options.append(options)
        return self.taken[-1]

    def following(self) -> Choice | None:
        """The next choice in the order of all; None after the last."""
        for at in reversed(range(len(self.taken))):
            options = self.options[at]
            place = options.index(self.taken[at]) + 1
            if place < len(options):
                return (*self.taken[:at], options[place])
        return None


class Drawn:
    """Answers by chance.

    Args:
        rng: Where chance comes from.
        leaning: How likely the most is taken without drawing, from 0 to 1; negative: the least.
    """

    def __init__(self, rng: Random, leaning: float = 0.0) -> None:
        self._rng = rng
        self._leaning = leaning
        self.taken: list[int] = []

    def pick(self, options: Sequence[int], among: Sequence[int] = ()) -> int:
        """An answer."""
        if self._rng.random() < abs(self._leaning):
            answer = options[-1 if self._leaning > 0 else 0]
        else:
            answer = self._rng.choice(among if among and self._rng.random() < 0.5 else options)
        self.taken.append(answer)
        return answer


def power_cuts(disk: ModelDisk, rng: Random, most: int) -> list[tuple[Choice, ModelDisk]]:
    """Disks that a power cut may leave, each once: all if they are few, else so many of them.

    The least and the most that may be left are always among them.
    """
    found: dict[object, tuple[Choice, ModelDisk]] = {}
    for choice, left in _some(disk, rng, most):
        found.setdefault(frozenset(left.content().items()), (choice, left))
    return [*found.values()]


def _some(disk: ModelDisk, rng: Random, most: int) -> Iterator[tuple[Choice, ModelDisk]]:
    ordered = [*_in_order(disk, most + 1)]
    if len(ordered) <= most:
        yield from ordered
        return
    for number in range(most):
        leaning = (-1.0, 1.0, 0.0, 0.8, -0.8, 0.0)[number if number < 2 else 2 + number % 4]
        decider = Drawn(rng, leaning)
        left = disk.after_power_cut(decider)
        yield tuple(decider.taken), left


def _in_order(disk: ModelDisk, most: int) -> Iterator[tuple[Choice, ModelDisk]]:
    following: Choice | None = ()
    while following is not None and most > 0:
        given = Given(following)
        left = disk.after_power_cut(given)
        yield tuple(given.taken), left
        following = given.following()
        most -= 1
