"""The kept corpus and seeded mutations of it, through all that is fuzzed."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz import foreign_targets, kernel_targets, targets
from tests.fuzz.mutations import mutate
from tests.fuzz.targets import TARGETS, corpus

MUTATIONS = 1000
PARTS = 4


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_does_no_harm(name):
    kept = corpus(name)
    assert len(kept) >= 12
    assert sum(path.stat().st_size for path in kept) < 200_000
    for path in kept:
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", TARGETS)
def test_no_mutation_of_it_does_harm(name, part):
    assert first_harmful(name, range(part, MUTATIONS, PARTS)) is None


def first_harmful(name, numbers):
    """The first mutation, by number, that brings a target down, with how it did."""
    kept = [path.read_bytes() for path in corpus(name)]
    for number in numbers:
        random = Random(f"{name} {number}")
        data = mutate(random.choice(kept), kept, random)
        try:
            TARGETS[name](data)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the input is what matters
            return number, data, error
    return None


@pytest.mark.parametrize(
    ("name", "where", "reader"),
    [
        ("line", targets, "decode"),
        ("kernel", kernel_targets, "folded"),
        ("stats", targets, "entry_from_dict"),
        ("job", targets, "parse_job"),
        ("text", targets, "safe"),
        ("foreign", foreign_targets, "recognise"),
        ("mapping", foreign_targets, "parse_mapping"),
        ("state", foreign_targets, "parse_state"),
    ],
)
def test_a_reader_that_breaks_now_and_then_is_found(name, where, reader, monkeypatch):
    real = getattr(where, reader)
    calls = 0

    def broken(*args, **named):
        nonlocal calls
        calls += 1
        if calls > 100:
            raise KeyError("planted")
        return real(*args, **named)

    monkeypatch.setattr(where, reader, broken)
    found = first_harmful(name, range(MUTATIONS))
    assert found is not None
    assert isinstance(found[2], KeyError)


def test_mutations_follow_from_their_seed():
    made = [mutate(b'{"a": [1, 2]}', [b"x"], Random(7)) for _ in range(2)]
    assert made[0] == made[1]
    assert len({mutate(b'{"a": [1, 2]}', [b"x"], Random(seed)) for seed in range(50)}) > 30
