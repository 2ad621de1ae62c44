"""Programs that answer the same question of the same file, each as its manual recommends."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.runs import ROOT
from benchmarks.totals import Totals, from_dict, from_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Read = Callable[[bytes, Path], Totals]

_HERE = Path(__file__).parent
_GOACCESS_OUT = "goaccess.json"


def jq(log: Path, _folder: Path) -> Sequence[str]:
    """One reduction over all lines."""
    return ("jq", "-cn", "-f", str(_HERE / "totals.jq"), str(log))


def read_own(out: bytes, _folder: Path) -> Totals:
    """Totals as they are called here."""
    return from_dict(json.loads(out))


def miller(log: Path, _folder: Path) -> Sequence[str]:
    """Its own verbs, of which one groups."""
    wanted = "event,error_type,duration_ns"
    verbs = f"template -f {wanted} then stats1 -a count,sum -f duration_ns -g event,error_type"
    filled = verbs.replace("template", "template --fill-with 0")
    return ("mlr", "--ijsonl", "--ojson", *filled.split(" "), str(log))


def read_miller(out: bytes, _folder: Path) -> Totals:
    """A list of groups."""
    return from_groups(
        (row["event"], row["error_type"] or None, row["duration_ns_count"], row["duration_ns_sum"])
        for row in json.loads(out)
    )


def mtail(log: Path, _folder: Path) -> Sequence[str]:
    """Counters that regular expressions fill."""
    shot = ("--one_shot", "--one_shot_format", "json", "--address", "127.0.0.1", "--port", "0")
    return ("mtail", *shot, "--progs", str(_HERE / "mtail"), "--logs", str(log))


def read_mtail(out: bytes, _folder: Path) -> Totals:
    """All metrics, each with its labels."""
    found = json.loads(out[out.index(b"{") :])

    def metric(name: str) -> dict[str, int]:
        return {row["Labels"][0]: row["Value"]["Value"] for row in found[name][0]["LabelValues"]}

    totals = from_groups((event, None, n, 0) for event, n in metric("events").items())
    took = metric("duration_ns")
    totals.duration_ns = took.get("job.succeeded", 0) + took.get("job.failed", 0)
    totals.errors = metric("errors") if totals.failed else {}
    return totals


def goaccess(log: Path, folder: Path) -> Sequence[str]:
    """Events as its pages, types of errors as its referrers; it cannot add durations exactly."""
    form = {
        "timestamp": "%dT%t.%^",
        "stream": "%h",
        "event": "%U",
        "error_type": "%R",
        "duration_ns": "%n",
    }
    return (
        *("goaccess", str(log), "--no-global-config", "--no-progress", "--no-ip-validation"),
        *("--log-format", json.dumps(form), "--date-format=%Y-%m-%d", "--time-format=%H:%M:%S"),
        *("-o", str(folder / _GOACCESS_OUT)),
    )


def read_goaccess(_out: bytes, folder: Path) -> Totals:
    """Two of its panels."""
    found = json.loads((folder / _GOACCESS_OUT).read_bytes())

    def panel(name: str) -> dict[str, int]:
        return {row["data"]: row["hits"]["count"] for row in found[name]["data"]}

    totals = from_groups((event, None, n, 0) for event, n in panel("requests").items())
    totals.errors = panel("referrers")
    return totals


def lnav(log: Path, folder: Path) -> Sequence[str]:
    """SQL over the format that our documentation describes for it."""
    formats = folder / "lnav" / "formats" / "installed"
    formats.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "docs" / "howto" / "lnav" / "syncstats.json", formats)
    query = (
        ";SELECT event, error_type, count(*) AS n, sum(duration_ns) AS ns FROM syncstats "
        "GROUP BY event, error_type"
    )
    shown = ("-n", "-c", query, "-c", ":write-json-to -")
    return ("lnav", "-I", str(folder / "lnav"), *shown, str(log))


def read_lnav(out: bytes, _folder: Path) -> Totals:
    """A list of groups, large numbers as text."""
    rows: list[dict[str, Any]] = json.loads(out)
    return from_groups(
        (row["event"], row["error_type"], row["n"], int(row["ns"] or 0)) for row in rows
    )


def wc(log: Path, _folder: Path) -> Sequence[str]:
    """It counts line ends, and reads nothing: as fast as a file can be gone through."""
    return ("wc", "-l", str(log))


def read_wc(out: bytes, _folder: Path) -> Totals:
    """One number."""
    return Totals(other=int(out.split()[0]))
