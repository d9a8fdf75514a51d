"""HTTP as package indexes speak it, against servers that nobody has reason to trust.

Nothing here follows a redirect to another scheme than HTTP, sends a password to another host than its own, waits without end, or
takes more bytes than were asked for. No message holds a password.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import zlib
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from torchsmith import __version__
from torchsmith.host.redact import without_secrets
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REDIRECTS = 10
SLOWEST = 32 * 1024
"""Bytes a second: a server that sends less is not waited for."""

_CHUNK = 256 * 1024
_MOVED = {301, 302, 303, 307, 308}
_GZIP = zlib.MAX_WBITS | 16


class HttpError(OSError):
    """A request that failed, in words that may be shown. ``status`` is the server's, 0 where none came."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(without_secrets(message))
        self.status = status


@record
class Settings:
    """How to reach servers: what the user's own tools were told. ``credentials`` maps ``host:port`` to (user, password)."""

    wait: float = 30.0
    """Seconds without any answer."""
    proxies: tuple[tuple[str, str], ...] = ()
    """(scheme or ``all``, URL)."""
    no_proxy: str = ""
    certificates: str = ""
    """A file (or folder) of certificates instead of the system's."""
    client_certificate: str = ""
    trusted: tuple[str, ...] = ()
    """Hosts whose certificate the user has told pip not to check."""
    netrc: str = ""
    credentials: tuple[tuple[str, tuple[str, str]], ...] = ()


@record
class Answer:
    """What a server sent. ``url`` is the last one after redirects, header names are in lower case."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The value of a header, or ""."""
        return dict(self.headers).get(name, "")


class Client:
    """Sends GET requests and counts them; connections are kept open between requests to the same server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open: dict[tuple[str, str], http.client.HTTPConnection] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self.requests = 0
        self.received = 0
        """Bytes of bodies."""

    def close(self) -> None:
        """Close all connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        limit: int,
        sink: Callable[[bytes], object] | None = None,
        accept: Callable[[Answer], bool] | None = None,
    ) -> Answer:
        """Fetch ``url``, following redirects; at most ``limit`` bytes of body, which go to ``sink`` piece by piece if given.

        ``accept`` sees the answer before its body; where it says False nothing of the body is taken.

        Raises:
            HttpError: no answer in time, a status other than 200 and 206, a body that is too long or cut short, bad redirects.

        """
        parts = _checked(url)
        for _ in range(REDIRECTS + 1):
            answer = self._once(parts, headers, limit, sink, accept)
            if answer.status not in _MOVED:
                break
            target = _checked(_joined(parts, answer.header("location")))
            if parts.scheme == "https" and target.scheme != "https":
                raise HttpError(f"{_shown(parts)} redirects to an address that is not encrypted: not followed")
            parts = target
        else:
            raise HttpError(f"{without_secrets(url)} redirects more than {REDIRECTS} times")
        if answer.status in {200, 206}:
            return answer
        raise HttpError(_refusal(answer.status, parts), answer.status)

    def _once(
        self,
        parts: SplitResult,
        headers: Mapping[str, str],
        limit: int,
        sink: Callable[[bytes], object] | None,
        accept: Callable[[Answer], bool] | None,
    ) -> Answer:
        key = (parts.scheme, parts.netloc.rpartition("@")[2])
        kept = key in self._open
        try:
            return self._exchange(key, parts, headers, limit, sink, accept)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            self._drop(key)
            if not kept:
                raise HttpError(f"{_shown(parts)}: the server closed the connection without an answer") from None
        try:
            return self._exchange(key, parts, headers, limit, sink, accept)  # a kept connection may have been closed
        except (http.client.HTTPException, OSError) as error:
            self._drop(key)
            raise error if isinstance(error, HttpError) else HttpError(f"{_shown(parts)}: {_why(error)}") from None

    def _exchange(
        self,
        key: tuple[str, str],
        parts: SplitResult,
        headers: Mapping[str, str],
        limit: int,
        sink: Callable[[bytes], object] | None,
        accept: Callable[[Answer], bool] | None,
    ) -> Answer:
        late = threading.Event()
        try:
            connection, target, own = self._connection(key, parts)
            deadline = self._settings.wait + limit / SLOWEST
            watch = threading.Timer(deadline, _cut, (connection, late))
            watch.daemon = True
            watch.start()
            try:
                connection.request("GET", target, headers={**headers, **own})
                self.requests += 1
                with connection.getresponse() as response:
                    return self._body(key, parts, response, limit, sink, accept)
            finally:
                watch.cancel()
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            if late.is_set():
                self._drop(key)
                raise HttpError(f"{_shown(parts)}: no whole answer within {deadline:.0f} s") from None
            raise
        except (http.client.HTTPException, OSError, ValueError) as error:
            self._drop(key)
            if isinstance(error, HttpError) and not late.is_set():
                raise
            why = f"no whole answer within {deadline:.0f} s" if late.is_set() else _why(error)
            raise HttpError(f"{_shown(parts)}: {why}") from None

    def _body(
        self,
        key: tuple[str, str],
        parts: SplitResult,
        response: http.client.HTTPResponse,
        limit: int,
        sink: Callable[[bytes], object] | None,
        accept: Callable[[Answer], bool] | None,
    ) -> Answer:
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        answer = Answer(urlunsplit(parts), response.status, headers, b"")
        length = response.length
        if response.status not in {200, 206} or (accept and not accept(answer)):
            self._drop(key)  # what it has to say is not read
            return answer
        if length is not None and length > limit:
            raise HttpError(f"{_shown(parts)} answers with {length} bytes where at most {limit} were expected")
        pieces: list[bytes] = []
        got = 0
        while got <= limit and (piece := self._piece(response, min(_CHUNK, limit + 1 - got), parts)):
            got += len(piece)
            self.received += len(piece)
            if got <= limit:
                (sink or pieces.append)(piece)
        if got > limit:
            raise HttpError(f"{_shown(parts)} answers with more than the {limit} bytes that were expected")
        if length is not None and got < length:
            raise HttpError(f"{_shown(parts)}: the answer ends after {got} of {length} bytes")
        if response.will_close:
            self._drop(key)
        body = _plain(b"".join(pieces), answer.header("content-encoding"), limit, parts)
        return Answer(answer.url, answer.status, headers, body)

    def _piece(self, response: http.client.HTTPResponse, most: int, parts: SplitResult) -> bytes:
        """The next bytes of a body. A connection that breaks here is no kept one that had gone stale: nothing is asked again."""
        try:
            return response.read(most)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise HttpError(f"{_shown(parts)}: the connection broke off: {_why(error)}") from None

    def _drop(self, key: tuple[str, str]) -> None:
        connection = self._open.pop(key, None)
        if connection is not None:
            connection.close()

    def _connection(self, key: tuple[str, str], parts: SplitResult) -> tuple[http.client.HTTPConnection, str, dict[str, str]]:
        """The connection, the target to ask it for, and the headers that are this client's own."""
        headers = {"User-Agent": f"torchsmith/{__version__}"} | self._authorisation(parts)
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        proxy = self._proxy(parts)
        if proxy and parts.scheme == "http":
            target = urlunsplit((parts.scheme, key[1], parts.path or "/", parts.query, ""))
            headers |= _proxy_authorisation(proxy)
        if key not in self._open:
            self._open[key] = self._connect(parts, proxy)
        return self._open[key], target, headers

    def _connect(self, parts: SplitResult, proxy: SplitResult | None) -> http.client.HTTPConnection:
        host, port = _host_and_port(parts)
        at = _host_and_port(proxy) if proxy else (host, port)
        if parts.scheme == "http":
            return http.client.HTTPConnection(*at, timeout=self._settings.wait)
        connection = http.client.HTTPSConnection(*at, timeout=self._settings.wait, context=self._context(host))
        if proxy:
            connection.set_tunnel(host, port, _proxy_authorisation(proxy))
        return connection

    def _context(self, host: str) -> ssl.SSLContext:
        trusted = host in self._settings.trusted
        if trusted not in self._contexts:
            given = self._settings.certificates
            try:
                if not given:
                    context = ssl.create_default_context()
                elif _is_folder(given):
                    context = ssl.create_default_context(capath=given)
                else:
                    context = ssl.create_default_context(cafile=given)
                if self._settings.client_certificate:
                    context.load_cert_chain(self._settings.client_certificate)
            except OSError as error:
                raise HttpError(
                    f"the certificates in {given or self._settings.client_certificate} cannot be used: {error}"
                ) from None
            if trusted:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[trusted] = context
        return self._contexts[trusted]

    def _authorisation(self, parts: SplitResult) -> dict[str, str]:
        known = dict(self._settings.credentials)
        host = parts.netloc.rpartition("@")[2]
        if parts.username is not None:
            return _basic("Authorization", unquote(parts.username), unquote(parts.password or ""))
        if host in known:
            return _basic("Authorization", *known[host])
        found = _from_netrc(self._settings.netrc, parts.hostname or "")
        return _basic("Authorization", *found) if found else {}

    def _proxy(self, parts: SplitResult) -> SplitResult | None:
        proxies = dict(self._settings.proxies)
        given = proxies.get(parts.scheme) or proxies.get("all")
        if not given or _bypassed(parts.hostname or "", self._settings.no_proxy):
            return None
        proxy = urlsplit(given if "://" in given else f"http://{given}")
        if proxy.scheme != "http":
            raise HttpError(f"the proxy {without_secrets(given)} is of a kind that is not spoken here: http:// ones are")
        return proxy


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise HttpError(f"{without_secrets(url[:200])} is no address: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise HttpError(f"{without_secrets(url[:200])} is no http:// or https:// address: not followed")
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in url):
        raise HttpError("an address with blanks or control characters in it: not followed")
    return parts


def _joined(parts: SplitResult, location: str) -> str:
    try:
        return urljoin(urlunsplit(parts), location)
    except ValueError:
        return location


def _shown(parts: SplitResult) -> str:
    return without_secrets(urlunsplit(parts))


def _host_and_port(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _refusal(status: int, parts: SplitResult) -> str:
    if status in {401, 403, 407}:
        who = "the proxy" if status == 407 else "the server"
        return f"{_shown(parts)}: {who} asks for user and password (status {status}): put them into its URL or into netrc"
    if status in {404, 410}:
        return f"{_shown(parts)} does not exist (status {status})"
    return f"{_shown(parts)}: the server answers with status {status}"


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}; PIP_CERT or SSL_CERT_FILE names others"
    if isinstance(error, socket.gaierror):
        return "its host name is not known here; is there a network?"
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _cut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    """End a connection on which another thread waits."""
    late.set()
    try:
        connection.sock.shutdown(socket.SHUT_RDWR)
    except (OSError, AttributeError):
        connection.close()


def _plain(body: bytes, encoding: str, limit: int, parts: SplitResult) -> bytes:
    """The body without its compression, which is gzip where we allowed it."""
    if encoding.lower() in {"", "identity"}:
        return body
    if encoding.lower() not in {"gzip", "x-gzip"}:
        raise HttpError(f"{_shown(parts)} answers in the encoding {encoding[:40]!r}, which was not asked for")
    try:
        inflater = zlib.decompressobj(_GZIP)
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise HttpError(f"{_shown(parts)}: its gzip is damaged: {error}") from None
    if len(plain) > limit or not inflater.eof:
        raise HttpError(f"{_shown(parts)}: its gzip is cut short, or inflates to more than {limit} bytes")
    return plain


def _basic(header: str, user: str, password: str) -> dict[str, str]:
    import base64

    return {header: "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def _proxy_authorisation(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    return _basic("Proxy-Authorization", unquote(proxy.username), unquote(proxy.password or ""))


def _from_netrc(path: str, host: str) -> tuple[str, str] | None:
    if not path:
        return None
    import netrc

    try:
        found = netrc.netrc(path).authenticators(host)
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        return None
    return (found[0], found[2]) if found else None


def _bypassed(host: str, no_proxy: str) -> bool:
    """Whether ``no_proxy`` names the host, a domain above it, or everything."""
    for entry in no_proxy.replace(",", " ").split():
        name = entry.rpartition(":")[0] if entry.count(":") == 1 else entry
        name = name.lower().removeprefix("*").lstrip(".")
        if entry == "*" or (name and (host.lower() == name or host.lower().endswith(f".{name}"))):
            return True
    return False


def _is_folder(path: str) -> bool:
    import os

    return os.path.isdir(path)
