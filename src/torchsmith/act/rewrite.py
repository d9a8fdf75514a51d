r"""Bytes that name one folder, made to name another: what an installer wrote into a clone, as it would stand at the live path.

Pure. A path is written in many ways: plain, in an address (``%20``), in JSON (``\\`` and ``\u00e4``), in quotes of a shell.
"""

from __future__ import annotations

import json
import os
import re
import sys
from urllib.parse import quote

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_SHEBANG = 127
"""pip (outside macOS) and uv write a longer first line as a script of ``/bin/sh`` that starts Python."""
_LONGEST_OF_MACOS = 512
_OF_ADDRESSES = "/:@!$&'()*+,;=~^[]|\\"
"""Besides letters, digits and ``-._``: what uv leaves as it is in an address, where pip writes more of it as ``%``."""
_BY_SHELL = re.compile(
    rb"""#!/bin/sh\n'''exec' (?P<word>"[^"\n]*"|'[^\n]*?'(?= )|[^\s"']+)(?P<rest>[^\n]*?) "\$0" "\$@"\n' '''"""
)
_PLAIN = re.compile(rb"#![ \t]*(?P<word>/[^\n]*?/(?:python|pypy)[^/\s]*)(?P<rest>[ \t][^\n]*)?(?=\r?\n|\Z)")


@record
class Move:
    """From one absolute folder to another: finds the first in bytes and puts the second in its place."""

    old: str
    new: str
    table: dict[bytes, bytes]
    found: re.Pattern[bytes]

    def within(self, data: bytes) -> bool:
        """Whether the bytes name the first folder, or something in it."""
        if not _foldable(self.old) and not any(word in data for word in self.table):
            return False  # a hundred times quicker than the pattern
        return self.found.search(data) is not None

    def plain(self, data: bytes) -> bytes:
        """The bytes with the second folder wherever the first is named."""
        return self.found.sub(lambda match: self.table[_key(match[0], self.old)], data)

    def text(self, data: bytes) -> bytes:
        """The bytes of a text; the first lines of a script as pip and uv would have written them."""
        if data.startswith(b"#!/bin/sh\n'''exec' "):
            data = _BY_SHELL.sub(lambda match: _first_lines(match, self), data, count=1)
        return self.plain(data)

    def binary(self, data: bytes) -> bytes | None:
        """The bytes of a program as conda patches them: each string keeps its length, NULs follow.

        None where the second path is longer, which no string has room for.
        """
        if len(os.fsencode(self.new)) > len(os.fsencode(self.old)):
            return None

        def patched(match: re.Match[bytes]) -> bytes:
            return self.plain(match[0]).ljust(len(match[0]), b"\0")

        return re.sub(self.found.pattern + rb"[^\0]*\0", patched, data, flags=self.found.flags)


def move(old: str, new: str) -> Move:
    """How ``old`` becomes ``new`` in every way of writing it."""
    table: dict[bytes, bytes] = {}
    for form in _FORMS:
        table.setdefault(_key(form(old), old), form(new))
    words = b"|".join(re.escape(word) for word in sorted(table, key=len, reverse=True))
    # Neither /a/run-30 nor /a/run-3.bak is /a/run-3, and /b/a/run-3 is another folder, too.
    found = re.compile(
        rb"(?<![\w.\-])(?:" + words + rb")(?![\w\-\x80-\xff]|\.\w|%[89A-F])", re.IGNORECASE if _foldable(old) else 0
    )
    return Move(old, new, table, found)


def first_line(data: bytes, moved: Move) -> bytes:
    """A script whose first line starts the other folder's Python; all else stays as it is."""
    found = _BY_SHELL.match(data) or _PLAIN.match(data)
    return _first_lines(found, moved) + data[found.end() :] if found else data


def _first_lines(found: re.Match[bytes], moved: Move) -> bytes:
    """They depend on the path: one with spaces, or one too long for the kernel, is started by way of a shell."""
    written, word, rest = found[0], found["word"], found["rest"] or b""
    if by_shell := written.startswith(b"#!/bin/sh\n"):
        of_uv = word[:1] == b"'"
        bare = word[1:-1].replace(b"'\\''", b"'").replace(b"'\"'\"'", b"'") if of_uv else word.strip(b'"')
    else:
        of_uv, bare = False, word
    new = moved.plain(bare)
    if new == bare:
        return written
    longest = _LONGEST_OF_MACOS if sys.platform == "darwin" and not of_uv else _LONGEST_SHEBANG
    if b" " not in new and len(new) + len(rest) + 3 <= longest:
        return b"#!" + new + rest
    in_double = b'"' + new + b'"' if b" " in new else new
    quoted = b"'" + new.replace(b"'", b"'\"'\"'") + b"'" if of_uv else in_double
    return written.replace(word, quoted, 1) if by_shell else b"#!/bin/sh\n'''exec' " + quoted + rest + b" \"$0\" \"$@\"\n' '''"


def _in_json(path: str, ascii_only: bool) -> bytes:
    return json.dumps(path, ensure_ascii=ascii_only)[1:-1].encode("utf-8", "surrogateescape")


def _slashed(path: str) -> bytes:
    return os.fsencode(path.replace("\\", "/") if _foldable(path) else path)


_FORMS: tuple[Callable[[str], bytes], ...] = (
    os.fsencode,
    lambda path: quote(_slashed(path)).encode(),
    lambda path: quote(_slashed(path), safe=_OF_ADDRESSES).encode(),
    lambda path: quote(_slashed(path), safe="/:").encode(),
    lambda path: _in_json(path, ascii_only=True),
    lambda path: _in_json(path, ascii_only=False),
    _slashed,
    lambda path: os.fsencode(path.replace("'", "'\\''")),
    lambda path: os.fsencode(path.replace("'", "'\"'\"'")),
    lambda path: os.fsencode(path.replace("'", "\\'")),
)
"""Plain, of an address (pip, uv, pip on Windows), JSON, with other slashes, within single quotes (sh, shlex, fish and Python)."""


def _foldable(path: str) -> bool:
    """Whether it is a path of Windows, which is the same in capitals."""
    return path[1:2] == ":" or path.startswith("\\\\")


def _key(found: bytes, path: str) -> bytes:
    return found.lower() if _foldable(path) else found
