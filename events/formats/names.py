"""What formats and wrappings are called, in options, states and messages."""

from __future__ import annotations

from typing import Final

NATIVE: Final = "native"
"""Our own lines."""
PRESETS: Final = ("ecs", "oban", "sidekiq", "structlog")
"""The mappings that come with the program."""
WRAPPINGS: Final = ("docker", "cri", "journald", "syslog")
"""What may stand around each line."""
NONE: Final = "none"
"""Nothing does."""
AUTO: Final = "auto"
"""What a log's first lines show."""

FORMATS: Final = (NATIVE, *PRESETS, AUTO)
"""All that a format may be said to be, without a file."""
WRAPPED: Final = (NONE, *WRAPPINGS, AUTO)
"""All that may be said of a wrapping."""
