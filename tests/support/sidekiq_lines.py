"""Lines as Sidekiq writes them, and what is told of outcomes that stand in several of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from events.formats.toml.mapping_file import parse_mapping
from events.formats.translator import Translator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from events.formats.outcome import Foreign


def line(msg: str, tid: str = "a", *, lvl: str = "INFO", jid: str = "j1", **more: object) -> bytes:
    """A line of a thread; of a job, if it says what a job does."""
    content: dict[str, object] = {"pid": 1, "tid": tid, "lvl": lvl, "msg": msg, **more}
    if msg in {"start", "done", "fail"}:
        content["ctx"] = {"class": "SyncJob", "jid": jid, "elapsed": 0.001}
    return json.dumps(content).encode() + b"\n"


def warn(msg: str, tid: str = "a") -> bytes:
    """A warning of a thread."""
    return line(msg, tid, lvl="WARN")


def told(outcomes: Iterable[Foreign]) -> list[tuple[str, str, bool]]:
    """Job, error and whether it is dead, of each outcome."""
    return [(each.job, each.error_type, each.to_dlq) for each in outcomes]


def within(lines: int, *, more: str = "") -> Translator:
    """A translator whose failures wait for a warning of their thread, for so many lines."""
    text = f"""
    name = "short"
    [[outcomes]]
    is = "failed"
    when = {{ msg = "fail" }}
    [[outcomes]]
    is = "succeeded"
    when = {{ msg = "done" }}
    [fields]
    job = "ctx.jid"
    [[companions]]
    position = "after"
    of = ["failed", "dead"]
    same = ["tid"]
    when = {{ lvl = "WARN" }}
    within_lines = {lines}
    fields = {{ error_type = "msg" }}
    {more}
    """
    return Translator(parse_mapping(text, "short.toml"))
