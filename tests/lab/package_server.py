"""A package index on this machine, over real HTTP: well-behaved, old, guarded, or hostile, as a test asks for."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

Handler = Callable[["Request"], bool]


@dataclass
class Package:
    """A file on the index, and what its page says of it."""

    filename: str
    data: bytes
    requires_python: str = ""
    yanked: str | None = None
    metadata: bytes | None = None
    """Offered beside the wheel (PEP 658)."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class Server:
    """What it holds, how it behaves, and what it was asked. ``trap`` may answer a request itself, by returning True."""

    packages: list[Package] = field(default_factory=list)
    json: bool = True
    ranges: str = "yes"
    """``yes``; ``no suffix``: not from the end; ``no``: whole files only."""
    gzip: bool = False
    user: tuple[str, str] | None = None
    etag: str = '"1"'
    trap: Handler | None = None
    port: int = 0
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def index(self) -> str:
        return f"{self.address}/simple"

    def wheels_asked(self) -> list[str]:
        """Paths of requests that were not for a page."""
        return [path for path, _ in self.asked if not path.startswith("/simple/")]


class Request(http.server.BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server_is: Server

    def do_GET(self) -> None:
        here = self.server_is
        here.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        if here.trap and here.trap(self):
            return
        if here.user and self.headers.get("Authorization") != "Basic " + base64.b64encode(":".join(here.user).encode()).decode():
            self.answer(401, b"who are you?")
            return
        parts = self.path.split("/")
        if parts[1] == "simple":
            self._page(parts[2])
            return
        name = unquote(parts[-1])
        package = next((p for p in here.packages if name in {p.filename, f"{p.filename}.metadata"}), None)
        if package is None or (name.endswith(".metadata") and package.metadata is None):
            self.answer(404, b"no such file")
        elif name.endswith(".metadata"):
            self.answer(200, package.metadata or b"")
        else:
            self._file(package.data)

    def do_HEAD(self) -> None:
        """What a file is, without it; uv asks so before it asks for parts."""
        package = next((p for p in self.server_is.packages if p.filename == unquote(self.path.split("/")[-1])), None)
        self.send_response(200 if package else 404)
        self.send_header("Content-Length", str(len(package.data)) if package else "0")
        self.end_headers()

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """Send a whole answer."""
        self.send_response(status)
        for key, value in {"Content_Length": str(len(body)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.send(body)

    def send(self, data: bytes) -> None:
        """Send a part of a body; the other side may have gone."""
        try:
            self.wfile.write(data)
            self.server_is.sent += len(data)
        except OSError:
            self.close_connection = True

    def _page(self, project: str) -> None:
        here = self.server_is
        listed = [p for p in here.packages if re.sub(r"[-_.]+", "-", p.filename.split("-")[0]).lower() == project]
        if not listed:
            self.answer(404, b"no such project")
            return
        if here.json and "application/vnd.pypi.simple.v1+json" in self.headers.get("Accept", ""):
            files = [
                {
                    "filename": p.filename,
                    "url": f"../../files/{p.filename}",
                    "hashes": {"sha256": p.sha256},
                    "size": len(p.data),
                    **({"requires-python": p.requires_python} if p.requires_python else {}),
                    **({"yanked": p.yanked or True} if p.yanked is not None else {}),
                    "core-metadata": p.metadata is not None,
                }
                for p in listed
            ]
            body, kind = json.dumps({"meta": {"api-version": "1.1"}, "name": project, "files": files}).encode(), "json"
        else:
            body, kind = "".join(map(self._anchor, listed)).encode(), "html"
        if here.gzip and "gzip" in self.headers.get("Accept-Encoding", ""):
            self.answer(200, gzip.compress(body), Content_Type=f"application/vnd.pypi.simple.v1+{kind}", Content_Encoding="gzip")
        else:
            self.answer(200, body, Content_Type=f"application/vnd.pypi.simple.v1+{kind}")

    def _anchor(self, package: Package) -> str:
        requires = package.requires_python.replace(">", "&gt;").replace("<", "&lt;")
        attributes = f' data-requires-python="{requires}"' if requires else ""
        attributes += f' data-yanked="{package.yanked}"' if package.yanked is not None else ""
        attributes += ' data-dist-info-metadata="true"' if package.metadata is not None else ""
        return f'<a href="/files/{package.filename}#sha256={package.sha256}"{attributes}>{package.filename}</a><br/>\n'

    def _file(self, data: bytes) -> None:
        here = self.server_is
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not wanted or here.ranges == "no" or self.headers.get("If-Range", here.etag) != here.etag:
            self.answer(200, data, ETag=here.etag)
            return
        if not wanted[1] and here.ranges == "no suffix":
            self.answer(416, b"")
            return
        start = int(wanted[1]) if wanted[1] else max(len(data) - int(wanted[2]), 0)
        end = min(int(wanted[2]) + 1, len(data)) if wanted[1] and wanted[2] else len(data)
        self.answer(206, data[start:end], ETag=here.etag, Content_Range=f"bytes {start}-{end - 1}/{len(data)}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Nobody reads it."""


class _Threads(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """The client has gone: that is what some tests are about."""


@contextmanager
def serving(*packages: Package, **behaviour: object) -> Iterator[Server]:
    """A server that holds these files."""
    server = Server(list(packages), **behaviour)  # type: ignore[arg-type]
    handler = type("Bound", (Request,), {"server_is": server})
    with _Threads(("127.0.0.1", 0), handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join()
