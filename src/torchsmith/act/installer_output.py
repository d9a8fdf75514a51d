"""What installers print, read: how far they are, and what stopped them. Pure; every line is anybody's text."""

from __future__ import annotations

from torchsmith.host.redact import without_secrets
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_LONGEST = 300
_I = 0x2
"""``re.IGNORECASE``."""


# ---- what stopped one


@record
class Cause:
    """Why a program failed: the kind, and its own account in one line.

    ``kind`` is disk, hash, archive, permission, forbidden, network, python, missing, conflict, build, killed or other. What is
    of the kinds network and disk may pass by itself.
    """

    kind: str
    line: str


_KINDS = (
    ("disk", pattern(r"No space left on device|Disk quota exceeded|os error (?:28|122)\b|\[?Errno (?:28|122)\b|not enough space on the disk", _I)),
    ("hash", pattern(r"Hash mismatch|DO NOT MATCH THE HASHES|[Ee]xpected sha256 [0-9a-f]|hashes? (?:do|does) not match", _I)),
    (
        "archive",
        pattern(
            r"Failed to extract archive|Failed to read from zip|BadZipFile|is not a zip file|Wheel '[^']{0,200}' located at .{0,400} is invalid"
            r"|invalid package format|has inconsistent (?:name|version)|does not match given name|malformed wheel|does not match filename"
            r"|trying to install outside the target|metadata name .{0,200} does not match|[Ww]heel .{0,200} is (?:invalid|corrupt)"
            r"|Is a directory: '.{0,400}site-packages|unsupported wheel|multiple \.dist-info"
        ),
    ),
    (
        "permission",
        pattern(r"Permission denied|\[?Errno (?:1|13|30)\b|os error (?:1|13|30)\b|Read-only file system|Operation not permitted|WinError (?:5|32)\b|Access is denied", _I),
    ),
    ("forbidden", pattern(r"\b(?:401|403) (?:Client Error|Unauthorized|Forbidden)|HTTP status client error \((?:401|403)|\b(?:401|403) Error, Credentials|[Uu]nauthorized|lack of valid authentication|requires authentication|EOFError: EOF when reading a line|User for 1")),
    (
        "network",
        pattern(
            r"Request failed|Failed to fetch|could not be queried|Connection (?:refused|reset|error|broken|aborted|interrupted)|timed? ?out\b"
            r"|incomplete-download|Temporary failure in name resolution|[Nn]ame or service not known|dns error|Network is unreachable|ProxyError"
            r"|Proxy Authentication|Cannot connect to proxy|Tunnel connection failed|unsuccessful tunnel|SSLError|CERTIFICATE_VERIFY_FAILED"
            r"|UnknownIssuer|invalid peer certificate|HTTP error 5\d\d|HTTP status server error|5\d\d Server Error|Max retries exceeded"
            r"|error sending request|Failed to establish a new connection|Too Many Requests|ReadTimeoutError|RemoteDisconnected|IncompleteRead"
            r"|end of file before message length|error decoding response body|All attempts to connect|CondaHTTPError",
            _I,
        ),
    ),
    (
        "python",
        pattern(
            r"no wheels with a matching|requires a different Python|only has wheels (?:for|with)|[Rr]equires-Python|is not a supported wheel"
            r"|Python>?=?[^\n]{0,60} does not satisfy|No interpreter found"
        ),
    ),
    ("build", pattern(r"Failed to build|failed-wheel-build|metadata-generation-failed|subprocess-exited-with-error|build backend returned")),
    ("conflict", pattern(r"ResolutionImpossible|conflicting dependencies|are incompatible|version solving failed|incompatible with", _I)),
    (
        "missing",
        pattern(
            r"No matching distribution|Could not find a version|not found in the package registry|there (?:is|are) no versions? of"
            r"|was not found in the|PackagesNotFoundError|Unable to find installation candidates|cannot be found on|Could not find a matching",
            _I,
        ),
    ),
    ("conflict", pattern(r"No solution found|requirements are unsatisfiable", _I)),
)  # fmt: skip
_LEAD = pattern(r"^(?:[\s│├╰─▶×x>*-]|(?:error|cause|hint|note|ERROR|  cause)\s*:)+", _I)
_FETCHED = pattern(r"Failed to fetch.{0,20}https?://|for url \(?https?://|HTTP error .{0,40}https?://")
_NOISE = pattern(
    r"^(?:WARNING: (?:Retrying|Connection interrupted|Attempting)|\[notice\]|Using Python|Looking in|Collecting|Downloading)"
)
_HINT = {
    "hash": "the file is not the one that the index promises: it was cut or changed on its way",
    "archive": "the file is no sound wheel of this package",
    "forbidden": "the index wants to know who asks",
}


def cause_of(status: int, lines: Sequence[str]) -> Cause:
    """What stopped a program that printed these lines and ended with ``status``."""
    cleaned = [_LEAD.sub("", line).strip() for line in lines]
    told = [line for line in cleaned if line]
    text = "\n".join(told)
    if status < 0 and not told:
        return Cause("killed", f"ended by signal {-status}")
    # uv tells the missing Python under the head "No solution found"; a disk that is full under "Failed to fetch".
    for kind, sign in _KINDS:
        if sign.search(text) or sign.search(" ".join(told)):
            return Cause(kind, _short(_account(kind, sign, told)))
    if status < 0:
        return Cause("killed", _short(f"ended by signal {-status}: {told[-1]}"))
    last = next((line for line in reversed(told) if not _NOISE.search(line)), "")
    return Cause("other", _short(last or f"exit status {status}"))


def _account(kind: str, sign: Any, told: list[str]) -> str:
    """The line that says it, with what it leaves out."""
    useful = [line for line in told if not _NOISE.search(line)] or told
    at = next((number for number, line in enumerate(useful) if sign.search(line)), len(useful) - 1)
    line = useful[at]
    if kind == "network":
        where = next((each for each in useful if _FETCHED.search(each)), line)
        why = next((each for each in reversed(useful) if sign.search(each) and each != where), "")
        return f"{where} ({why})" if why else where
    if kind in {"conflict", "missing", "python"}:
        because = " ".join(" ".join(useful[at:]).split())
        return because.removeprefix("No solution found when resolving dependencies").strip() or line
    hint = _HINT.get(kind, "")
    return f"{line}: {hint}" if hint and kind != "forbidden" else (f"{hint}: {line}" if hint else line)


def _short(text: str) -> str:
    text = without_secrets(" ".join(text.split()))
    return text if len(text) <= _LONGEST else text[: _LONGEST - 4].rsplit(" ", 1)[0] + " ..."


# ---- how far one is


_RAW = pattern(r"^Progress (\d{1,15}) of (\d{1,15})$")
_UV = pattern(r"^(Downloading|Downloaded|Building|Built) (\S{1,200})(?: \((\d{1,6}(?:\.\d+)?)(B|KiB|MiB|GiB)\))?$")
_PIP = pattern(r"^Downloading (?:\S{0,400}/)?(\S{1,200}) \((\d{1,6}(?:\.\d+)?) (bytes|kB|MB|GB)\)$")
_BAR = pattern(r"(\d{1,6}(?:\.\d+)?)/(\d{1,6}(?:\.\d+)?) (bytes|kB|MB|GB)\b")
_DONE = pattern(r"^(?:Prepared|Installed|Uninstalled|Resolved|Audited) (\d{1,6}) packages?\b")
_OPERATIONS = pattern(r"^Package operations: (\d{1,5}) installs?, (\d{1,5}) updates?, (\d{1,5}) removals?")
_OPERATION = pattern(r"^(?:- |✔ )?(?:Installing|Updating|Removing|Downgrading|Install|Update|Remove) \S{1,200}")
_UNITS = {"B": 1, "bytes": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


@record
class Progress:
    """How much is done: ``unit`` is bytes or steps; ``total`` None where nobody knows it yet."""

    done: int
    total: int | None
    unit: str


class Reader:
    """Reads the lines of one program in order, and knows how far it is."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._got: dict[str, int] = {}
        self._current = ""
        self._steps = self._step = 0

    def heard(self, line: str) -> Progress | None:
        """How far the program is after this line; None where the line says nothing of that."""
        told = line.strip()
        if found := _RAW.match(told):
            return self._bytes(self._current, int(found[1]), int(found[2]))
        if found := _PIP.match(told):
            self._current = found[1]
            return self._bytes(found[1], self._got.get(found[1], 0), _size(found[2], found[3]))
        if self._current and (found := _BAR.search(told)):
            return self._bytes(self._current, _size(found[1], found[3]), _size(found[2], found[3]))
        if found := _UV.match(told):
            if found[1] == "Downloading" and found[3]:
                return self._bytes(found[2], 0, _size(found[3], found[4]))
            if found[1] == "Downloaded" and found[2] in self._sizes:
                return self._bytes(found[2], self._sizes[found[2]], self._sizes[found[2]])
            return None
        if found := _OPERATIONS.match(told):
            self._steps = sum(int(found[number]) for number in (1, 2, 3))
            return Progress(0, self._steps, "steps")
        if self._steps and _OPERATION.match(told):
            self._step = min(self._step + 1, self._steps)
            return Progress(self._step, self._steps, "steps")
        return None

    def _bytes(self, name: str, done: int, total: int) -> Progress:
        """Of all files that were named so far; the total grows as further ones are."""
        self._sizes[name] = max(total, self._sizes.get(name, 0)) if total else self._sizes.get(name, 0)
        self._got[name] = max(self._got.get(name, 0), min(done, self._sizes[name]))
        return Progress(sum(self._got.values()), sum(self._sizes.values()) or None, "bytes")


def _size(number: str, unit: str) -> int:
    return round(float(number) * _UNITS[unit])
