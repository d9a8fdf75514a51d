"""Copies that programs work on: the project's folder, and the environment."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager
from pathlib import Path

from torchsmith.act import files, locks
from torchsmith.model.record import record
from torchsmith.model.transaction import ENCODING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.model.transaction import Environment, Transaction

_UP = re.compile(r"(?<![./\w])((?:\.\./){1,6})")
_RELATIVE = re.compile(rb'"((?:\.\./)+[^"\n]*)"')
_WRITTEN = ("pyproject.toml", "Pipfile", "requirements.txt", "requirements.in", "pixi.toml", "environment.yml")
_NAMING = (*_WRITTEN, "uv.lock", "poetry.lock", "pdm.lock")
"""Files that name what lies beside the project."""
_LINKED = frozenset({".git", ".hg", ".svn", "node_modules", ".tox", ".nox", locks.OURS})
"""Folders that nothing is built from."""
_FILES, _BYTES = 5000, 64 << 20
"""Up to this many files and bytes a project is copied; a larger one is linked: what a build writes beside its sources stays."""
_MANY = 2000
"""Names of a folder beside the project that are linked; a dependency in a folder with more is not reached."""


@record
class Copies:
    """Where the copies are: pairs of what is live and what stands for it, the longest live path first."""

    pairs: tuple[tuple[str, str], ...] = ()
    environment: str = ""
    project: str = ""

    def mapped(self, word: str) -> str:
        """A word of a command with the copies' paths in place of the live ones."""
        if not self.pairs:
            return word
        # All at once: the copy of a project bears a path that begins like the project's own.
        known = dict(self.pairs)
        live = "|".join(map(re.escape, known))
        return re.sub(rf"(?<![\w.-])(?:{live})(?![\w.-])", lambda found: known[found[0]], word)


def environment_folder(environment: Environment, number: int) -> Path:
    """Where the clone of an environment is made: beside it, on its file system."""
    prefix = Path(os.path.realpath(environment.prefix))
    if environment.kind == "conda":
        from torchsmith.act import relocate

        return relocate.sibling(prefix)
    return resting_place(environment, number)


def resting_place(environment: Environment, number: int) -> Path:
    """Where it lies afterwards, and the tree whose place it takes."""
    return free(locks.of_environment(Path(os.path.realpath(environment.prefix))) / f"run-{number}")


def project_folder(folder: str, number: int) -> Path:
    """Where the copy of a project is made: in it, so that its own path stays the beginning of every name."""
    return free(Path(os.path.realpath(folder)) / locks.OURS / f"run-{number}")


def free(path: Path) -> Path:
    """This path, or one like it where something lies: what another user's run or a lost one has left."""
    names = (path, *(path.with_name(f"{path.name}-{other}") for other in range(2, 1000)))
    return next(name for name in names if not os.path.lexists(name))


def project(folder: str, transaction: Transaction, staged: Path) -> Path:
    """A folder in ``staged`` that looks like the project after its edits; of a large one only what may be written is a copy.

    Folders above it that a file of the project names by ``../`` are there too, as links.
    """
    live = Path(os.path.realpath(folder))
    texts = {os.path.realpath(edit.path): edit.text for edit in transaction.edits}
    own = {path for path in texts if Path(path).is_relative_to(live)}
    own |= {str(live / name) for run in transaction.runs if run.folder for name in run.writes}
    up = _levels(live, texts)
    locks.own_folder(staged)
    for level in range(up, 0, -1):
        above = live.parents[level - 1]
        inside = live.parts[len(above.parts)]
        for name in os.listdir(above)[:_MANY]:
            if name not in {inside, locks.OURS}:
                _link(above / name, staged / name)
        staged = staged / inside
        staged.mkdir()
    if not up:
        staged = staged / live.name
        staged.mkdir()
    prefix = os.path.realpath(transaction.environment.prefix) if transaction.environment else ""
    _mirror(live, staged, own, prefix, whole=_is_small(live, prefix))
    for path in sorted(own):
        text = texts.get(path)
        data = text.encode(*ENCODING) if text is not None else None if path in texts else files.content(path)
        if data is not None:
            files.write(staged / Path(path).relative_to(live), data)
    return staged


def _mirror(live: Path, staged: Path, own: set[str], prefix: str, *, whole: bool) -> None:
    """What a folder holds, as copies where the ``whole`` is small, else as links.

    Building a project's metadata writes beside its sources (egg-info, a version file, a cache): that must not reach them.
    """
    for name in os.listdir(live):
        path, copy = live / name, staged / name
        if name == locks.OURS or str(path) in own or str(path) == prefix:
            continue
        plain = not path.is_symlink() and name not in _LINKED
        if any(each.startswith(f"{path}{os.sep}") for each in own) or (whole and plain and path.is_dir()):
            copy.mkdir()
            _mirror(path, copy, own, prefix, whole=whole)
        elif whole and plain and path.is_file():
            shutil.copy2(path, copy)
        else:
            _link(path, copy)


def _is_small(live: Path, prefix: str) -> bool:
    """Whether a copy of the project costs next to nothing."""
    count, size = 0, 0
    for parent, folders, names in os.walk(live):
        folders[:] = [each for each in folders if each not in _LINKED and os.path.join(parent, each) != prefix]
        for name in names:
            about = os.lstat(os.path.join(parent, name))
            count, size = count + 1, size + about.st_size
            if count > _FILES or size > _BYTES:
                return False
    return True


def _levels(live: Path, texts: dict[str, str | None]) -> int:
    """How far up the project's files reach, at most to where folders begin that are everybody's."""
    found = [len(match[1]) // 3 for text in texts.values() if text for match in _UP.finditer(text)]
    for name in _NAMING:
        text = files.text(live / name) if (live / name).is_file() else None
        found += [len(match[1]) // 3 for match in _UP.finditer(text or "")]
    return min(max(found, default=0), len(live.parents) - 1)


def _link(target: Path, link: Path) -> None:
    link.symlink_to(target, target_is_directory=target.is_dir())


@contextmanager
def given(folder: Path, wanted: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Files of a copy as one program finds them; afterwards they are as they were."""
    before = {name: files.content(folder / name) for name, _ in wanted}
    for name, text in wanted:
        files.write(folder / name, text.encode(*ENCODING))
    yield
    for name, data in before.items():
        (folder / name).unlink()
        if data is not None:
            files.write(folder / name, data)


def as_if_live(data: bytes, staged: Path, live: Path) -> bytes:
    """A file that a program wrote in the copy, with the relative paths that it would have written in the live folder.

    Poetry follows the links of the copy, and names what they lead to by a path from there.
    """
    top = next((parent for parent in staged.parents if parent.parent.name == locks.OURS), staged)

    def told(match: re.Match[bytes]) -> bytes:
        path = os.path.normpath(os.path.join(os.path.realpath(staged), os.fsdecode(match[1])))
        if Path(path).is_relative_to(os.path.realpath(top)):
            return match[0]
        return b'"' + os.fsencode(os.path.relpath(path, os.path.realpath(live)).replace(os.sep, "/")) + b'"'

    return _RELATIVE.sub(told, data)
