"""A transaction as JSON: typed actions, each with what has to be there before and how it is taken back."""

from __future__ import annotations

import re
from difflib import unified_diff
from hashlib import sha256

from torchsmith.host.redact import HIDDEN, without_secrets, without_tokens
from torchsmith.model.pattern import pattern
from torchsmith.model.transaction import ENCODING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torchsmith.model.transaction import Edit, RegistryEdit, Run, Transaction

SCHEMA_VERSION = 1
ELEVATED = frozenset({"sudo", "doas", "pkexec", "su", "runas", "gsudo"})
"""How commands begin that need an administrator."""


_MANIFEST = pattern(
    r"(?:pyproject|pixi|uv|pylock(?:\.[^.]+)?)\.toml|[^/\\]*(?:requirements|constraints)[^/\\]*\.(?:txt|in)|Pipfile(?:\.lock)?"
    r"|(?:uv|poetry|pdm|pixi)\.lock|environment[^/\\]*\.ya?ml|pinned",
    re.IGNORECASE,
)
"""Files of a project that say what it needs; around a change in any other stands what is nobody's business."""
_ASSIGNED = pattern(
    r"(?P<name>\b[A-Za-z_][A-Za-z0-9_]*)(?P<sign>[\"']?\s*[=:]\s*)(?P<value>\S.*)"
    r"|(?P<fish>\bset\s+(?:-\S+\s+)*[A-Za-z_][A-Za-z0-9_]*\s+)(?P<words>\S.*)"
)
_OPEN = pattern(r"(?:set\s+(?:-\S+\s+)*)?(?:\w*PATH|CUDA\w*|NV\w*|CUDNN\w*|TORCH\w*|LD_\w+|PYTHON\w*)\s*", re.IGNORECASE)
"""Variables whose values are folders and versions."""


def document(transaction: Transaction, files: Mapping[str, str]) -> dict[str, Any]:
    """The document; ``files`` are the texts that the edits were made from. No address in it bears a password."""
    place = transaction.environment
    return {
        "schema_version": SCHEMA_VERSION,
        "title": transaction.title,
        "environment": {"prefix": place.prefix, "python": place.python, "kind": place.kind, "made": bool(place.create)}
        if place
        else None,
        "actions": actions(transaction, files),
        "shown": [
            {"argv": _words(shown.argv), "why": shown.why, "elevation": shown.argv[:1] != () and shown.argv[0] in ELEVATED}
            for shown in transaction.shown
        ],
        "expected": {
            "torch": transaction.expected.torch or None,
            "packages": [{"name": name, "version": version} for name, version in transaction.expected.packages],
            "absent": list(transaction.expected.absent),
            "gpu": transaction.expected.gpu,
        },
        "indexes": [without_secrets(index) for index in transaction.indexes],
        "rests_on": [{"path": path, "sha256": digest} for path, digest in transaction.rests_on],
        "download_bytes": transaction.download_bytes,
        "disk_bytes": transaction.disk_bytes,
        "minutes": transaction.minutes,
        "notes": [without_secrets(note) for note in transaction.notes],
        "users": [without_secrets(user) for user in transaction.users],
    }


def actions(transaction: Transaction, files: Mapping[str, str]) -> list[dict[str, Any]]:
    """What is done, in order: the environment is made or copied, programs run on copies, then all of it is put in place."""
    made: list[dict[str, Any]] = []
    place = transaction.environment
    if place and place.create:
        made.append(
            {
                "type": "create-environment",
                "path": place.prefix,
                "before": transaction.fingerprint or None,
                "argv": _words(place.create),
                "inverse": "the former environment is put back whole" if transaction.fingerprint else "the folder is moved away",
            }
        )
    elif place:
        made.append(
            {
                "type": "change-environment",
                "path": place.prefix,
                "before": transaction.fingerprint or None,
                "inverse": "the former environment is kept beside it, and put back whole",
            }
        )
    made += [_edit(edit, files) for edit in transaction.edits]
    made += [_run(run) for run in transaction.runs]
    made += [_registry(edit) for edit in transaction.registry]
    return made


def diff(edit: Edit, files: Mapping[str, str]) -> tuple[str, ...]:
    """The lines that change, as a unified diff without the names of the files; passwords and tokens are left out.

    Of files that are no manifest of the project (shell files, ``.env``, ``.envrc``) no other line is shown, and what was
    assigned there before is hidden.
    """
    before, after = files.get(edit.path, ""), edit.text or ""
    manifest = bool(_MANIFEST.fullmatch(edit.path.replace("\\", "/").rpartition("/")[2]))
    lines = unified_diff(_lines(before), _lines(after), n=2 if manifest else 0, lineterm="")
    shown = (line if manifest else _discreet(line, before) for number, line in enumerate(lines) if number > 1)
    return tuple(map(without_tokens, shown))


def _discreet(line: str, before: str) -> str:
    """A line of somebody's own file without the values that stood in it already."""

    def hidden(found: re.Match[str]) -> str:
        name, value = found["name"] or found["fish"], found["value"] or found["words"]
        if _OPEN.fullmatch(name) or (line[0] == "+" and value.strip("\"' ;") not in before):
            return found[0]
        return f"{found['fish'] or found['name'] + found['sign']}{HIDDEN}"

    return line if line.startswith("@@") else line[0] + _ASSIGNED.sub(hidden, line[1:])


def _lines(text: str) -> list[str]:
    """Lines at their feeds alone; that the last one has none is told as diff tells it."""
    lines = text.split("\n")
    if lines[-1]:
        lines.append("\\ no newline at the end of the file")
        return lines
    return lines[:-1]


def _edit(edit: Edit, files: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "edit-file",
        "path": edit.path,
        "before": edit.before,
        "after": None if edit.text is None else sha256(edit.text.encode(*ENCODING)).hexdigest(),
        "mode": f"{edit.mode:04o}" if edit.before is None else None,
        "diff": list(diff(edit, files)),
        "why": edit.why,
        "inverse": "the file goes" if edit.before is None else "its former bytes are put back",
    }


def _run(run: Run) -> dict[str, Any]:
    return {
        "type": "run",
        "argv": _words(run.argv),
        "folder": run.folder or None,
        "writes": list(run.writes),
        "variables": {name: without_secrets(value) for name, value in run.variables},
        "limit_seconds": run.limit,
        "why": run.why,
        "inverse": "it works on copies; what it wrote goes with the environment and the files",
    }


def _registry(edit: RegistryEdit) -> dict[str, Any]:
    def value(pair: tuple[str, str] | None) -> dict[str, str] | None:
        return {"type": pair[0], "text": without_secrets(pair[1])} if pair else None

    return {
        "type": "set-registry-value",
        "key": f"HKEY_CURRENT_USER\\{edit.key}",
        "name": edit.name,
        "before": value(edit.before),
        "after": value(edit.after),
        "why": edit.why,
        "inverse": "the former value and type are put back" if edit.before else "the value goes",
    }


def _words(argv: Sequence[str]) -> list[str]:
    return [without_secrets(word) for word in argv]
