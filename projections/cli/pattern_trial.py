"""The program that tries patterns out, see `projections.cli.patterns`: it may be ended by a signal.

It takes a JSON list of patterns from standard input, and says on standard output how many of them
it has come through, a dot for each.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CPU_S = 1.0
"""So much processor time a pattern may take for all the texts: most take a hundredth of that."""
_LENGTHS = (16, 22, 26, 30, 36, 45, 64, 90, 128, 181, 256, 362, 512, 724, 1000)
"""Near enough to each other that one is near what `a?a?a?aaa`, however long, takes longest for."""
_LONGEST = 4096
_CHARACTERS = 40
_TOKENS = 60
_TOKEN = re.compile(
    r"(?P<escape>\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.))"
    r"|\[(?P<not>\^?)(?P<set>\]?(?:\\.|[^\]\\])*)\]"
    r"|(?P<silent>\(\?(?:P?<\w*>|[^)]*?[:=!>)]|P=\w*\))|[()|^$]|[*+?][+?]?|\{\d*,?\d*\}[+?]?)"
    r"|(?P<plain>.)",
    re.DOTALL,
)
_CLASSES = {"w": "a", "d": "0", "s": " ", "S": "a", "D": "a", "W": " ", "n": "\n", "t": "\t"}
_SILENT = "bBAZ"


def texts_of(pattern: str) -> Iterator[str]:
    """Make texts for which a pattern may take long, of what it is made of itself."""
    samples = [_sample(token) for token in _TOKEN.finditer(pattern)]
    own = sorted({*pattern, *"a0 /\n", *(sample for sample in samples if len(sample) == 1)})
    own = own[:_CHARACTERS]
    for one, length in product(own, _LENGTHS):
        yield one * length
        if length == _LENGTHS[-1]:
            yield one * length + "\0"
    for one, other, end in product(own, own[:12], ("", "\0", "\0a")):
        yield (one + other) * 32 + end
    for place, sample in list(enumerate(samples))[:_TOKENS]:
        if sample:  # what leads to it, and then it again and again
            yield "".join(samples[:place]) + sample * 30 + "\0"
            yield "".join(samples[:place]) + sample * 1000 + "\0"
    for word, length in product(list(_words(pattern))[:12], _LENGTHS):
        if len(word) * length <= _LENGTHS[-1]:
            yield word * length
    counts = {int(count) for count in re.findall(r"[{,](\d{2,4})(?=[,}])", pattern)}
    for one, count in product(own[:12], sorted(counts)[:4]):
        yield one * min(count, _LONGEST)
        yield one * min(count + count // 5, _LONGEST)


def _sample(token: re.Match[str]) -> str:
    """A text that a part of a pattern takes, most often; "" if it takes none."""
    if (escape := token["escape"]) is not None:
        letter, digits = escape[1], escape[2:]
        if digits:
            return chr(min(int(digits, 16), sys.maxunicode))
        return "" if letter in _SILENT else _CLASSES.get(letter, letter)
    if token["not"]:
        return next((each for each in "a0 -" if each not in token["set"]), "\n")
    if token["set"]:
        inner = _TOKEN.match(token["set"])
        return "" if inner is None else _sample(inner)
    return token["plain"] or ""


def _words(pattern: str) -> Iterator[str]:
    """What stands in a pattern letter by letter."""
    yield from dict.fromkeys(re.findall(r"(?<!\\)\w{2,20}", pattern))


def _try_all() -> None:
    for pattern in json.load(sys.stdin):
        # The system ends who takes longer; `re` holds up all else, also a handler of ours.
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        with suppress(re.error, OverflowError, RecursionError):  # it is no pattern at all
            expression = re.compile(pattern)
            for text in texts_of(pattern):
                expression.search(text)
        sys.stdout.write(".")
        sys.stdout.flush()


if __name__ == "__main__" and hasattr(signal, "setitimer"):  # not on Windows
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPROF})
    _try_all()
