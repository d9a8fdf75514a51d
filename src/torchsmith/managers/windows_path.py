r"""The text of a PATH on Windows: its parts, which of them are the same folder, and the text with folders put before it.

Everything that is not put there stays as it is, letter by letter: empty parts, quotes, ``%NAMES%``, folders that stand twice.
"""

from __future__ import annotations

from torchsmith.model.pattern import pattern
from torchsmith.model.record import record
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Names = Mapping[str, str]

_NAME = pattern(r"%([^%;]{1,200})%")
_TOOLKIT = pattern(r".*\\nvidia gpu computing toolkit\\cuda\\v(\d{1,3}\.\d{1,3})(\\.*)?")
_DEPTH = 8
"""A variable may name another: so often, and never for ever."""


@record
class Stale:
    """A part that belongs to another toolkit: its number among the parts, its text, the version that it names."""

    number: int
    text: str
    version: str


def parts(text: str) -> tuple[str, ...]:
    """The parts between semicolons, as they stand; one between double quotes ends nothing."""
    found, begun, quoted = [], 0, False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == ";" and not quoted:
            found.append(text[begun:place])
            begun = place + 1
    return (*found, text[begun:])


def folder(part: str, names: Names) -> str:
    r"""The folder that a part names, to be compared: ``%CUDA_PATH%\bin\`` and ``"c:/cuda/BIN"`` can be the same."""
    path = expanded(part.replace('"', "").strip(), names).replace("/", "\\").casefold()
    head, path = ("\\", path[1:]) if path.startswith("\\\\") else ("", path)  # \\server\share
    while "\\\\" in path:
        path = path.replace("\\\\", "\\")
    return head + (path.rstrip("\\") or path)


def expanded(text: str, names: Names) -> str:
    """The text with its ``%NAMES%`` replaced, without regard to case; what nobody knows stays, as Windows does it."""
    known = {name.casefold(): value for name, value in names.items()}
    for _ in range(_DEPTH):
        made = _NAME.sub(lambda found: known.get(found[1].casefold(), found[0]), text)
        if made == text or len(made) > 65536:
            break
        text = made
    return text


def holds(text: str, path: str, names: Names) -> bool:
    """Whether a folder stands in it, however it is written."""
    wanted = folder(path, names)
    return any(folder(part, names) == wanted for part in parts(text))


def added(text: str, folders: Sequence[str], names: Names) -> str:
    """The text with those folders before it that are not in it yet."""
    new: list[str] = []
    for path in folders:
        if not holds(";".join((*new, text)), _part(path), names):
            new.append(_part(path))
    return ";".join((*new, text)) if new and text else ";".join(new) or text


def without(text: str, stale: Sequence[Stale]) -> str:
    """The text without these parts."""
    gone = {each.number for each in stale}
    return ";".join(part for number, part in enumerate(parts(text)) if number not in gone)


def stale(text: str, version: str, roots: Mapping[str, str], names: Names) -> tuple[Stale, ...]:
    """Parts of toolkits of other versions: below NVIDIA's own folder, or below one of ``roots`` (folder to version)."""
    others = {folder(root, names): other for root, other in roots.items()}
    found = []
    for number, part in enumerate(parts(text)):
        at = folder(part, names)
        other = next((other for root, other in others.items() if at == root or at.startswith(root + "\\")), "")
        matched = _TOOLKIT.fullmatch(at)
        other = other or (matched[1] if matched else "")
        if other and key(other)[:2] != key(version)[:2]:
            found.append(Stale(number, part, other))
    return tuple(found)


def before(text: str, found: Sequence[Stale], path: str, names: Names) -> tuple[Stale, ...]:
    """Those that are looked through before the folder is."""
    wanted = folder(path, names)
    at = next((number for number, part in enumerate(parts(text)) if folder(part, names) == wanted), None)
    return tuple(each for each in found if at is None or each.number < at)


def _part(path: str) -> str:
    return f'"{path}"' if ";" in path and not path.startswith('"') else path
