"""The bundle: recorded, redacted evidence of one host in one JSON file that a maintainer can feed to ``check --from``."""

from __future__ import annotations

import json

from torchsmith.host.replay import ReplayHost
from torchsmith.model.errors import UnreadableInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

FORMAT = "torchsmith-bundle"
SCHEMA_VERSION = 1
SIZE_LIMIT = 64 << 20
DEPTH_LIMIT = 64
EVIDENCE_LIMIT = 200_000


def write(evidence: dict[str, dict[str, Any]], torchsmith: str, note: str = "", target: Sequence[str] = ()) -> str:
    """A bundle as text; equal evidence gives equal text. ``target``: the interpreter that ``--python`` named, and how."""
    document: dict[str, Any] = {"format": FORMAT, "schema_version": SCHEMA_VERSION, "torchsmith": torchsmith, "note": note}
    if target:
        document["target"] = list(target)
    return json.dumps(document | {"evidence": evidence}, indent=1, ensure_ascii=True, sort_keys=True) + "\n"


def looks_like(data: bytes) -> bool:
    """Whether ``data`` can only be meant as a bundle: no pasted text begins with a brace, cut off or not."""
    start = data[:64].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    return start.startswith(b"{")


def decoded(data: bytes, name: str) -> str:
    """The text of a bundle: UTF-8, or UTF-16 with its mark, as Windows PowerShell redirects it.

    Raises:
        UnreadableInputError: it is neither.

    """
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableInputError(f"`{name}` is damaged: byte {error.start} is no {encoding.upper()[:6]} text") from None


def read(text: str, name: str) -> ReplayHost:
    """The recorded machine in the bundle ``text``; ``name`` is how errors call it.

    Raises:
        UnreadableInputError: it is truncated, of a newer version, or not what a bundle may be.

    """
    if _depth(text) > DEPTH_LIMIT:
        raise UnreadableInputError(f"`{name}` is nested deeper than any bundle; it was not made by `torchsmith bundle`")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableInputError(
            f"`{name}` is not a whole bundle ({error}); ask for it again, made by `torchsmith bundle`"
        ) from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise UnreadableInputError(f"`{name}` is JSON, but no bundle; make one with `torchsmith bundle`")
    version = document.get("schema_version")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableInputError(f"`{name}` names no bundle version")
    if version > SCHEMA_VERSION:
        raise UnreadableInputError(
            f"`{name}` is a bundle of version {version}; this torchsmith reads up to {SCHEMA_VERSION}: use a newer torchsmith"
        )
    evidence = document.get("evidence")
    if not isinstance(evidence, dict) or not all(_is_answer(answer) for answer in evidence.values()):
        raise UnreadableInputError(f"`{name}` holds evidence in a form that no bundle has")
    if len(evidence) > EVIDENCE_LIMIT:
        raise UnreadableInputError(f"`{name}` holds {len(evidence)} answers, more than any machine gives")
    target = document.get("target")
    if not isinstance(target, list) or len(target) != 2 or not all(isinstance(part, str) for part in target):
        target = []
    return ReplayHost(evidence, tuple(target))


def _is_answer(answer: Any) -> bool:
    if not isinstance(answer, dict):
        return False
    return "value" in answer or (isinstance(answer.get("unknown"), str) and isinstance(answer.get("tried", []), list))


def _depth(text: str) -> int:
    """How deep the brackets of a JSON text nest, strings left out; stops counting at the limit."""
    import re

    depth = deepest = 0
    for found in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        mark = found[0]
        if mark in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > DEPTH_LIMIT:
                break
        elif mark in "]}":
            depth -= 1
    return deepest
