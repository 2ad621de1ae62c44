"""`syncstats`, but a worker that drains gives up after two seconds where it would after sixty.

(libfaketime, which could let the minute pass faster, hangs Python's waits for a lock.)
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import patch

from projections.cli import working
from projections.cli.main import main

if TYPE_CHECKING:
    from projections.cli.run import RunOptions
    from worker.options import WorkerOptions

USUAL = working.worker_options


def worker_options(options: RunOptions) -> WorkerOptions:
    """The command's options, with less patience."""
    return replace(USUAL(options), storage_give_up_s=2.0)


if __name__ == "__main__":
    with patch.object(working, "worker_options", worker_options):
        sys.exit(main())
