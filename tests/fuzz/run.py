"""`make fuzz SECONDS=n`: every target under atheris, one after the other.

Inputs that reach something new are kept in `.fuzz/` for the next time, outside of the kept corpus.
What brings a target down is written to `tests/fuzz/findings/TARGET/`, and the status is 1: mend it,
and move the file to `tests/fuzz/corpus/TARGET/`, where every test run meets it again.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

from tests.fuzz.targets import HERE, TARGETS, corpus

ROOT = HERE.parents[1]
LONGEST = 8192  # bytes of an input
SLOW_S = 20  # an input that takes longer is a finding
MEMORY_MB = 2048


def main() -> int:
    """Run the targets; say one line of each; 1 if any was brought down."""
    parser = argparse.ArgumentParser(prog="make fuzz")
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    seconds = parser.parse_args().seconds
    if seconds < 1:
        parser.error("SECONDS must be 1 or more")
    sound = [_fuzz(name, max(seconds // len(TARGETS), 1)) for name in TARGETS]
    return 0 if all(sound) else 1


def _fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target for some seconds, say what came of it, and whether it stood."""
    findings = HERE / "findings" / name
    found = ROOT / ".fuzz" / name
    for folder in (findings, found):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    done = subprocess.run(
        [
            *(sys.executable, "-m", "tests.fuzz.one", name, f"-max_total_time={seconds}"),
            *(f"-max_len={LONGEST}", f"-timeout={SLOW_S}", f"-rss_limit_mb={MEMORY_MB}"),
            *(f"-artifact_prefix={findings}/", str(found), str(HERE / "corpus" / name)),
        ],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    told = (done.stdout + done.stderr).decode(errors="replace")
    new = sorted(set(findings.iterdir()) - before)
    if done.returncode == 0 and not new:
        _say(f"fuzz {name}: {summary(told)}, {len(corpus(name))} kept, nothing found")
        return True
    errors = [line for line in told.splitlines() if line and not line.startswith(("#", "INFO"))]
    sys.stderr.write("\n".join(errors[-40:]) + "\n")
    where = ", ".join(path.relative_to(ROOT).as_posix() for path in new) or "see above"
    _say(f"fuzz {name}: FOUND {where} (status {done.returncode})")
    return False


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def summary(told: str) -> str:
    """What libFuzzer says of a run that stood.

    >>> summary("#9 DONE   cov: 5 ft: 7 corp: 3/9b lim: 4\\nDone 9 runs in 2 second(s)")
    '9 runs in 2 s, corpus of 3'
    """
    runs = re.search(r"Done (\d+) runs in (\d+) second", told)
    size = re.findall(r"corp: (\d+)/", told)
    if runs is None:
        return "no runs"
    return f"{int(runs[1]):,} runs in {runs[2]} s, corpus of {size[-1] if size else 0}"


if __name__ == "__main__":
    sys.exit(main())
