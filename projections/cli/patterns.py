"""Patterns of `--redact` and `--grep` tried out before they are used: `re` has no limit of time.

A pattern like ``(a+)+$`` takes longer than a life for a message of forty letters, and holds up the
whole process while it does: nobody else's thread runs, no signal is heard. So each pattern is tried
in a process of its own, on texts made of its own characters, under a limit of processor time. What
takes time as the square of the text passes (seconds for the longest message, 64 KiB); what takes
more is refused. It is a net, not a proof.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from projections.cli.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

CPU_S = 1
"""So much processor time a pattern may take for all the texts: most take a hundredth of that."""

ADVICE = (
    f"takes more than {CPU_S} s for texts of 1,000 characters, and would hold up all work: leave "
    "out repeats of repeats, such as (a+)+, or bound them, as in {1,64}"
)
"""What is wrong with such a pattern, and what to do: the rest of a sentence."""

_TRIAL = f"""
import re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_S}, {CPU_S}))
text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
pattern = re.compile(text)
own = sorted(set(text) | set("a0 /\\n"))[:40]
for one in own:
    for end in ("", "\\0"):
        pattern.search(one * 1000 + end)
    for other in own[:12]:
        for end in ("", "\\0", "\\0a"):
            pattern.search((one + other) * 32 + end)
"""


def check_patterns(patterns: Iterable[str]) -> None:
    """Refuse patterns of `run --redact` that may take for ever.

    Raises:
        CommandError: One does. It is told by its place: it may be a secret itself.
    """
    for number, pattern in enumerate(patterns, 1):
        if takes_for_ever(pattern):
            raise CommandError(f"--redact pattern {number} {ADVICE}")


def takes_for_ever(pattern: str) -> bool:
    """Whether a pattern, which is a regular expression, may take for ever."""
    trial = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _TRIAL],
        input=pattern.encode(errors="surrogatepass"),
        capture_output=True,
        check=False,
    )
    return trial.returncode < 0  # by the signal that ends who takes too long
