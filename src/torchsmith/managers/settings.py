"""What the settings of a user say of CUDA: a toolkit as they are to name it, and who set what stands there now.

Only what belongs to the user is changed. What other programs set (a module system, direnv, a unit of systemd) and what the user
wrote by hand is found, named, and left as it is.
"""

from __future__ import annotations

from torchsmith.managers import shell_files, windows_settings
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.model.choice import Place

CUDA = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT")
NAMES = (
    *(*CUDA, "PATH", "LD_LIBRARY_PATH", "SHELL", "ZDOTDIR", "XDG_CONFIG_HOME"),
    *("LOADEDMODULES", "DIRENV_DIR", "DIRENV_FILE", "INVOCATION_ID"),
    *(
        "USERPROFILE",
        "LOCALAPPDATA",
        "APPDATA",
        "HOMEDRIVE",
        "HOMEPATH",
        "SystemRoot",
        "SystemDrive",
        "ProgramFiles",
        "ProgramData",
    ),
)
"""The variables whose values a change of settings rests on."""

_ASSIGNED = pattern(
    r"(?:^|[\s;&|{(])(?:export\s+|declare\s+-\w+\s+|typeset\s+-\w+\s+|\$env:|[Ss][Ee][Tt]\s+\"?)?"
    r"(CUDA_HOME|CUDA_PATH|CUDA_ROOT|CUDACXX|LD_LIBRARY_PATH|PATH)\s*\+?="
    r"|(?:^|[\s;&])(?:set(?:\s+-\S+)+|setenv)\s+(CUDA_HOME|CUDA_PATH|CUDA_ROOT|CUDACXX|LD_LIBRARY_PATH|PATH)\s"
    r"|(?:^|[\s;&])(?:(fish_add_path)|(module)\s+(?:load|add))\s"
)
_VERSIONED = pattern(r"/cuda[-/]v?(\d{1,3}\.\d{1,3})(?:\.\d+)?/bin/?$")


@record
class Wanted:
    """A toolkit as the settings are to name it: its CUDA version, its root, variables in order, folders for PATH."""

    version: str
    root: str
    variables: tuple[tuple[str, str], ...]
    folders: tuple[str, ...] = ()


@record
class Line:
    """A line of a shell's file that sets a variable of CUDA: where it stands, the variable, its text."""

    path: str
    number: int
    name: str
    text: str


def by_hand(shell: str, place: Place, files: Mapping[str, str]) -> Iterator[Line]:
    """Lines outside of our own block that set a variable of CUDA or put CUDA on PATH, in the order in which they are read."""
    for path in shell_files.readable(shell, place):
        ours = False
        for number, line in enumerate(files.get(path, "").split("\n"), 1):
            if "torchsmith" in line and (">>>" in line or "<<<" in line):
                ours = ">>>" in line
                continue
            name = "" if ours or line.lstrip().startswith("#") else assigned(line)
            if name:
                yield Line(path, number, name, line.strip()[:200])


def assigned(line: str) -> str:
    """The variable of CUDA that a line of any shell's file sets; empty for none."""
    found = _ASSIGNED.search(line)
    if not found:
        return ""
    name = found[1] or found[2] or ("PATH" if found[3] else "CUDA_HOME")
    plain = name in CUDA and not found[4]
    return name if plain or "cuda" in line.casefold() else ""


def set_elsewhere(wanted: Wanted, place: Place, files: Mapping[str, str]) -> tuple[str, ...]:
    """What stands in this shell's variables against the change, and who set it: named, never edited."""
    values, there = dict(place.values), {_plain(folder, place) for _, folder in place.toolkits}
    told = []
    for name in CUDA:
        value = values.get(name, "")
        if value and _plain(value, place) not in {_plain(wanted.root, place), *there}:
            told.append(f"{name} names `{value}`, where no toolkit was found: {_by_whom(name, value, place, files)}")
        elif value and _plain(value, place) != _plain(wanted.root, place):
            told.append(f"{name} names another toolkit in this shell, `{value}`: {_by_whom(name, value, place, files)}")
    separator = ";" if place.os == "windows" else ":"
    parts = [part for part in values.get("LD_LIBRARY_PATH", "").split(separator) if "cuda" in part.casefold()]
    if parts:
        whom = _by_whom("LD_LIBRARY_PATH", parts[0], place, files)
        told.append(f"LD_LIBRARY_PATH holds `{parts[0]}`, and what is there is loaded before the libraries of a wheel: {whom}")
    for part in values.get("PATH", "").split(":") if place.os != "windows" else ():
        matched = _VERSIONED.search(part)
        if matched and key(matched[1])[:2] != key(wanted.version)[:2]:
            told.append(f"PATH holds `{part}` of CUDA {matched[1]}: {_by_whom('PATH', part, place, files)}")
    return tuple(told)


def _by_whom(name: str, value: str, place: Place, files: Mapping[str, str]) -> str:
    values = dict(place.values)
    for at, said in (
        (windows_settings.USER, "the user's own variables set it"),
        (windows_settings.SYSTEM, "the machine's set it"),
    ):
        found = windows_settings.value_of(place, at, name)
        if found is not None and found[1] == value:
            return f"{said}, and those of the user are what this changes"
    shell = shell_files.shell_of(place)
    lines = by_hand(shell, place, files) if place.os != "windows" and place.home else ()
    line = next((line for line in lines if line.name == name and (name in CUDA or value in line.text)), None)
    if line is not None:
        return f"line {line.number} of {line.path} sets it, and is left as it is"
    modules = [module for module in values.get("LOADEDMODULES", "").split(":") if "cuda" in module.casefold()]
    if modules:
        return f"the module `{modules[0]}` is loaded; `module unload {modules[0]}` takes it back"
    if values.get("DIRENV_DIR") or values.get("DIRENV_FILE"):
        folder = values.get("DIRENV_FILE") or values.get("DIRENV_DIR", "").removeprefix("-") + "/.envrc"
        return f"direnv is at work here, look into `{folder}`"
    if place.os != "windows" and values.get("INVOCATION_ID"):
        return "this shell was started by a unit of systemd, look at its `Environment=`"
    return f"whoever started this shell set it, for no file that was read names `{value}`"


def reopened(place: Place, *, everywhere: bool) -> tuple[str, ...]:
    """Which programs see a change of the user's variables only when they are started anew."""
    if place.os == "windows":
        return (_WINDOWS_TERMINALS,)
    if not everywhere:
        return ("shells in which the environment is active now keep the old variables: deactivate and activate it again",)
    return (_SHELLS,)


_WINDOWS_TERMINALS = (
    "terminals that are open, and what was started from them, keep the old variables: close and open them again "
    "(Windows Terminal and VS Code as a whole, not only a tab)"
)
_SHELLS = (
    "shells that are open keep the old variables: open new ones (those in tmux and VS Code too); Jupyter and desktop programs "
    "see them after the next login"
)


def _plain(folder: str, place: Place) -> str:
    plain = folder.replace("\\", "/").rstrip("/")
    return plain.casefold() if place.os == "windows" else plain
