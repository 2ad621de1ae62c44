"""Files of any store that fsspec knows, read as those of this machine are.

Source: the interface of ``fsspec.spec.AbstractFileSystem`` (fsspec's documentation, "API
Reference"); what it leaves open (errors of each store's library, files that cannot be sought) is
settled here.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from projections.engines.reaching import StoresFile, reaching
from projections.errors import SourceError

if TYPE_CHECKING:
    from events.filesystem.protocol import StrPath

AT_ONCE_BYTES = 8 << 20
"""So much is asked of a store in one request."""
PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "az": "adlfs",
    "abfs": "adlfs",
    "hdfs": "pyarrow",
    "http": "aiohttp",
    "https": "aiohttp",
}
"""What reads the usual protocols, as docs/scaling.md says; for others fsspec tells."""
_WEB = {"http://", "https://"}
_MAGIC = re.compile(r"[*?[]")
_WEB_MAGIC = re.compile(r"[*[]")  # what follows a question mark is for the server
_MEMORY_BYTES = 64 << 20
"""Larger files that cannot be sought are copied to a temporary file."""


def open_store(url: str) -> tuple[RemoteFiles, str]:
    """Find the store that a URL is of.

    Args:
        url: As fsspec takes it: ``s3://bucket/logs/*.jsonl.zst``, ``https://…``, ``hdfs://…``.

    Returns:
        The store, and the path or pattern in it.

    Raises:
        SourceError: There is no such protocol, or its package is not installed.
    """
    import fsspec

    scheme = url[: url.index("://") + 3]
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = PACKAGES.get(_protocols(url)[-1], "PACKAGE")
        raise SourceError(
            f"{url} cannot be read: {error}. The extra 'dask' brings no protocol's package: put it "
            f"beside syncstats, here and where the workers are (`pipx inject syncstats {package}`)"
        ) from error
    except Exception as error:  # each store's library has errors of its own
        for protocol in _protocols(url):
            if protocol not in {*fsspec.available_protocols(), *fsspec.registry}:
                raise SourceError(
                    f"{url} cannot be read: no such protocol '{protocol}': write s3, gs, az, hdfs "
                    "or https, in small letters"
                ) from error
        raise SourceError(f"{url} cannot be read: {type(error).__name__}: {error}") from error
    fs.invalidate_cache()  # what was listed earlier in this process is no news
    return RemoteFiles(fs, scheme), str(path).removeprefix(scheme)


def _protocols(url: str) -> list[str]:
    """Those of a URL, the store's own last: fsspec takes ``simplecache::s3://…``, too."""
    return [part.partition("://")[0] for part in url.split("::")]


class RemoteFiles:
    """The files of one store; the reading part of `events.filesystem.FileSystem`, and its names.

    Goes to workers as what the store was opened with, not with what was seen of it.

    Args:
        fs: An fsspec file system.
        scheme: What stands before a path in messages, as ``s3://``; some stores take it, too.
    """

    def __init__(self, fs: Any, scheme: str) -> None:
        self._fs = fs
        self._scheme = scheme
        self._known: dict[str, dict[str, Any]] = {}  # what listings told, so that none asks again
        self._parts: dict[str, bool] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return RemoteFiles, (self._fs, self._scheme)

    @property
    def store(self) -> object:
        """The same for all URLs of one store."""
        return self._scheme, self._fs

    def shown(self, path: StrPath) -> str:
        """A path as a URL, for messages."""
        return f"{self._scheme}{os.fspath(path)}"

    def open_read(self, path: StrPath) -> BinaryIO:
        """Open a file; what can be sought is read in large requests, the rest is copied first."""
        name = self.shown(path)
        parts = self.gives_parts(path)
        with reaching(name):
            file = self._fs.open(self._text(path), "rb", block_size=AT_ONCE_BYTES if parts else 0)
        if parts and file.seekable():
            raw = StoresFile(file, name)
            return cast("BinaryIO", io.BufferedReader(raw, 1 << 20))
        copy = tempfile.SpooledTemporaryFile(_MEMORY_BYTES)  # noqa: SIM115 - given to the caller
        with file, reaching(name):
            shutil.copyfileobj(file, copy, 1 << 20)
        copy.seek(0)
        return cast("BinaryIO", copy)

    def list_folder(self, path: StrPath) -> list[str]:
        """Names in a folder, sorted."""
        with reaching(self.shown(path)):
            found = self._fs.ls(self._text(path), detail=True)
        names = set()
        for info in found:
            text = self._remember(info)
            if text != os.fspath(path):
                names.add(text.rpartition("/")[2])
        return sorted(names - {""})

    def exists(self, path: StrPath) -> bool:
        """Whether something is there; not asked of a pattern."""
        return self._info(path) is not None

    def is_folder(self, path: StrPath) -> bool:
        """Whether a folder is there."""
        info = self._info(path)
        return info is not None and info["type"] == "directory"

    def is_file(self, path: StrPath) -> bool:
        """Whether a file is there."""
        return not self.is_folder(path)

    def size(self, path: StrPath) -> int:
        """The file's size in bytes; 0 where the store does not tell."""
        info = self._info(path)
        if info is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.shown(path))
        return int(info.get("size") or 0)

    def identity(self, path: StrPath) -> tuple[str, str]:
        """The same for every naming of one file."""
        return self._scheme, os.fspath(path)

    def glob(self, pattern: str) -> list[str]:
        """What matches a pattern; as on a machine, ``*`` is not for names that begin with a dot."""
        with reaching(self.shown(pattern)):
            found = self._fs.glob(self._text(pattern), detail=True)
        texts = [self._remember(info) for info in found.values()]
        if "/." in f"/{pattern}":
            return texts
        start = len(_fixed(pattern))
        return [text for text in texts if "/." not in f"/{text[start:]}"]

    def absolute(self, path: Path) -> Path:
        """A path with its own name: all are absolute."""
        return path

    def unlinked(self, path: Path) -> Path:
        """A path: there are no links."""
        return path

    def gives_parts(self, path: StrPath) -> bool:
        """Whether a file can be read from its midst; of a web server only a try tells."""
        if self._scheme not in _WEB:
            return True
        name = os.fspath(path)
        if name not in self._parts:
            size = self.size(path)
            self._parts[name] = size > 1 and self._answers(path, size - 1)
        return self._parts[name]

    def _answers(self, path: StrPath, offset: int) -> bool:
        with reaching(self.shown(path)):
            try:
                with self._fs.open(self._text(path), "rb", block_size=AT_ONCE_BYTES) as file:
                    file.seek(offset)
                    return len(file.read(1)) == 1
            except ValueError:  # fsspec's: a part was asked for, and the whole came
                return False

    def _text(self, path: StrPath) -> str:
        """A path as the store takes it."""
        text = os.fspath(path)
        whole = f"{self._scheme}{text}"
        stripped: str = self._fs._strip_protocol(whole)  # noqa: SLF001 - fsspec's own way; there is no other
        return whole if stripped.startswith(self._scheme) else text

    def _remember(self, info: dict[str, Any]) -> str:
        text = str(info["name"]).removeprefix(self._scheme).rstrip("/")
        self._known[str(Path(text))] = info
        return text

    def _info(self, path: StrPath) -> dict[str, Any] | None:
        text = os.fspath(path).removesuffix("/.").rstrip("/")
        if text not in self._known:
            if (_WEB_MAGIC if self._scheme in _WEB else _MAGIC).search(text):
                return None
            try:
                with reaching(self.shown(text)):
                    self._known[text] = self._fs.info(self._text(text))
            except FileNotFoundError:
                return None
        return self._known[text]


def _fixed(pattern: str) -> str:
    """The folders of a pattern in which nothing matches anything."""
    match = _MAGIC.search(pattern)
    return pattern[: match.start()].rpartition("/")[0] if match else pattern
