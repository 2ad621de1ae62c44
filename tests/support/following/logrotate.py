"""The real logrotate, with a state file of its own, and at once."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.support.tools import tool

if TYPE_CHECKING:
    from pathlib import Path


def logrotate(log: Path, *directives: str, keep: int = 9) -> None:
    """Rotate a log now, whether it is due or not.

    Args:
        log: The log, or a pattern.
        directives: What its configuration says, beside ``rotate`` and, for root, ``su``.
        keep: How many rotated files stay.
    """
    home = log.parent.parent  # not among the logs
    said = [f"rotate {keep}", *directives]
    if os.geteuid() == 0:
        said.append("su root root")
    config = home / "logrotate.conf"
    body = "\n".join(f"  {line}" for line in said)
    config.write_text(f'"{log}" {{\n{body}\n}}\n')
    config.chmod(0o644)
    done = subprocess.run(
        [tool("logrotate", "logrotate"), "--force", "--state", str(home / "status"), str(config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr, done.stderr
