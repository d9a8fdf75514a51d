"""Indexes and wheels that are broken, that lie or that attack, over real HTTP; each answers for a package `torch` 2.8.0+cu128."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import socket
import ssl
import stat
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.lab.package_server import Package, Request, serving
from tests.managers.index import TORCH

VERSION = "2.8.0+cu128"
FILE = f"torch-{VERSION}-py3-none-any.whl"
Index = AbstractContextManager[str]
"""Gives the address of an index."""


def wheel(
    files: Mapping[str, str | bytes] | None = None,
    *,
    name: str = "torch",
    version: str = VERSION,
    links: Mapping[str, str] | None = None,
    needs: tuple[str, ...] = (),
    recorded: bool = True,
) -> bytes:
    """A wheel with these files; `links` are entries that are symbolic links. `recorded` says whether RECORD knows them."""
    info = f"{name}-{version}.dist-info"
    first: dict[str, str | bytes] = {f"{name}/__init__.py": f"__version__ = {version!r}\n{TORCH if name == 'torch' else ''}"}
    required = "".join(f"Requires-Dist: {need}\n" for need in needs)
    meta = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{required}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    more = dict(files or {})
    listed = {**first, **(more if recorded else {}), **meta}
    rows = [f"{path},sha256={_digest(_bytes(data))},{len(data)}" for path, data in listed.items()]
    record = "\n".join((*rows, *(f"{path},," for path in links or {}), f"{info}/RECORD,,")) + "\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in {**first, **more, **meta, f"{info}/RECORD": record}.items():
            archive.writestr(zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0)), _bytes(data), zipfile.ZIP_DEFLATED)
        for path, target in (links or {}).items():
            entry = zipfile.ZipInfo(path, (2026, 1, 1, 0, 0, 0))
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(entry, target)
    return packed.getvalue()


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


# ---- what may be wrong; each gives the address of an index


@contextmanager
def _files(*packages: Package, **behaviour: object) -> Iterator[str]:
    with serving(*packages, **behaviour) as server:
        yield server.index


METADATA = f"Metadata-Version: 2.1\nName: torch\nVersion: {VERSION}\n".encode()


@contextmanager
def _one(data: bytes, *, metadata: bool = False, **behaviour: object) -> Iterator[str]:
    """``metadata``: offered beside the wheel, so that an installer reads nothing of the wheel until it fetches it whole."""
    with _files(Package(FILE, data, metadata=METADATA if metadata else None), **behaviour) as url:
        yield url


@contextmanager
def _trapped(trap: Callable[[Request], bool], data: bytes | None = None) -> Iterator[str]:
    with _one(wheel() if data is None else data, metadata=True, trap=trap) as url:
        yield url


def _of_file(request: Request) -> bool:
    return request.path.endswith(".whl")


def wrong_hash() -> Index:
    """The page promises another hash than that of the file."""

    class Lying(Package):
        @property
        def sha256(self) -> str:
            return "0" * 64

    return _files(Lying(FILE, wheel()))


def truncated() -> Index:
    """The file is whole by its length and half by its content."""
    whole = wheel({"torch/large.bin": bytes(range(256)) * 4000})
    return _one(whole[: len(whole) // 2], metadata=True)


def cut() -> Index:
    """The connection ends at 99 % of what was promised, every time."""
    whole = wheel({"torch/large.bin": hashlib.shake_256(b"x").digest(400_000)})

    def trap(request: Request) -> bool:
        if not _of_file(request):
            return False
        request.send_response(200)
        request.send_header("Content-Length", str(len(whole)))
        request.end_headers()
        request.send(whole[: len(whole) * 99 // 100])
        request.wfile.flush()
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True
        return True

    return _trapped(trap, whole)


def climbing() -> Index:
    """An entry that leads out of the environment."""
    return _one(wheel({"../../../../../../climbed.txt": "out\n"}))


def absolute(to: Path) -> Index:
    """An entry with an absolute path."""
    return _one(wheel({str(to / "absolute.txt"): "out\n"}))


def linked() -> Index:
    """An entry that is a link out of the environment, and one that is written through it."""
    return _one(wheel({"torch/out/through.txt": "out\n"}, links={"torch/out": "../../../../.."}))


def bomb() -> Index:
    """A megabyte that becomes half a gigabyte."""
    return _one(wheel({"torch/bomb.bin": bytes(512 << 20)}))


def another() -> Index:
    """The file is a wheel of another package."""
    return _one(wheel(name="torchtriton", version="1.0"))


def another_version() -> Index:
    """The file's own metadata has another version than its name."""
    return _one(wheel(version="2.7.0+cu128"))


def page_of_html() -> Index:
    """A portal that answers everything with its own page."""

    def trap(request: Request) -> bool:
        request.answer(200, b"<!DOCTYPE html><html><body><h1>Please log in</h1></body></html>", Content_Type="text/html")
        return True

    return _trapped(trap)


def file_of_html() -> Index:
    """The page is right, the file is a portal's page."""

    def trap(request: Request) -> bool:
        if _of_file(request):
            request.answer(200, b"<!DOCTYPE html><html><body>Please log in</body></html>", Content_Type="text/html")
        return _of_file(request)

    return _trapped(trap)


def absent() -> Index:
    """The index has other packages only."""
    return _files(Package("other-1.0-py3-none-any.whl", wheel(name="other", version="1.0")))


def another_build() -> Index:
    """The index has torch, in another build."""
    return _files(Package("torch-2.8.0+cu129-py3-none-any.whl", wheel(version="2.8.0+cu129")))


def another_python() -> Index:
    """The wheel is for another Python."""
    return _files(Package(f"torch-{VERSION}-cp39-cp39-manylinux_2_28_x86_64.whl", wheel()))


def failing() -> Index:
    """The server fails."""

    def trap(request: Request) -> bool:
        request.answer(503, b"down for maintenance")
        return True

    return _trapped(trap)


def forbidden() -> Index:
    """The server wants to know who asks."""
    return _files(Package(FILE, wheel()), user=("me", "secret"))


def slow() -> Index:
    """It answers and then sends nothing."""

    def trap(request: Request) -> bool:
        if not _of_file(request):
            return False
        request.send_response(200)
        request.send_header("Content-Length", "1000000")
        request.end_headers()
        request.send(b"PK")
        time.sleep(60)
        return True

    return _trapped(trap)


@contextmanager
def down() -> Iterator[str]:
    """Nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield f"http://127.0.0.1:{port}/simple"


def redirected() -> Index:
    """The file lies behind a redirection to another host, which nobody knows."""

    def trap(request: Request) -> bool:
        if _of_file(request):
            request.answer(302, b"", Location="http://nowhere.invalid/torch.whl")
        return _of_file(request)

    return _trapped(trap)


def needing() -> Index:
    """Torch asks for something that nobody has."""
    return _one(wheel(needs=("nothing-has-this==9.9",)))


@contextmanager
def intercepted(folder: Path) -> Iterator[str]:
    """TLS with a certificate that nobody vouches for, as behind a device that looks into everything."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = (
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    )
    subprocess.run(("openssl", "req", *words, "-keyout", key, "-out", certificate), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_port}/simple"
        server.shutdown()
