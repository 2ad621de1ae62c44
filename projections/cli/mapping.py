"""`syncstats mapping`: how other programs' lines are understood, tried out and shown."""

from __future__ import annotations

from projections.cli.lazy import Lazy, LazyGroup

mapping = LazyGroup(
    name="mapping",
    lazy={
        "check": Lazy("projections.cli.mapping_check:check", "Try a mapping on a log's lines."),
        "show": Lazy("projections.cli.mapping_show:show", "Print a preset, to start from."),
    },
    help="""How the lines of other programs are understood.

    A mapping is a TOML file that says which lines tell how an attempt ended, and where its
    duration, error and time stand. The formats that come with syncstats are such files: print
    one (show), change it, and try it on your log (check) before it counts (replay, ingest).
    """,
)
