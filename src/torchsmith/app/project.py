"""The project in a folder: which files of it say something of torch, read with bounds and never outside of that folder.

Only ``plan`` and ``why-not`` ask for it. Where there are no such files it costs one look at the folder's names.
"""

from __future__ import annotations

from torchsmith.host.base import NO_FILE, unanswered
from torchsmith.host.redact import without_secrets
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter, Target
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import fields, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, TypeVar

    from torchsmith.host.base import Host
    from torchsmith.model.facts.project import Dependency
    from torchsmith.model.known import Fact

    T = TypeVar("T")

TOML_LIMIT = 1 << 18
LINES_LIMIT = 1 << 20
LOCK_LIMIT = 16 << 20
FILES_LIMIT = 40
DEPTH_LIMIT = 8
KEPT = 2000
"""Statements of one kind that are kept."""
_LONGEST = 600
_LOCKS = {"poetry.lock": "poetry", "pdm.lock": "pdm", "uv.lock": "uv-project", "pixi.lock": "pixi", "Pipfile.lock": "pipenv"}
_OTHERS = ("pyproject.toml", "Pipfile", "pixi.toml", "environment.yml", "environment.yaml", "setup.cfg", "pylock.toml")
_FIRST = ("requirements.in", "requirements.txt", "requirements/base.txt", "requirements/main.txt", "requirements/prod.txt")
_OWN = frozenset({"project", "group", "extra", "constraints", "override"})
"""Where the project itself asks, in pyproject.toml."""

_KINDS = ("table", "source", "binding", "dependency", "locked", "conflict", "channel")


def of(host: Host, facts: Mapping[str, Fact[Any]]) -> Fact[PastedProject | None]:
    """The project that belongs to the environment, else the one in the current folder.

    Raises:
        UnreadableInputError: one of its files is not what it should be.

    """

    def given(name: str, kind: type[T]) -> T | None:
        fact = facts.get(name)
        return fact.value if isinstance(fact, Known) and isinstance(fact.value, kind) else None

    environment, interpreter = given("environment", Environment), given("interpreter", Interpreter)
    if environment is not None and environment.project:
        return read(host, environment.project)
    folders = host.folders()
    if isinstance(folders, Unknown):
        return folders
    target = given("target", Target)
    if target is not None and target.found_by == "--python" and interpreter is not None:
        return read(host, _above(interpreter.prefix))
    return read(host, folders.value["cwd"])


def _above(prefix: str) -> str:
    """The folder that an environment was made in."""
    parts = prefix.replace("\\", "/").rstrip("/").split("/")
    return "/".join(parts[:-3] if parts[-3:-1] == [".pixi", "envs"] else parts[:-1])


def read(host: Host, folder: str) -> Fact[PastedProject | None]:
    """The project in ``folder``; Known(None) where it holds no project files.

    Raises:
        UnreadableInputError: one of its files is not what it should be.

    """
    listed = host.names(folder) if folder else Unknown("no folder")
    if isinstance(listed, Unknown):
        return unanswered(listed)
    names = frozenset(listed.value)
    lists = [name for name in listed.value if name.startswith(("requirements", "constraints")) and name.endswith((".txt", ".in"))]
    if not lists and names.isdisjoint((*_LOCKS, *_OTHERS, "requirements")):
        return Known(None, f"no project files in {folder}")
    reading = _Reading(host, folder)
    reading.all_of(names, lists)
    return Known(reading.project(), folder) if reading.files else Known(None, f"no project files in {folder}")


class _Reading:
    """One project while it is read."""

    def __init__(self, host: Host, folder: str) -> None:
        self._host, self._folder = host, folder.replace("\\", "/").rstrip("/")
        real = host.real(folder)
        self._root = real.value.replace("\\", "/").rstrip("/") if isinstance(real, Known) else self._folder
        self._found: dict[str, list[Any]] = {}
        self._remarks: dict[str, None] = {}
        self._locks: list[str] = []
        self._pip_tools = False
        self.files: list[str] = []

    def all_of(self, names: frozenset[str], lists: list[str]) -> None:
        """Every file that says something of torch, the ones that demand first."""
        from torchsmith.intake import lock_files, requirement_lines, whole_files

        for name, kinds in (
            ("pyproject.toml", whole_files.pyproject),
            ("Pipfile", whole_files.pipfile),
            ("pixi.toml", whole_files.pixi),
        ):
            if name in names and (text := self._text(name, TOML_LIMIT)) is not None:
                self._toml(text, name, kinds)
        for name, parse in (
            ("setup.cfg", requirement_lines.setup_cfg),
            ("environment.yml", whole_files.environment_yml),
            ("environment.yaml", whole_files.environment_yml),
        ):
            if name in names and (text := self._text(name, LINES_LIMIT)) is not None:
                self._keep(parse(text, name), name)
        if "requirements" in names:
            inside = self._host.names(f"{self._folder}/requirements")
            found = inside.value if isinstance(inside, Known) else []
            lists = [*lists, *(f"requirements/{name}" for name in found if name.endswith((".txt", ".in")))]
        self._requirements(lists)
        for name in lock_files.TOOLS:
            if name in names and (text := self._text(name, LOCK_LIMIT, must=False)) is not None:
                self._keep(lock_files.read(text, name), name)
        self._locks = [name for name in _LOCKS if name in names]

    def _toml(self, text: str, name: str, kinds: Callable[[dict[str, Any]], Iterator[tuple[str, Any]]]) -> None:
        from torchsmith.intake.whole_files import NotReadError, toml

        if "\ufffd" in text:
            raise UnreadableInputError(f"`{name}` is no UTF-8 text, which TOML must be; save it as UTF-8")
        try:
            self._keep(kinds(toml(text, name)), name)
        except NotReadError as error:
            raise UnreadableInputError(f"{error}; mend it, or ask in a folder without it") from None

    def _requirements(self, lists: list[str]) -> None:
        """The main file demands, and what it includes; of the others each is one way among several."""
        first = next((name for name in _FIRST if name in lists), lists[0] if len(lists) == 1 else "")
        read: set[str] = set()
        for name in [first] if first else []:
            self._lines(name, "requirements", (), read)
        for name in lists[: FILES_LIMIT + 1]:
            if name not in read:
                self._lines(name, f"optional:{name}", (), read)

    def _lines(self, name: str, where: str, above: tuple[str, ...], read: set[str]) -> None:
        from torchsmith.intake import requirement_lines
        from torchsmith.model.facts.project import Locked

        if len(read) >= FILES_LIMIT:
            self._remarks[f"there are more than {FILES_LIMIT} requirements files; {name} and others were not read"] = None
            return
        read.add(name)
        text = self._text(name, LINES_LIMIT)
        if text is None:
            return
        found = list(requirement_lines.read(text, name, where))
        if requirement_lines.compiled(text):
            self._pip_tools = self._pip_tools or "by pip-compile" in text[:2000]
            index = next((value.url for kind, value in found if kind == "source"), "")
            found = [
                ("locked", Locked(value.package, value.specifier.lstrip("= "), index, "pip", value.marker, (), name))
                if kind == "dependency"
                else (kind, value)
                for kind, value in found
            ]
        self._keep(((kind, value) for kind, value in found if kind != "include"), name)
        for include in (value for kind, value in found if kind == "include"):
            self._include(name, include, where, (*above, name), read)

    def _include(self, name: str, include: Any, where: str, above: tuple[str, ...], read: set[str]) -> None:
        if "://" in include.path:
            self._remarks[f"{name} includes a file from the network, which was not read"] = None
            return
        target = self._inside(name, include.path)
        if target is None:
            raise UnreadableInputError(
                f"`{name}`, line {include.line}, includes `{include.path[:200]}`: this path escapes the project's folder;"
                " ask in the folder that holds both"
            )
        if target in above:
            chain = " -> ".join((*above[above.index(target) :], target))
            raise UnreadableInputError(f"requirements files include each other in a circle: {chain}; take one of the lines out")
        if len(above) >= DEPTH_LIMIT:
            raise UnreadableInputError(f"`{name}` is the {len(above)}th file of a chain of includes; nothing that deep is read")
        about = self._host.stat(f"{self._folder}/{target}")
        if isinstance(about, Unknown) and about.reason == NO_FILE:
            self._remarks[f"{name} includes {target[:200]}, which is not there"] = None
        elif target not in read:
            self._lines(target, "constraints" if include.limits else where, above, read)

    def _inside(self, name: str, path: str) -> str | None:
        """A path that a file names, from the project's folder; None for one that leads out of it."""
        path = path.replace("\\", "/")
        if path.startswith("/") or path[1:2] == ":":
            return path[len(self._folder) + 1 :] if path.startswith(f"{self._folder}/") and "/../" not in path else None
        parts = name.split("/")[:-1]
        for part in path.split("/"):
            if part == ".." and not parts:
                return None
            if part == "..":
                parts.pop()
            elif part not in {"", "."}:
                parts.append(part)
        return "/".join(parts)

    def _text(self, name: str, limit: int, *, must: bool = True) -> str | None:
        """The text of a file, without its mark; None where there is none to be read.

        ``must`` says that the file demands something: then one that is too long is an error, and else it is left out.
        """
        path = f"{self._folder}/{name}"
        about, real = self._host.stat(path), self._host.real(path)
        if isinstance(about, Known) and about.value.kind == "dir":
            return None
        if isinstance(real, Known) and not f"{real.value}/".replace("\\", "/").startswith(f"{self._root}/"):
            raise UnreadableInputError(
                f"`{name}` is a link out of the project's folder, and is not followed; put the file itself there"
            )
        if isinstance(about, Known) and about.value.kind != "file":
            raise UnreadableInputError(f"`{name}` is no regular file")
        found: Fact[str] = (
            Unknown("too long") if isinstance(about, Known) and about.value.size > limit else self._host.read(path, limit + 1)
        )
        if isinstance(found, Known) and len(found.value) <= limit:
            self.files.append(name)
            return _decoded(found.value, name)
        if isinstance(found, Known) or found.reason == "too long":
            size = f"{limit >> 20} MiB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
            if must:
                raise UnreadableInputError(f"`{name}` holds more than {size}, which no file of its kind does; it is not read")
            self._remarks[f"{name} holds more than {size} and was not read"] = None
        elif isinstance(about, Known):
            self._remarks[f"{name} could not be read: {found.reason}"] = None
        return None

    def _keep(self, found: Iterable[tuple[str, Any]], name: str) -> None:
        for kind, value in found:
            if kind == "remark":
                self._remarks[clean(value)] = None
                continue
            of_kind = self._found.setdefault(kind, [])
            if len(of_kind) < KEPT or (kind == "dependency" and _decides(value) and len(of_kind) < 2 * KEPT):
                made = clean(value)
                of_kind.append(replace(made, file=name) if kind == "dependency" and not made.file else made)
            elif kind in _KINDS:
                self._remarks[f"{name} says more than can be kept; of what follows only torch was looked for"] = None

    def project(self) -> PastedProject:
        """All that was read."""
        table, source, binding, dependency, locked, conflict, channel = (
            tuple(dict.fromkeys(self._found.get(kind, ()))) for kind in _KINDS
        )
        manager = self._manager()
        versions = [*self._found.get("version", ()), *(() if self._found.get("version") else self._found.get("core", ()))]
        return PastedProject(
            table,
            source,
            binding,
            _overridden(dependency),
            locked,
            conflict,
            channel,
            manager=manager,
            manager_version=max(versions, key=int, default="") if manager == "poetry" else "",
            folder=self._folder,
            files=tuple(map(clean, self.files)),
            remarks=tuple(map(clean, tuple(self._remarks)[:20])),
        )

    def _manager(self) -> str:
        """A lock file tells whose project it is; else the tables of a tool, else the kind of file that there is."""
        if self._locks:
            return _LOCKS[self._locks[0]]
        if named := self._found.get("manager"):
            order = ("poetry", "pdm", "uv-project", "pixi")
            return str(min(named, key=order.index))
        by_file = {"pixi.toml": "pixi", "Pipfile": "pipenv", "requirements.in": "pip-tools"}
        by_file |= {"environment.yml": "conda", "environment.yaml": "conda"}
        return next(
            (manager for name, manager in by_file.items() if name in self.files), "pip-tools" if self._pip_tools else "pip"
        )


def _overridden(dependencies: tuple[Dependency, ...]) -> tuple[Dependency, ...]:
    """Uv's overrides take the place of all that the project says of those packages; of others they are limits."""
    overrides = {asked.package: asked for asked in dependencies if asked.where == "override"}
    named = {asked.package for asked in dependencies if asked.where not in {"override", "constraints"}}
    kept = [asked for asked in dependencies if asked.package not in overrides or asked.where.partition(":")[0] not in _OWN]
    told = (replace(asked, where="project" if name in named else "constraints") for name, asked in overrides.items())
    return (*kept, *told) if overrides else dependencies


def _decides(dependency: Any) -> bool:
    return str(dependency.package).startswith(("torch", "numpy", "python"))


def _decoded(text: str, name: str) -> str:
    """A file as text: PowerShell writes UTF-16, of which zeros between the letters are left; other zeros are no text."""
    text = text.removeprefix("\ufeff")
    if "\0" in text and text.startswith("\ufffd\ufffd") and text.count("\0") * 3 > len(text):
        text = text[2:].replace("\0", "")
    if "\0" in text:
        raise UnreadableInputError(f"`{name}` holds zero bytes, as no text does")
    return text


def clean(value: T) -> T:
    """A record of texts, or a text: nothing in it that cannot be printed, no credentials, and no text longer than any is."""
    if isinstance(value, str):
        return _printable(value)  # type: ignore[return-value]
    if isinstance(value, tuple):
        return tuple(map(clean, value))  # type: ignore[return-value]
    changed = {
        name: cleaned
        for name in fields(value)
        if isinstance(before := getattr(value, name), str | tuple) and (cleaned := clean(before)) != before
    }
    return replace(value, **changed) if changed else value


def _printable(text: str) -> str:
    text = without_secrets(text)[:_LONGEST] if "://" in text else text[:_LONGEST]
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())
