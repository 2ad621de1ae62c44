"""The kernel under AddressSanitizer and UndefinedBehaviorSanitizer: `make sanitize SECONDS=n`.

Seeded mutations of the kept corpus go through `kernel.c`, each in a block of memory of exactly its
size: a byte read beside it ends the program, and the input is kept among the findings.
"""

from __future__ import annotations

import argparse
import itertools
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.fuzz.mutations import mutate
from tests.fuzz.targets import HERE, corpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FLAGS = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fno-sanitize-recover=all"]
SANITIZERS = "-fsanitize=address,undefined"
INPUTS = 5000  # a program


class SanitizerError(Exception):
    """A sanitizer stopped the kernel.

    Attributes:
        data: The input at which it was stopped, if one alone does it.
    """

    def __init__(self, told: str, data: bytes | None) -> None:
        super().__init__(told)
        self.data = data


def build(compiler: str, folder: Path, *definitions: str) -> Path:
    """Compile the program; raises `subprocess.CalledProcessError`, whose stderr says why not."""
    program = folder / "kernel"
    command = [compiler, *FLAGS, SANITIZERS, *definitions, "-o", program, HERE / "kernel.c"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return program


def inputs(numbers: range) -> Iterator[bytes]:
    """Mutations of what is kept for the kernel and for lines, each made from its number."""
    kept = [path.read_bytes() for name in ("kernel", "line") for path in corpus(name)]
    for number in numbers:
        random = Random(f"sanitized {number}")
        yield mutate(random.choice(kept), kept, random) + b"\n"


def scan(program: Path, data: Sequence[bytes]) -> tuple[int, int]:
    """Scan inputs twice: in no stream's folder, and in one's.

    Returns:
        How many lines that were, and how many of them were odd.

    Raises:
        SanitizerError: A sanitizer stopped the program.
    """
    done = _run(program, data)
    if done.returncode == 0:
        lines, odd = (int(part.split()[0]) for part in done.stdout.split(b","))
        return lines, odd
    for one in data:
        alone = _run(program, [one])
        if alone.returncode:
            raise SanitizerError(alone.stderr.decode(errors="replace"), one)
    raise SanitizerError(done.stderr.decode(errors="replace"), None)


def _run(program: Path, data: Sequence[bytes]) -> subprocess.CompletedProcess[bytes]:
    packed = b"".join(struct.pack("<I", len(one)) + one for one in data)
    return subprocess.run([program], input=packed, capture_output=True, check=False)


def main() -> int:
    """Scan until the time is over; 1 if a sanitizer stopped the kernel."""
    parser = argparse.ArgumentParser(prog="make sanitize")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--compiler", default="cc")
    arguments = parser.parse_args()
    until = time.monotonic() + arguments.seconds
    with tempfile.TemporaryDirectory() as folder:
        program = build(arguments.compiler, Path(folder))
        for begin in itertools.count(0, INPUTS):
            try:
                scan(program, [*inputs(range(begin, begin + INPUTS))])
            except SanitizerError as error:
                sys.stderr.write(f"{error}\n")
                if error.data is not None:
                    found = HERE / "findings" / "kernel" / f"sanitizer-{begin}"
                    found.write_bytes(error.data)
                    sys.stdout.write(f"sanitize kernel: FOUND {found.relative_to(HERE)}\n")
                return 1
            if time.monotonic() > until:
                sys.stdout.write(f"sanitize kernel: {begin + INPUTS:,} inputs, nothing found\n")
                return 0
    raise AssertionError  # it counts on


if __name__ == "__main__":
    sys.exit(main())
