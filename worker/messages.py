"""Our own words to whoever runs the program; they never go to stdout, where answers go."""

from __future__ import annotations


def warn(event: str, **fields: object) -> None:
    """Say something through structlog, as the application has configured it, else on stderr.

    Args:
        event: What happened, in one short name.
        **fields: What one needs to know about it.
    """
    import sys

    import structlog  # 0.2 s, and seldom needed

    if structlog.is_configured():
        logger = structlog.get_logger()
    else:  # structlog alone would print to stdout
        logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
    logger.warning(event, **fields)
