from __future__ import annotations

import gzip
import io
import json

import zstandard

from benchmarks.logs import blocks, compress, make_log
from benchmarks.totals import Totals, from_stats
from projections.replay import replay


def test_a_log_adds_up_to_what_was_said_of_it_and_has_no_invalid_line(tmp_path):
    log, totals = make_log(tmp_path, 25_000, seed=3)
    snapshot = replay([str(log)], stdin=io.BytesIO()).snapshot.to_dict()

    assert from_stats(snapshot) == totals
    assert totals.lines == 25_000
    assert snapshot["invalid_lines"] == snapshot["duplicates"] == snapshot["gaps"] == 0
    assert min(totals.failed, totals.skipped, totals.other, len(totals.errors)) > 1


def test_the_same_seed_makes_the_same_log_and_another_one_another():
    made = [b"".join(blocks(500, seed, Totals())) for seed in (1, 1, 2)]

    assert made[0] == made[1] != made[2]


def test_a_longer_log_begins_as_a_shorter_one():
    short, long = (b"".join(blocks(lines, 7, Totals())) for lines in (300, 20_000))

    assert long.startswith(short)


def test_a_log_is_made_once(tmp_path):
    log, totals = make_log(tmp_path, 100, seed=3)
    log.write_bytes(b"")

    assert make_log(tmp_path, 100, seed=3) == (log, totals)
    assert log.read_bytes() == b""


def test_a_log_that_was_not_made_to_its_end_is_made_again(tmp_path):
    log, totals = make_log(tmp_path, 100, seed=3)
    whole = log.read_bytes()
    log.write_bytes(whole[:50])
    log.with_suffix(".totals").unlink()

    assert make_log(tmp_path, 100, seed=3) == (log, totals)
    assert log.read_bytes() == whole


def test_compressed_logs_hold_the_same(tmp_path):
    log, _ = make_log(tmp_path, 100, seed=3)
    packed = compress(log)
    text = log.read_bytes()

    assert gzip.decompress(packed[".gz"].read_bytes()) == text
    assert zstandard.ZstdDecompressor().decompress(packed[".zst"].read_bytes()) == text
    assert json.loads(text.splitlines()[0])["event"] == "stream.opened"
