"""`syncstats merge`."""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import click

from projections.cli.command import Command
from projections.cli.options import json_option

if TYPE_CHECKING:
    from projections.snapshot import Snapshot


@click.command(
    cls=Command,
    example="""
    cp data/stats.json monday.json
    syncstats merge monday.json data/stats.json --out all.json
    """,
)
@click.argument(
    "files", metavar="A.json B.json...", nargs=-1, required=True, type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    metavar="F",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result to this file.",
)
@json_option()
def merge(files: tuple[Path, ...], out: Path | None, as_json: bool) -> None:
    """Join the stats.json files of several machines, or an old and a new one of the same.

    For each stream the file that is further along counts: so nothing is counted twice, in whatever
    order and however often files are given. Two histories of one stream are refused. One file, such
    as the state that `syncstats ingest` keeps, is printed. What `syncstats replay --out` wrote of
    another program's log is printed, too, and merged with no other: its lines have no numbers by
    which to tell what is in both. States of ingest can be merged.
    """
    from projections.cli.output import print_json, say
    from projections.cli.stats_view import print_stats
    from projections.cli.writing import write_out

    snapshots = [_read(path) for path in files]
    joined = reduce(_joined, snapshots)
    if out is not None:
        write_out(out, joined.to_bytes())
    if as_json:
        print_json(joined.to_dict())
        return
    print_stats(joined)
    if out is not None:
        say()
        say(f"Written to {out}.")


def _read(path: Path) -> Snapshot:
    from projections.cli.errors import CommandError
    from projections.snapshot import parse_snapshot, read_snapshot

    try:
        with path.open("rb") as file:
            return parse_snapshot(read_snapshot(file, str(path)), str(path))
    except OSError as error:
        raise CommandError(
            f"{path} cannot be read: {error.strerror}; name a stats.json, or a file made by "
            "'syncstats replay --out'"
        ) from error


def _joined(a: Snapshot, b: Snapshot) -> Snapshot:
    """Join, and say where it cannot be told whether two entries are one history."""
    from projections.cli.output import note
    from projections.join import is_older_than_known, join, order

    joined = join(a, b)
    for name in sorted(a.streams.keys() & b.streams.keys()):
        shorter, longer = sorted((a.streams[name], b.streams[name]), key=order)
        if is_older_than_known(shorter, longer):
            note(
                f"syncstats: stream {name!r}: one file is older than all openings that the other "
                "still lists, so it was not checked that they are one history"
            )
    return joined
