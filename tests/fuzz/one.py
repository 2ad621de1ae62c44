"""One target under atheris: `python -m tests.fuzz.one TARGET [libFuzzer's arguments]`.

Its own process, since libFuzzer ends the one that it runs in.
"""

from __future__ import annotations

import sys
from random import Random

import atheris

with atheris.instrument_imports(include=["events", "projections", "sync_queue", "worker", "json"]):
    from tests.fuzz.targets import TARGETS, corpus

from tests.fuzz.mutations import mutate


def main(name: str, arguments: list[str]) -> None:
    """Fuzz until libFuzzer ends the process."""
    others = [path.read_bytes() for path in corpus(name)]

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        """Every second time by our own mutations, which know JSON."""
        random = Random(seed)
        if random.random() < 0.5:
            changed: bytes = atheris.Mutate(data, len(data) + 1)
            return changed[:max_size]
        return mutate(data, others, random)[:max_size]

    atheris.Setup([f"fuzz {name}", *arguments], TARGETS[name], custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
