"""A root cause that no torch cures: what to do instead, as commands that are shown, and where a variable comes from."""

from __future__ import annotations

from torchsmith.choose import root_cause
from torchsmith.model.action import SetVariable, UnsetVariable
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern
from torchsmith.model.transaction import Shown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.host.base import Host
    from torchsmith.model.diagnosis import Diagnosis

FILES = (
    *(".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zprofile", ".zshenv", ".config/fish/config.fish"),
    *(".pam_environment", ".config/environment.d/envvars.conf"),
)
"""Where shells of a user take variables from, below the home folder."""
OF_ALL = ("/etc/environment", "/etc/profile", "/etc/bash.bashrc", "/etc/zsh/zshenv")
OF_A_FOLDER = (".env", ".envrc")
LIMIT = 1 << 18
_SET = pattern(
    r"\s*(?:export\s+|declare\s+-x\s+|typeset\s+-x\s+|set\s+(?:-\S+\s+)*)?([A-Za-z_][A-Za-z0-9_]{0,80})(?:\s*=|\s+[^\s=])"
)


def shown(diagnosis: Diagnosis, host: Host) -> tuple[Shown, ...]:
    """The first remedy of the root cause, and where the variables of it are set."""
    cause = root_cause.cause(diagnosis)
    if cause is None or not cause.remedies:
        return ()
    first = cause.remedies[0]
    why = f"{first.title}{': ' + first.why if first.why else ''}"
    commands = tuple(Shown(command, why) for command in first.commands) or (Shown((), why),)
    names = tuple(action.name for action in first.actions if isinstance(action, UnsetVariable | SetVariable))
    return (*commands, *(Shown((), said) for name in names for said in where(name, host)))


def told(diagnosis: Diagnosis) -> str:
    """What is wrong, in a sentence; empty where nothing is."""
    cause = root_cause.cause(diagnosis)
    return f"{cause.cause}: {cause.summary}" if cause else ""


def where(name: str, host: Host) -> Iterator[str]:
    """The files, lines and registry keys that set a variable."""
    folders = host.folders()
    home, here = (folders.value["home"], folders.value["cwd"]) if isinstance(folders, Known) else ("", "")
    paths = (*(f"{home}/{file}" for file in FILES if home), *OF_ALL, *(f"{here}/{file}" for file in OF_A_FOLDER if here))
    for path in paths:
        text = host.read(path, LIMIT)
        for number, line in enumerate(lines(text.value, name) if isinstance(text, Known) else (), 1):
            if line:
                yield f"{name} is set in {path}, line {number}: {line[:200]}"
    for key in ("HKCU\\Environment", "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Environment"):
        if isinstance(host.registry(key, name), Known):
            yield f"{name} is set in the registry, {key}"


def lines(text: str, name: str) -> Iterator[str]:
    """Each line of a start-up file: itself where it sets the variable, else empty."""
    for line in text.split("\n"):
        found = _SET.match(line)
        yield line.strip() if found and found[1] == name else ""
