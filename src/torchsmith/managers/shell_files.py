"""Which file a shell reads at its start, and the lines that set variables there, in the words of that shell.

PATH is put together when the shell starts, and only where the folder is not in it yet: a shell in a shell, or a file that two
others read, leaves it once.
"""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torchsmith.model.choice import Place

    Pairs = Sequence[tuple[str, str]]

BASH_LOGIN = (".bash_profile", ".bash_login", ".profile")
"""Bash reads the first of these that is there, when it is a login shell, and no other.

Source: bash(1), INVOCATION
"""

POSIX = frozenset({"bash", "zsh", "sh", "dash", "ksh", "mksh", "ash"})
_LOGIN_ONLY = POSIX - {"bash", "zsh"}
_UNSAFE = pattern(r"[\x00-\x1f\x7f]")
_WORD = pattern(r"[A-Za-z_][A-Za-z0-9_]*")


def shell_of(place: Place) -> str:
    """The shell of this user: ``zsh``, as SHELL names it; what commands are written for, where nobody set it."""
    if place.os == "windows":
        return "powershell"
    named = dict(place.values).get("SHELL", "").rpartition("/")[2]
    return {"pwsh": "powershell"}.get(named, named) or place.shell


def startup_files(shell: str, place: Place, there: Mapping[str, str]) -> tuple[str, ...]:
    """The files that get the lines, so that login shells and the others see them.

    Raises:
        CannotDo: nobody knows where this shell looks.

    """
    home, values = _home(place), dict(place.values)
    if shell == "bash":
        # Debian's ~/.profile reads ~/.bashrc, which ends at once in a shell that nobody types in: both get the block.
        login = next((name for name in BASH_LOGIN if f"{home}/{name}" in there), BASH_LOGIN[-1])
        return (f"{home}/{login}", f"{home}/.bashrc")
    if shell == "zsh":
        return (f"{values.get('ZDOTDIR', '').rstrip('/') or home}/.zshenv",)  # every zsh reads it, that of `ssh host command` too
    if shell in _LOGIN_ONLY:
        return (f"{home}/.profile",)
    config = values.get("XDG_CONFIG_HOME", "").rstrip("/") or f"{home}/.config"
    if shell == "fish":
        return (f"{config}/fish/config.fish",)
    if shell == "powershell" and place.os != "windows":
        return (f"{config}/powershell/profile.ps1",)
    raise CannotDo(f"where {shell or 'this shell'} reads variables at its start is not known here: set CUDA_HOME there by hand")


def readable(shell: str, place: Place) -> tuple[str, ...]:
    """All files of the user that may set variables in such a shell, in the order in which they are read."""
    home, values = _home(place), dict(place.values)
    config = values.get("XDG_CONFIG_HOME", "").rstrip("/") or f"{home}/.config"
    own = {
        "bash": tuple(f"{home}/{name}" for name in (*BASH_LOGIN, ".bashrc", ".bash_aliases")),
        "zsh": tuple(
            f"{values.get('ZDOTDIR', '').rstrip('/') or home}/{name}" for name in (".zshenv", ".zprofile", ".zshrc", ".zlogin")
        ),
        "fish": (f"{config}/fish/config.fish",),
        "powershell": (f"{config}/powershell/profile.ps1", f"{config}/powershell/Microsoft.PowerShell_profile.ps1"),
    }
    return (*own.get(shell, (f"{home}/.profile",)), f"{config}/environment.d/cuda.conf", f"{home}/.pam_environment")


def not_read_by(shell: str) -> str:
    """Which shells do not see what stands there."""
    if shell == "bash":
        return "`ssh HOST COMMAND`, cron and systemd units do not read these files: name the variables in the command there"
    if shell in _LOGIN_ONLY:
        return (
            "only login shells read ~/.profile: for `ssh HOST COMMAND`, cron and systemd units name the variables in the command"
        )
    return "cron and systemd units do not read this file: name the variables in the unit there"


def lines(shell: str, variables: Pairs, folder: str = "") -> str:
    """The lines that set ``variables`` and put ``folder`` in front of PATH; without a newline at their end.

    Raises:
        CannotDo: a value cannot be written in this shell.

    """
    for name, value in (*variables, ("PATH", folder)):
        separator = ":" if name == "PATH" and shell not in {"cmd", "powershell"} else "\n"
        if not _WORD.fullmatch(name) or _UNSAFE.search(value) or separator in value:
            raise CannotDo(f"{name} cannot hold {value!r}: give the toolkit a folder with a plainer name")
    made = [_assigned(shell, name, value) for name, value in variables]
    return "\n".join([*made, *(_on_path(shell, folder) if folder else ())])


def restored(shell: str, names: Sequence[str]) -> str:
    """The lines that put variables back as ``saved`` kept them."""
    return "\n".join(_restored(shell, name) for name in names)


def saved(shell: str, names: Sequence[str]) -> str:
    """The lines that keep what variables hold now, for ``restored``."""
    return "\n".join(_saved(shell, name) for name in names)


def quoted(shell: str, word: str) -> str:
    """A text as one word, in which nothing is expanded."""
    if shell == "fish":
        return "'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if shell == "powershell":
        return "'" + "".join(letter * 2 if letter in "'\u2018\u2019\u201a\u201b" else letter for letter in word) + "'"
    return "'" + word.replace("'", "'\"'\"'") + "'"


def _assigned(shell: str, name: str, value: str) -> str:
    if shell == "cmd":
        if "%" in value or '"' in value:
            raise CannotDo(f"cmd cannot hold {value!r}: give the toolkit a folder with a plainer name")
        return f'set "{name}={value}"'
    word = quoted(shell, value)
    return {"fish": f"set -gx {name} {word}", "powershell": f"$env:{name} = {word}"}.get(shell, f"export {name}={word}")


def _on_path(shell: str, folder: str) -> tuple[str, ...]:
    if shell == "cmd":
        return (f'set "PATH={folder};%PATH%"',)
    word = quoted(shell, folder)
    if shell == "fish":
        return (f"contains -- {word} $PATH; or set -gx PATH {word} $PATH",)
    if shell == "powershell":
        there = "$env:PATH -split [IO.Path]::PathSeparator"
        return (f"if (({there}) -notcontains {word}) {{ $env:PATH = {word} + [IO.Path]::PathSeparator + $env:PATH }}",)
    return (
        'case ":$PATH:" in',
        f"  *:{word}:*) ;;",
        f'  *) export PATH={word}"${{PATH:+:$PATH}}" ;;',
        "esac",
    )


def _saved(shell: str, name: str) -> str:
    kept = f"_TORCHSMITH_{name}"
    if shell == "cmd":
        return f'set "{kept}=%{name}%"'
    if shell == "powershell":
        return f"$env:{kept} = $env:{name}"
    if shell == "fish":
        return f"set -q {name}; and set -gx {kept} ${name}"
    return f'if [ -n "${{{name}+set}}" ]; then export {kept}="${name}"; fi'


def _restored(shell: str, name: str) -> str:
    kept = f"_TORCHSMITH_{name}"
    if shell == "cmd":
        return f'set "{name}=%{kept}%"\nset "{kept}="'
    if shell == "powershell":  # an empty text takes a variable away there
        return f"$env:{name} = $env:{kept}\n$env:{kept} = ''"
    if shell == "fish":
        return f"if set -q {kept}\n  set -gx {name} ${kept}\n  set -e {kept}\nelse\n  set -e {name}\nend"
    return f'if [ -n "${{{kept}+set}}" ]; then export {name}="${kept}"; unset {kept}; else unset {name}; fi'


def _home(place: Place) -> str:
    if not place.home or not place.home.startswith("/"):
        raise CannotDo("nobody told where the home folder of this user is (HOME is not set): nothing is written")
    return place.home.rstrip("/")
