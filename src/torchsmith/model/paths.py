"""Paths as texts. A probe names files of another machine, so nothing here looks at this one."""

from __future__ import annotations


def normal(path: str) -> str:
    """``path`` with ``/`` as its separator and without ``.``, ``..`` and doubled separators; links are not followed."""
    path = path.replace("\\", "/") if "\\" in path and (path[1:2] == ":" or path.startswith("\\\\")) else path
    if "/." not in path and "//" not in path and not path.startswith("."):
        return path.rstrip("/") or path
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] not in {"", ".."}:
            parts.pop()
        elif part == ".." and parts == [""]:
            continue
        elif part not in {"", "."} or (not parts and not part):
            parts.append(part)
    return "/".join(parts) or ("/" if path.startswith("/") else ".")


def joined(folder: str, name: str) -> str:
    """``name`` in ``folder``; an absolute name stays what it is."""
    return normal(name if name.startswith("/") or name[1:2] == ":" else f"{folder}/{name}")
