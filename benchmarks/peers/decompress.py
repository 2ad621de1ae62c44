"""Decompresses a file, and does nothing with it, with the libraries that we use: FILE."""

from __future__ import annotations

import gzip
from pathlib import Path

from benchmarks.peers.answers import BLOCK_BYTES, arguments


def main() -> None:
    """Read to the end."""
    path, _ = arguments()
    buffer = bytearray(BLOCK_BYTES)
    if path.endswith(".gz"):
        with gzip.open(path) as file:
            while file.readinto(buffer):
                pass
        return
    import zstandard

    with Path(path).open("rb") as packed:
        reader = zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)
        while reader.readinto(buffer):
            pass


if __name__ == "__main__":
    main()
