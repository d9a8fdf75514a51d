"""What a plan needs to know of what it would change: its present state, who uses it, and whether it is this user's to change."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from torchsmith.act import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


def fingerprint(prefix: str) -> str:
    """That of the environment, empty where there is none."""
    from torchsmith.act import clone

    return clone.fingerprint(Path(prefix)) if Path(prefix).is_dir() else ""


def users(prefix: str) -> tuple[str, ...]:
    """The processes that have the environment open."""
    from torchsmith.act import users as looking

    return looking.users(Path(prefix)) if Path(prefix).is_dir() else ()


def on_windows() -> bool:
    """Whether this system has a registry."""
    return os.name == "nt"


def texts(paths: Iterable[str]) -> dict[str, str]:
    """The whole text of each file that is there, by its path.

    Raises:
        UnreadableInputError: one of them is no regular file, too long, or may not be read.

    """
    found = ((path, files.text(path)) for path in dict.fromkeys(paths))
    return {path: text for path, text in found if text is not None}


def of_another_user(paths: Iterable[str], environ: Mapping[str, str] | None = None) -> str:
    """The first of these that root would change in somebody else's place, and whose it is; empty where there is none.

    Of what is not there yet the folder counts that it would be made in. Below root's own home all is root's.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ""
    environ = os.environ if environ is None else environ
    own = {0}
    for path in paths:
        owner = _owner(Path(path))
        if owner is not None and owner not in own:
            return f"`{path}` belongs to {_name(owner)}"
        invoker = environ.get("SUDO_USER", "")
        if invoker and invoker != "root" and _below(path, _home(invoker)):
            return f"`{path}` lies in the home folder of {invoker}"
    return ""


def whose_program(path: str) -> str:
    """Whose an interpreter is, where it is neither this user's nor root's: what a file names is not run for a stranger."""
    if not path or not hasattr(os, "geteuid"):
        return ""
    named = [Path(path), *(Path(path) / inside for inside in ("bin/python", "Scripts/python.exe"))]
    for place in (place for each in named if each.exists() for place in (each, each.resolve(), each.resolve().parent)):
        owner = _owner(place)
        if owner not in {None, 0, os.geteuid()}:
            return f"`{place}` belongs to {_name(owner or 0)}"
    return ""


def program(path: str) -> tuple[str, str]:
    """Where an interpreter leads to, and the prefix of the environment that it stands in; empty where it stands in none."""
    python = Path(os.path.abspath(path))
    marked = (each for each in python.parents[:2] if (each / "pyvenv.cfg").is_file() or (each / "conda-meta").is_dir())
    prefix = next(marked, None)
    return real(str(python)), real(str(prefix)) if prefix else ""


def link(path: str) -> str:
    """What a symbolic link leads to; empty where the path is none."""
    return os.path.realpath(path) if os.path.islink(path) else ""


def is_here(path: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether a path lies in the current folder, in a folder that holds it, or in the active environment.

    What is no path from the root, a key of the registry, belongs to the user wherever they stand; so does what lies in the home
    folder itself.
    """
    environ = os.environ if environ is None else environ
    if not os.path.isabs(path):
        return True
    own, folder, home = real(path), real(os.getcwd()), os.path.expanduser("~")
    active = [real(value) for name in ("VIRTUAL_ENV", "CONDA_PREFIX") if (value := environ.get(name))]
    parent = os.path.dirname(own)
    return within(own, folder) or within(folder, parent) or parent == real(home) or any(within(own, each) for each in active)


def real(path: str) -> str:
    """A path without symbolic links, and in one case where case does not count."""
    return os.path.normcase(os.path.realpath(path))


def absolute(path: str) -> str:
    """A path from the root; links stay."""
    return os.path.abspath(path)


def is_absolute(path: str) -> bool:
    """Whether a path says the same in every folder."""
    return os.path.isabs(path)


def parent(path: str) -> str:
    """The folder that a file lies in."""
    return os.path.dirname(os.path.abspath(path))


def within(path: str, folder: str) -> bool:
    """Whether a path is a folder, or lies below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def around(folders: Iterable[str], home: str) -> tuple[str, ...]:
    """What may have come here together: each folder, and the repository that it is part of; never a whole home folder."""
    own = real(home) if home else ""
    found: list[str] = []
    for folder in map(real, folders):
        tree = next((str(each) for each in (Path(folder), *Path(folder).parents) if (each / ".git").exists()), folder)
        found += [each for each in (tree, folder) if not (own and within(own, each))]
    return tuple(dict.fromkeys(found))


def _owner(path: Path) -> int | None:
    for place in (path, *path.parents):
        with suppress(OSError):
            return place.stat().st_uid
    return None


def _name(uid: int) -> str:
    with suppress(ImportError, KeyError):
        import pwd

        return pwd.getpwuid(uid).pw_name
    return f"the user with the number {uid}"


def _home(name: str) -> str:
    with suppress(ImportError, KeyError):
        import pwd

        return pwd.getpwnam(name).pw_dir
    return ""


def _below(path: str, home: str) -> bool:
    return len(home) > 1 and (path == home or path.startswith(home.rstrip("/") + "/"))
