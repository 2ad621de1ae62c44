"""Patterns of `--redact`, `--grep` and mappings tried out before use: `re` has no limit of time.

A pattern like ``(a+)+$`` takes longer than a life for a message of forty letters, and holds up the
whole process while it does: nobody else's thread runs, no signal is heard. So each pattern is tried
in a process of its own, on texts made of its own characters, under a limit of processor time. What
takes time as the square of the text passes (seconds for the longest message, 64 KiB); what takes
more is refused. It is a net, not a proof.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from projections.cli.errors import CommandError
from projections.cli.pattern_trial import CPU_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ADVICE = (
    f"takes more than {CPU_S:g} s for texts of 1,000 characters, and would hold up all work: leave "
    "out repeats of repeats, such as (a+)+, or bound them, as in {1,64}"
)
"""What is wrong with such a pattern, and what to do: the rest of a sentence."""
_TRIAL = Path(__file__).with_name("pattern_trial.py")


def check_patterns(patterns: Iterable[str]) -> None:
    """Refuse patterns of `run --redact` that may take for ever.

    Raises:
        CommandError: One does. It is told by its place: it may be a secret itself.
    """
    found = first_that_takes_for_ever(list(patterns))
    if found is not None:
        raise CommandError(f"--redact pattern {found + 1} {ADVICE}")


def takes_for_ever(pattern: str) -> bool:
    """Whether a pattern, which is a regular expression, may take for ever."""
    return first_that_takes_for_ever([pattern]) is not None


def first_that_takes_for_ever(patterns: Sequence[str]) -> int | None:
    """The place, from 0, of the first pattern that may take for ever; None if none does."""
    if not patterns:
        return None
    trial = subprocess.run(
        [sys.executable, "-I", "-S", str(_TRIAL)],
        input=json.dumps(patterns).encode(),
        capture_output=True,
        check=False,
    )
    # By the signal that ends who takes too long.
    return len(trial.stdout) if trial.returncode < 0 else None
