"""Replay of files that a web server has: one that gives parts of files, and one that does not."""

from __future__ import annotations

import io
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from projections.engines import partitions, remote
from projections.engines.dask import PACKAGES
from projections.errors import SourceError
from projections.replay import replay
from tests.support.engines import Here, replay_here
from tests.support.outcome_lines import succeeded
from tests.support.tools import packages


class _Web(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def _answer(self, *, body):
        path = urlsplit(self.path).path
        if path == "/closed.jsonl":
            self.send_error(403)
            return
        if path != "/a.jsonl":
            self.send_error(404)
            return
        data, total = self.server.data, len(self.server.data)
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if part is not None and self.server.gives_parts:
            begin = int(part[1])
            data = data[begin : int(part[2] or total) + 1]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{begin + len(data) - 1}/{total}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if self.server.says_so:
            self.send_header("Accept-Ranges", "bytes" if self.server.gives_parts else "none")
        self.end_headers()
        if body:
            try:
                self.wfile.write(data)
            except OSError:  # whoever asked for a part does not want the whole
                self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def web(monkeypatch):
    packages(*PACKAGES, "aiohttp")
    monkeypatch.setattr(partitions, "LEAST_BYTES", 1 << 12)
    monkeypatch.setattr(remote, "AT_ONCE_BYTES", 1 << 13)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Web) as server:
        server.data = b"".join(succeeded(n) for n in range(400))
        server.gives_parts = server.says_so = True
        server.daemon_threads = True
        Thread(target=server.serve_forever, daemon=True).start()
        server.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()


def alone(data):
    return replay(["-"], stdin=io.BytesIO(data)).snapshot.to_bytes()


@pytest.mark.parametrize("says_so", [True, False])
@pytest.mark.parametrize("gives_parts", [True, False])
@pytest.mark.parametrize("query", ["", "?X-Amz-Signature=5f&x=1"])
def test_a_large_file_gives_what_its_bytes_give(web, gives_parts, says_so, query):
    web.gives_parts, web.says_so = gives_parts, says_so
    engine = Here(workers=2)
    replayed = replay_here(engine, f"{web.url}/a.jsonl{query}")

    assert replayed.snapshot.to_bytes() == alone(web.data)
    assert (engine.partitions > 1) == gives_parts


def test_what_a_web_server_refuses_is_told_with_why(web):
    with pytest.raises(SourceError, match=r"^http://127.*/closed\.jsonl cannot be read: .*403"):
        replay_here(Here(), f"{web.url}/closed.jsonl")
    with pytest.raises(SourceError, match=r"^http://127.*/none\.jsonl does not exist"):
        replay_here(Here(), f"{web.url}/none.jsonl")


@pytest.mark.parametrize("query", ["", "?a=b"])
def test_a_web_server_that_is_not_there_is_told_of(web, query):
    web.shutdown()
    web.server_close()
    with pytest.raises(SourceError, match=r"^http://127.*cannot be read: .*Cannot connect"):
        replay_here(Here(), f"{web.url}/a.jsonl{query}")
