r"""A toolkit in the user's own part of Windows' registry: CUDA_HOME, CUDA_PATH and the user's Path.

The type of each value and all other parts of the Path are kept. What belongs to the machine (HKEY_LOCAL_MACHINE) is only shown.
"""

from __future__ import annotations

from torchsmith.managers import windows_path
from torchsmith.managers.base import CannotDo
from torchsmith.model.transaction import RegistryEdit, Shown
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.settings import Wanted
    from torchsmith.model.choice import Place

USER = "Environment"
"""The key of the user's variables, below HKEY_CURRENT_USER."""

SYSTEM = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment"
COMMAND_PROCESSOR = r"Software\Microsoft\Command Processor"
ASKED = (*((USER, name) for name in ("Path", "CUDA_HOME", "CUDA_PATH")), (COMMAND_PROCESSOR, "AutoRun"))
"""The user's values that are read, with their types."""

MACHINE = ("Path", "CUDA_PATH", "CUDA_HOME")
"""The machine's values that are read, below SYSTEM."""

LONGEST = 32766
SETX = 1024
DIALOG = 2047
"""What Windows holds in a variable, and where setx and old dialogs cut a PATH.

Sources: https://learn.microsoft.com/windows/win32/api/processenv/nf-processenv-setenvironmentvariablew,
https://learn.microsoft.com/windows-server/administration/windows-commands/setx
"""

_ASK = "; they stay unless it is asked that they go"


def edits(wanted: Wanted, place: Place) -> tuple[RegistryEdit, ...]:
    """The values of the registry that change; none where all name the toolkit already.

    Raises:
        CannotDo: a value cannot be kept as it is with the folder beside it.

    """
    names, made = expansions(place), []
    for name, value in wanted.variables:
        before = value_of(place, USER, name)
        if before is None or windows_path.folder(before[1], replaced(before[0], names)) != windows_path.folder(value, {}):
            after = (before[0] if before else "REG_SZ", value)
            made.append(RegistryEdit(USER, name, before, _sound(name, after), f"names the CUDA {wanted.version} toolkit"))
    before = value_of(place, USER, "Path")
    kind, text = before or ("REG_EXPAND_SZ", "")
    names = replaced(kind, names)
    after_text = text
    if place.remove_stale:
        after_text = windows_path.without(text, windows_path.stale(text, wanted.version, others(wanted, place), names))
    after_text = windows_path.added(after_text, wanted.folders, names)
    if after_text != text:
        after = _sound("Path", (kind, after_text))
        made.append(RegistryEdit(USER, "Path", before, after, "finds nvcc by its bare name; all other parts stay"))
    return tuple(made)


def _sound(name: str, value: tuple[str, str]) -> tuple[str, str]:
    kind, text = value
    if len(text) > LONGEST:
        raise CannotDo(f"{name} would have {len(text)} characters, and Windows holds {LONGEST}: take folders out of it first")
    if kind == "REG_EXPAND_SZ" and name != "Path" and "%" in text:
        raise CannotDo(f"{name} is expanded by Windows and cannot name {text!r}: delete the variable first")
    return value


def value_of(place: Place, at: str, name: str) -> tuple[str, str] | None:
    """A value of the registry as it was read."""
    for found, called, kind, text in place.registry:
        if found.casefold() == at.casefold() and called.casefold() == name.casefold():
            return kind, text
    return None


def expansions(place: Place) -> dict[str, str]:
    """What ``%NAMES%`` stand for: the variables of this process, then what the registry gives new ones."""
    known = {name.casefold(): text for name, text in place.values}
    for at in (SYSTEM, USER):
        for found, name, _, text in place.registry:
            if found.casefold() == at.casefold() and name.casefold() != "path":
                known[name.casefold()] = text
    return known


def replaced(kind: str, names: dict[str, str]) -> dict[str, str]:
    """The names that Windows replaces in a value of this type."""
    return names if kind == "REG_EXPAND_SZ" else {}


def others(wanted: Wanted, place: Place) -> dict[str, str]:
    """The toolkits of other versions that are here: folder to version."""
    return {folder: version for version, folder in place.toolkits if key(version)[:2] != key(wanted.version)[:2]}


def notes(wanted: Wanted, place: Place) -> tuple[str, ...]:
    """What is to be known beside the values: parts of other toolkits, a long PATH, what cmd runs at its start."""
    names, told = expansions(place), []
    path = value_of(place, USER, "Path")
    text = path[1] if path else ""
    names = replaced(path[0] if path else "", names)
    found = windows_path.stale(text, wanted.version, others(wanted, place), names)
    if found:
        parts = ", ".join(f"`{each.text}` (CUDA {each.version})" for each in found)
        told.append(
            f"the user's Path held {parts}: taken out" if place.remove_stale else f"the user's Path holds {parts} too{_ASK}"
        )
        first = windows_path.before(text, found, wanted.folders[0], names) if wanted.folders else ()
        if first and windows_path.holds(text, wanted.folders[0], names) and not place.remove_stale:
            told.append(f"`nvcc` by its bare name stays that of CUDA {first[0].version}: its folder stands first")
    if len(text) > SETX:
        told.append(f"the user's Path has {len(text)} characters and is kept whole: setx would cut it at {SETX}{_dialog(text)}")
    if path is not None and path[0] == "REG_SZ" and "%" in text:
        told.append("the user's Path is of type REG_SZ, so its %NAMES% are not replaced; the type is left as it is")
    auto = value_of(place, COMMAND_PROCESSOR, "AutoRun")
    if auto is not None and "cuda" in auto[1].casefold():
        told.append(f"cmd runs `{auto[1]}` at its start (AutoRun), which sets variables of CUDA anew: look at it")
    system = value_of(place, SYSTEM, "CUDA_PATH")
    if system is not None and windows_path.folder(system[1], names) != windows_path.folder(wanted.root, names):
        told.append(f"the machine's own CUDA_PATH stays `{system[1]}`; that of the user goes before it")
    return tuple(told)


def _dialog(text: str) -> str:
    return f", and old dialogs of Windows at {DIALOG}" if len(text) > DIALOG else ""


def shown(wanted: Wanted, place: Place) -> tuple[Shown, ...]:
    """The machine's own Path is looked through before the user's: what stands there can only be shown."""
    names, path = expansions(place), value_of(place, SYSTEM, "Path")
    found = windows_path.stale(path[1], wanted.version, others(wanted, place), names) if path and wanted.folders else ()
    if not path or not found or windows_path.holds(path[1], wanted.folders[0], names):
        return ()
    why = (
        f"the machine's Path holds `{found[0].text}` and is looked through before the user's, so `nvcc` alone is that of CUDA "
        f"{found[0].version}; an administrator can move it in this dialog. CUDA_HOME decides for what is built against torch"
    )
    return (Shown(("rundll32.exe", "sysdm.cpl,EditEnvironmentVariables"), why),)
