"""Variables that hold only while one environment is active: conda's hooks, direnv's file, else the activate scripts of a venv.

A venv has no folder of hooks, and its ``deactivate`` knows no variables but its own: the block at the end of its scripts sets
them, and the shell keeps them until it ends. conda's hooks put back what was there before.
"""

from __future__ import annotations

from torchsmith.managers import shell_files, shell_settings, transactions
from torchsmith.model.transaction import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.managers.settings import Wanted
    from torchsmith.model.choice import Place
    from torchsmith.model.transaction import Edit

    Scripts = tuple[tuple[str, str], ...]

HOOK = "torchsmith-cuda"
_UNIX = (
    ("bin/activate", "bash"),
    ("bin/activate.fish", "fish"),
    ("bin/Activate.ps1", "powershell"),
    ("bin/activate.ps1", "powershell"),
)
_WINDOWS = (
    (r"Scripts\activate.bat", "cmd"),
    (r"Scripts\Activate.ps1", "powershell"),
    (r"Scripts\activate", "bash"),
)
_UNIX_HOOKS = (("sh", "bash"), ("fish", "fish"))
_WINDOWS_HOOKS = (("bat", "cmd"), ("ps1", "powershell"), ("sh", "bash"))


def scripts(place: Place) -> Scripts:
    """(path, shell) of the files that may be changed; a venv's are changed only where they are there."""
    prefix = place.interpreter.prefix if place.interpreter is not None and not place.fresh else ""
    if not prefix:
        return ()
    windows = place.os == "windows"
    if not _conda(place):
        return tuple((_joined(prefix, name, windows), shell) for name, shell in (_WINDOWS if windows else _UNIX))
    kinds = _WINDOWS_HOOKS if windows else _UNIX_HOOKS
    return tuple(
        (_joined(prefix, f"etc/conda/{folder}/{HOOK}.{ending}", windows), shell)
        for folder in ("activate.d", "deactivate.d")
        for ending, shell in kinds
    )


def envrc(place: Place) -> str:
    """The file of direnv in the project; empty where nobody knows the project's folder, and on Windows."""
    folder = transactions.here(place)
    return f"{folder}/.envrc" if folder and place.os != "windows" else ""


def edits(wanted: Wanted, place: Place, files: Mapping[str, str]) -> tuple[Edit, ...]:
    """The lines in the files that activate this environment; none where it is not made yet.

    Raises:
        CannotDo: a block in a file is not as torchsmith left it, or the toolkit's folder cannot be written in that shell.

    """
    why = "holds while the environment is active"
    if envrc(place) in files:
        text = shell_settings.put(files[envrc(place)], shell_files.lines("bash", wanted.variables), envrc(place))
        return transactions.edit(envrc(place), text, files, "direnv sets it in this folder")
    made: list[Edit] = []
    for path, shell in scripts(place):
        if _conda(place):
            made += transactions.edit(path, _hook(wanted, shell, path), files, why)
        elif path in files and not (path.endswith("/activate.ps1") and _capital(path) in files):  # one file on macOS
            text = shell_settings.put(files[path], shell_files.lines(shell, wanted.variables), path)
            made += transactions.edit(path, text, files, why)
    return tuple(made)


def notes(place: Place, files: Mapping[str, str]) -> tuple[str, ...]:
    """What holds and what does not, where it is set this way."""
    if place.fresh:
        return ("the new environment is there after this run: apply once more to set the variables where it is activated",)
    if envrc(place) in files or _conda(place):
        return ()
    told = ["a venv's `deactivate` leaves CUDA_HOME set until the shell ends"]
    manager = place.environment.manager if place.environment is not None else ""
    if manager in {"uv-project", "poetry", "pdm", "pipenv"}:
        words = {"uv-project": "uv run"}.get(manager, f"{manager} run")
        told.append(f"`{words}` does not read activate scripts: activate the environment, or name CUDA_HOME before the command")
    signed = next((path for path, text in files.items() if path.endswith(".ps1") and "# SIG # Begin" in text), "")
    if signed:
        told.append(f"the signature of {signed} does not hold any more: PowerShell runs it unless its policy is AllSigned")
    return tuple(told)


def shown(place: Place, files: Mapping[str, str]) -> tuple[Shown, ...]:
    """Direnv reads a file that was changed only after this."""
    if envrc(place) not in files:
        return ()
    return (Shown(("direnv", "allow", transactions.here(place)), "direnv reads a file that was changed only when you allow it"),)


def _hook(wanted: Wanted, shell: str, path: str) -> str:
    names = [name for name, _ in wanted.variables]
    if "deactivate.d" in path:
        body = shell_files.restored(shell, names)
    else:
        body = shell_files.saved(shell, names) + "\n" + shell_files.lines(shell, wanted.variables)
    end = "\r\n" if shell in {"cmd", "powershell"} else "\n"
    return "".join(line + end for line in body.split("\n"))


def _capital(path: str) -> str:
    return path.removesuffix("activate.ps1") + "Activate.ps1"


def _conda(place: Place) -> bool:
    return place.environment is not None and place.environment.kind == "conda"


def _joined(prefix: str, name: str, windows: bool) -> str:
    return prefix.rstrip("\\/") + ("\\" + name.replace("/", "\\") if windows else f"/{name}")
