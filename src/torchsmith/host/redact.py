"""Take out of recorded evidence what names a person, a machine or a secret, and keep what tells a cause.

The same thing always becomes the same substitute, in keys and in values: paths still lead to each other, and a UUID in
CUDA_VISIBLE_DEVICES still is the UUID of its GPU.
"""

from __future__ import annotations

import re

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_UUID = pattern(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
_URL_CREDENTIALS = pattern(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s\"'<>]+@")  # a password may hold an @
_URL_SECRET = pattern(r"(?i)([?&](?:access_|auth_|api_?)?(?:token|key|sig|signature|secret|password)=)[^&\s\"'#`]+")
_TOKEN = pattern(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|hf_[A-Za-z0-9]{20,}"
    r"|sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16}|xox[abprs]-[A-Za-z0-9-]{10,}|pypi-[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)"
)
_SERIAL = pattern(r"(?im)^(\s*(?:serial(?: number)?|board part number|chassis serial number|vbios serial)\s*:\s*)\S.*$")
_HOMES = pattern(r"(?i)(/home/|/Users/|[a-z]:\\Users\\|[a-z]:\\\\Users\\\\)([^/\\\s:;\"',]+)")
_KEPT_HOMES = {"user", "public", "shared", "default", "all users", "linuxbrew", "conda"}
_COMMON_NAMES = {"root", "user", "admin", "ubuntu", "debian", "runner", "jovyan", "nobody", "localhost", "torch", "python"}
HIDDEN = "***"


@record
class Identity:
    """Who and where: the names to take out."""

    user: str = ""
    home: str = ""
    host: str = ""


def without_secrets(url: str) -> str:
    """A URL without user, password and tokens in its query: what may be shown, and what may stand in a command."""
    return _URL_SECRET.sub(rf"\1{HIDDEN}", _URL_CREDENTIALS.sub(r"\1", url))


def without_tokens(text: str) -> str:
    """A text without passwords in addresses and without what has the form of a token."""
    return _TOKEN.sub(HIDDEN, without_secrets(text))


class Redactor:
    """Redacts texts and JSON-like data of one machine, consistently."""

    def __init__(self, identity: Identity) -> None:
        self._home = identity.home.rstrip("/\\")
        self._words = [
            (re.compile(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"), substitute)
            for word, substitute in ((identity.user, "user"), (identity.host, "host"), (identity.host.split(".")[0], "host"))
            if len(word) > 2 and word.lower() not in _COMMON_NAMES
        ]
        self._uuids: dict[str, str] = {}

    def text(self, text: str) -> str:
        """``text`` without credentials, tokens, UUIDs, serial numbers, user, home and host names."""
        text = _URL_CREDENTIALS.sub(rf"\1{HIDDEN}@", text)
        text = _URL_SECRET.sub(rf"\1{HIDDEN}", text)
        text = _TOKEN.sub(HIDDEN, text)
        text = _SERIAL.sub(rf"\1{HIDDEN}", text)
        text = _UUID.sub(self._uuid, text)
        if len(self._home) > 1:
            text = re.sub(rf"{re.escape(self._home)}(?![\w.-])", lambda _: self._new_home(), text)
        text = _HOMES.sub(lambda m: m[0] if m[2].lower() in _KEPT_HOMES else m[1] + "user", text)
        for word, substitute in self._words:
            text = word.sub(substitute, text)
        return text

    def data(self, data: Any) -> Any:
        """JSON-like data with every text in it, keys included, redacted."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, dict):
            return {self.text(str(key)): self.data(value) for key, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.data(item) for item in data]
        return data

    def value(self, value: Any, private: str) -> Any:
        """A value whose declaration says what it holds: ``secret`` is never kept, not even its length."""
        return HIDDEN if private == "secret" and value else self.data(value)

    def _new_home(self) -> str:
        if "\\" in self._home:
            return "C:\\Users\\user"
        return "/Users/user" if self._home.startswith("/Users/") else "/home/user"

    def _uuid(self, found: re.Match[str]) -> str:
        number = len(self._uuids) + 1
        return self._uuids.setdefault(found[0].lower(), f"00000000-0000-0000-0000-{number:012d}")
