"""What installers print, read: how far they are, and what stopped them. Pure; every line is anybody's text."""

from __future__ import annotations

from itertools import groupby

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


_SIGNS = (
    ("disk", r"No space left on device", r"Disk quota exceeded", r"os error (?:28|122)\b", r"\bErrno (?:28|122)\b"),
    ("disk", r"not enough space on the disk", r"WinError 112\b"),
    ("hash", r"Hash mismatch", r"DO NOT MATCH THE HASHES", r"hash(?:es)? (?:do|does) not match"),
    ("archive", r"BadZipFile", r"is not a zip file"),
    ("archive", r"Skipping unsafe file name"),
    ("archive", r"Wheel '[^']{0,200}' located at .{0,400} is invalid", r"invalid package format", r"malformed wheel"),
    ("archive", r"has inconsistent (?:name|version)", r"does not match given name", r"does not match filename"),
    ("archive", r"trying to install outside the target", r"Is a directory: '.{0,400}site-packages", r"multiple \.dist-info"),
    ("permission", r"Permission denied", r"\bErrno (?:1|13|30)\b", r"os error (?:1|13|30)\b", r"Read-only file system"),
    ("permission", r"Operation not permitted", r"WinError (?:5|32)\b", r"Access is denied"),
    ("forbidden", r"\b(?:401|403) (?:Client Error|Unauthorized|Forbidden)", r"status client error \((?:401|403)"),
    ("forbidden", r"\b(?:401|403) Error, Credentials", r"lack of valid authentication", r"EOF when reading a line"),
    ("network", r"Request failed", r"Failed to fetch", r"could not be queried", r"timed? ?out\b", r"incomplete-download"),
    ("network", r"Connection (?:refused|reset|error|broken|aborted|interrupted)", r"Failed to establish a new connection"),
    ("network", r"Temporary failure in name resolution", r"name or service not known", r"dns error", r"Network is unreachable"),
    ("network", r"ProxyError", r"Proxy Authentication", r"Cannot connect to proxy", r"Tunnel connection failed"),
    ("network", r"SSLError", r"CERTIFICATE_VERIFY_FAILED", r"UnknownIssuer", r"invalid peer certificate"),
    ("network", r"HTTP error 5\d\d", r"HTTP status server error", r"5\d\d Server Error", r"Too Many Requests"),
    (
        "network",
        r"not enough bytes",
        r"Max retries exceeded",
        r"error sending request",
        r"ReadTimeoutError",
        r"RemoteDisconnected",
    ),
    ("network", r"IncompleteRead", r"end of file before message length", r"error decoding response body", r"CondaHTTPError"),
    ("network", r"All attempts to connect"),
    ("archive", r"Failed to extract archive", r"Failed to read from zip"),
    ("python", r"no wheels with a matching", r"requires a different Python", r"only has wheels (?:for|with)", r"Requires-Python"),
    ("python", r"is not a supported wheel", r"No interpreter found"),
    ("build", r"Failed to build", r"failed-wheel-build", r"metadata-generation-failed", r"subprocess-exited-with-error"),
    ("build", r"build backend returned"),
    ("conflict", r"ResolutionImpossible", r"conflicting dependencies", r"are incompatible", r"version solving failed"),
    ("missing", r"No matching distribution", r"Could not find a (?:version|matching)", r"not found in the package registry"),
    ("missing", r"there (?:is|are) no versions? of", r"was not found in the", r"Unable to find installation candidates"),
    ("missing", r"PackagesNotFoundError", r"HTTP error 404", r"404 (?:Client Error|Not Found)", r"status client error \(404"),
    ("conflict", r"No solution found", r"requirements are unsatisfiable"),
)
"""What each kind is told by, in the order in which it is looked for.

uv tells of a missing Python under the head "No solution found", and of a full disk under "Failed to fetch".
"""
_KINDS = tuple(
    (kind, pattern("|".join(sign for _, *signs in rows for sign in signs), _I))
    for kind, rows in groupby(_SIGNS, lambda row: row[0])
)
_LEAD = pattern(r"^(?:[\s│├╰─▶×x>*-]|(?:error|cause|hint|note|ERROR|  cause)\s*:)+", _I)
_FETCHED = pattern(r"Failed to fetch.{0,20}https?://|for url \(?https?://|HTTP error .{0,40}https?://")
_ERRNO = pattern(r"\[Errno -?\d{1,5}\] [^\"')]{1,200}|\b407 Proxy [A-Za-z ]{1,40}")
_NOISE = pattern(
    r"^(?:WARNING: (?:Retrying|Connection interrupted|Attempting)|\[notice\]|Using Python|Looking in|Collecting|Downloading)"
)
_HINT = {
    "hash": "the file is not the one that the index promises; it was cut or changed on its way",
    "archive": "the file is no sound wheel of this package",
    "forbidden": "the index wants to know who asks",
}
_NOTHING = "(from versions: none)"


def cause_of(status: int, lines: Sequence[str]) -> Cause:
    """What stopped a program that printed these lines and ended with ``status``."""
    cleaned = [_LEAD.sub("", line).strip() for line in lines]
    told = [line for line in cleaned if line]
    text = "\n".join(told)
    if status < 0 and not told:
        return Cause("killed", f"ended by signal {-status}")
    for kind, sign in _KINDS:
        if sign.search(text) or sign.search(" ".join(told)):
            return Cause(kind, _short(_account(kind, sign, told)))
    if status < 0:
        return Cause("killed", _short(f"ended by signal {-status}: {told[-1]}"))
    last = next((line for line in reversed(told) if not _NOISE.search(line)), "")
    return Cause("other", _short(last or f"exit status {status}"))


def attacked(lines: Sequence[str]) -> bool:
    """Whether an installer met an entry that leads out of the environment, though it went on without it."""
    return any("Skipping unsafe file name" in line for line in lines)


def _account(kind: str, sign: Any, told: list[str]) -> str:
    """The line that says it, with what it leaves out."""
    useful = [line for line in told if not _NOISE.search(line)] or told
    at = next((number for number, line in enumerate(useful) if sign.search(line)), len(useful) - 1)
    line = useful[at]
    if kind == "network":
        where = next((each for each in useful if _FETCHED.search(each)), "")
        why = next(each for each in reversed(told) if sign.search(each) or each == told[0])
        why = found[0] if (found := _ERRNO.search(why)) else why
        return f"{where} ({why})" if where and why != where else why
    if kind in {"conflict", "missing", "python"}:
        because = " ".join(" ".join(useful[at:]).split()).removeprefix("No solution found when resolving dependencies").strip()
        return f"the index has nothing of that name, or did not answer: {because}" if _NOTHING in because else because or line
    if kind == "hash" and line.startswith("THESE PACKAGES") and at + 1 < len(useful):
        line = useful[at + 1]  # pip's first line says it of a file of hashes, which there is none of
    return f"{_HINT[kind]}: {line}" if kind in _HINT else line


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
