"""What can be wrong with a call of the command."""

from __future__ import annotations

from projections.errors import ProjectionError


class CommandError(ProjectionError):
    """The command was given something that it cannot use: a folder, a file, a value."""
