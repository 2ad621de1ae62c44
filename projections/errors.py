"""What can go wrong with views of the log."""

from __future__ import annotations

from events.errors import SyncStatsError


class ProjectionError(SyncStatsError):
    """A view cannot be made, read or joined."""


class SnapshotError(ProjectionError):
    """A snapshot file is damaged, foreign, or of a version that this program cannot read."""


class SummaryError(ProjectionError):
    """The summary of a stream's pruned segments is damaged, or of another version."""


class ForkError(ProjectionError):
    """Two snapshots hold two different histories of one stream, so neither is further along."""


class SourceError(ProjectionError):
    """A path that was to be replayed cannot be read."""


class StrictError(ProjectionError):
    """An invalid line was met where none is allowed."""


class StateError(ProjectionError):
    """A state of `syncstats ingest` cannot be used, or another process keeps it."""


class SaveError(ProjectionError):
    """A state of `syncstats ingest` cannot be saved just now; the one before it stands."""


class WatchError(ProjectionError):
    """Files cannot be followed any longer; what was read of them stands."""


class EngineError(ProjectionError):
    """An engine that was to replay cannot be used, or its workers cannot do the work."""
