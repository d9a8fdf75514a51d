"""Files of a distribution that are not as its RECORD says, in a few sentences."""

from __future__ import annotations

from torchsmith.model.finding import Severity
from torchsmith.model.inspection import Remark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

NAMED = 5
_NATIVE = (".so", ".dll", ".pyd", ".dylib")


def altered_files(name: str, compared: Mapping[str, Any]) -> Iterator[Remark]:
    """One remark for each kind of difference that ``host.installed`` (or ``binaries.wheel``) found for the package ``name``.

    A file that is shorter than recorded was cut, as by a full disk. One that is longer was changed after it was installed: strip
    tools, conda and Nix do that to libraries, and it is no fault by itself.
    """
    counts = compared.get("counts", {})
    missing = compared["missing"]
    shorter = [[path, size, recorded] for path, size, recorded in compared["sizes"] if size < recorded]
    longer = [path for path, size, recorded in compared["sizes"] if size > recorded]
    if missing:
        severity = Severity.BLOCKER if any(_native(path) for path in missing) else Severity.DEGRADED
        total = counts.get("missing", len(missing))
        yield _remark("files-missing", severity, name, f"{total} of its {compared['rows']} files are not there", missing)
    if shorter:
        worst = [f"{path} ({size} of {recorded} bytes)" for path, size, recorded in shorter]
        severity = Severity.BLOCKER if any(_native(path) and not size for path, size, _ in shorter) else Severity.DEGRADED
        yield _remark("files-shorter", severity, name, f"{len(shorter)} of its files are shorter than installed", worst)
    if longer:
        yield _remark("files-changed", Severity.NOTE, name, f"{len(longer)} of its files are longer than installed", longer)
    if altered := compared["altered"]:
        total = counts.get("altered", len(altered))
        yield _remark(
            "files-altered", Severity.DEGRADED, name, f"{total} of its files have another content than installed", altered
        )
    if unread := compared["unread"]:
        told = [f"{path} ({reason})" for path, reason in unread]
        yield _remark("files-unread", Severity.DEGRADED, name, f"{len(unread)} of its files cannot be read", told)
    if refused := compared["refused"]:
        yield _remark("record-outside", Severity.NOTE, name, f"its RECORD names {len(refused)} files outside of it", refused)
    if unlisted := compared.get("unlisted"):
        yield _remark("files-unlisted", Severity.NOTE, name, f"{len(unlisted)} of its files are not in its RECORD", unlisted)


def _remark(what: str, severity: Severity, name: str, summary: str, paths: Sequence[str]) -> Remark:
    return Remark(what, severity, f"package:{name}", f"{name}: {summary}", (("files", _listed(paths)),))


def _listed(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return ", ".join(_natives_first(paths)[:NAMED]) + more


def _natives_first(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: (not _native(path.partition(" (")[0]), path))


def _native(path: str) -> bool:
    return path.endswith(_NATIVE) or ".so." in path
