"""A job's metadata, and the ``.nfo`` document that media servers read it from.

Format: Kodi wiki, "NFO files/Movies"; Jellyfin and Emby read the same elements. A plain
``<rating>`` of 0 to 10 is used rather than Kodi's newer ``<ratings>``, since all three read it.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from worker.errors import PermanentError

MARK = "written by syncstats: remove this line, and it keeps the file as it is"
"""Stands in a comment of every document of ours: by it we know which sidecars may be replaced."""

_HEAD = f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<!-- {MARK} -->\n'
# XML 1.0, production [2] Char: everything else cannot stand in a document, not even escaped.
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_PLACE = re.compile(r"(.*) - at `\$\.?(.+)`")


class Metadata(msgspec.Struct, frozen=True):
    """What a job says about its item. Null is as good as missing, unknown keys are ignored.

    Attributes:
        path: The media file: absolute, or from the library.
        title: What the item is called.
        details: A text about it.
        date: Its day, ``YYYY-MM-DD``.
        studio: Who made it.
        performers: Who plays in it.
        tags: Words that it is found by.
        rating100: How good it is, 0 to 100.
    """

    path: str
    title: str
    details: str | None = None
    date: str | None = None
    studio: str | None = None
    performers: list[str] | None = None
    tags: list[str] | None = None
    rating100: int | None = None


def read_metadata(data: Any) -> Metadata:
    """Read a job's data.

    Raises:
        PermanentError: It is not what it should be; the message names the key.
    """
    try:
        metadata = msgspec.convert(data, Metadata)
    except msgspec.ValidationError as error:
        placed = _PLACE.fullmatch(str(error))
        reason = f"{placed[2]}: {placed[1]}" if placed else str(error)
        raise PermanentError(f"the job's data is wrong: {reason}") from None
    for key in ("path", "title"):
        if not _clean(getattr(metadata, key)).strip():
            raise PermanentError(f"the job's data is wrong: {key}: it is empty")
    if metadata.date and not _is_day(metadata.date):
        raise PermanentError(
            f"the job's data is wrong: date: {metadata.date[:50]!r} is no day such as 2026-11-24"
        )
    if metadata.rating100 is not None and not 0 <= metadata.rating100 <= 100:
        raise PermanentError("the job's data is wrong: rating100: it must be between 0 and 100")
    return metadata


def render(metadata: Metadata, scene_id: int | None) -> bytes:
    """Write the document: the same bytes for the same metadata.

    Characters that XML 1.0 cannot hold are dropped.
    """
    movie = ET.Element("movie")

    def add(name: str, text: str | None, parent: ET.Element = movie, **attributes: str) -> None:
        cleaned = _clean(text or "").strip()
        if cleaned:
            ET.SubElement(parent, name, attributes).text = cleaned

    add("title", metadata.title)
    add("plot", metadata.details)
    if metadata.rating100 is not None:
        add("rating", f"{metadata.rating100 / 10:.1f}")
        add("userrating", str((metadata.rating100 + 5) // 10))
    if metadata.date:
        add("premiered", metadata.date)
        add("year", metadata.date[:4])
    add("studio", metadata.studio)
    if scene_id is not None:
        add("uniqueid", str(scene_id), type="stash", default="true")
    for tag in metadata.tags or ():
        add("tag", tag)
    for performer in metadata.performers or ():
        if _clean(performer).strip():
            add("name", performer, ET.SubElement(movie, "actor"))
    ET.indent(movie)
    return (_HEAD + ET.tostring(movie, "unicode") + "\n").encode()


def _clean(text: str) -> str:
    """``text`` as an XML document can hold it."""
    return _NO_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _is_day(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
