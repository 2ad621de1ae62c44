"""`tests.faults.harness` as a process: what it says at its end, and the folder that it keeps."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.support.command import ROOT, Ran, clean_env

CLOSING = re.compile(
    r"kills=(?P<kills>\d+) jobs=(?P<jobs>\d+) outcomes=(?P<outcomes>\d+) "
    r"lost=(?P<lost>\d+) twice=(?P<twice>\d+) torn_repaired=(?P<torn>\d+)(?: odd=\d+)?\n"
)


def harness(folder: Path, *args: object, timeout_s: float = 200) -> Ran:
    """Run it as `make faults` does; without measuring coverage, which makes it far slower."""
    env = clean_env(TMPDIR=str(folder))
    env = {name: value for name, value in env.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.harness", *map(str, args)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def closing_line(ran: Ran) -> dict[str, int]:
    match = CLOSING.fullmatch(ran.out)
    assert match is not None, ran
    return {name: int(number) for name, number in match.groupdict().items()}


def kept_folder(ran: Ran) -> Path:
    (folder,) = re.findall(r"kept: (.*)$", ran.err, re.MULTILINE)
    return Path(folder)
