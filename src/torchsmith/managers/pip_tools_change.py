"""A pip-tools project is changed: torch in a file of its own with its index, installed first; the project's own lock after it.

The project's own requirements name torch too, since packages in them need it, and find it on the pages of its index that list
torch, torchvision and torchaudio and nothing else. So each resolve has one index, and recompiling keeps the build.
"""

from __future__ import annotations

from torchsmith.managers import locked, places, project_change, transactions
from torchsmith.managers.base import CannotDo, name_of
from torchsmith.managers.edits import requirements
from torchsmith.managers.edits.base import lines
from torchsmith.managers.pip_tools import ASKED, LOCKED, pages
from torchsmith.managers.places import FAMILY
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.transaction import Run, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.edits.requirements import Entry
    from torchsmith.managers.locked import Lock
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Environment

OWN = "requirements.in"
SHARED = (
    "filelock",
    "fsspec",
    "jinja2",
    "markupsafe",
    "mpmath",
    "networkx",
    "numpy",
    "pillow",
    "setuptools",
    "sympy",
    "typing-extensions",
)
"""What torch needs and its index has old copies of: the project's own lock says which of them."""
_COMES_WITH_TORCH = ("nvidia-", "triton", "pytorch-triton", "cuda-bindings", "cuda-pathfinder")
"""How the names of what torch pins begin."""
_HEADER = pattern(r"(?m)^#\s+(?:python -m piptools compile|pip-compile)\b(.*)$")
_KEPT = pattern(
    r"--(?:generate-hashes|strip-extras|no-strip-extras|allow-unsafe|no-allow-unsafe|no-annotate|no-header|no-emit-index-url"
    r"|no-emit-trusted-host|annotation-style=(?:line|split)|resolver=backtracking)"
)
"""The words of pip-compile's own header that are used again; any other could be anything."""
_OF_BUILD = pattern(r".*/(?:cu\d{2,3}|cpu|rocm[\d.]+|xpu)/?(?:torch\w*/?)?")
"""An index of PyTorch's, or a page of it, by how its address ends."""


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option
    folder = transactions.here(place)
    own, lock = _own(place)
    names = (ASKED, LOCKED, own, lock, *_included(files.get(f"{folder}/{own}", "")))
    return tuple(f"{folder}/{name}" for name in names) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """Both files written, compiled and installed, torch first.

    Raises:
        CannotDo: the project's requirements stand where pip-tools takes no index from, or install its own folder.

    """
    root = transactions.root(place)
    environment = project_change.environment(option, place, root)
    own, lock_file = _own(place)
    held = {name: files.get(f"{root}/{name}") for name in (ASKED, LOCKED, own, lock_file)}
    python = places.python_of(place.interpreter)
    with project_change.of_file(lock_file):
        _refuse_foreign(held[lock_file] or "", own)
        lock = locked.compiled(held[lock_file] or "", python) if held[own] is not None and held[lock_file] else None
    if project_change.updates(place):
        job = _Job(option, place, root, environment, held, (own, lock_file))
        return job.others(lock, files)
    with project_change.of_file(ASKED):
        asked = _asked(held[ASKED] or "", option, place) if option.index else None
    with project_change.of_file(own):
        text = held[own]
        _refuse_elsewhere(text or "", own, root, files)
        demands = tuple(_demands(text or ""))
        changed = text if text is None or option.declared else _bound(text, option, place)
    edits = (
        *transactions.edit(f"{root}/{ASKED}", asked, files, "torch alone, from its index alone"),
        *(transactions.edit(f"{root}/{own}", changed, files, "torch pinned, found on its own pages") if changed else ()),
        *(() if option.index else transactions.edit(f"{root}/{LOCKED}", None, files, "torch comes from the default index")),
    )
    job = _Job(option, place, root, environment, held, (own, lock_file))
    runs = job.runs(changed=bool(edits))
    if not runs and not edits:
        return Transaction(transactions.title(option))
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        runs,
        shown=project_change.compiled(option, (environment.python, "-m", "pip", "install", "--no-build-isolation")),
        expected=project_change.expected(option, place),
        notes=transactions.notes(
            places.why_new(option, place),
            locked.remarks(lock_file, lock, demands, "Python") if any(lock_file in run.writes for run in runs) else (),
        ),
        indexes=transactions.indexes(option),
        rests_on=transactions.read(tuple(f"{root}/{name}" for name in (LOCKED, lock_file) if held[name] is not None), files),
    )


def _own(place: Place) -> tuple[str, str]:
    """The project's own file and its lock: ``requirements.in``, else the only one that there is."""
    names = place.project.files if place.project is not None else ()
    found = [name for name in names if name.endswith(".in") and name.startswith("requirements") and name != ASKED]
    own = found[0] if len(found) == 1 and OWN not in found else OWN
    return own, f"{own.removesuffix('.in')}.txt"


class _Job:
    """The programs of one change."""

    def __init__(
        self,
        option: Option,
        place: Place,
        root: str,
        environment: Environment,
        held: dict[str, str | None],
        names: tuple[str, str],
    ) -> None:
        self._option, self._place, self._root, self._held = option, place, root, held
        self._own, self._lock = names
        self._environment, self._python = environment, environment.python
        self._words = _words(held[self._lock] or "", place)
        self._has_own = held[self._own] is not None

    def runs(self, *, changed: bool) -> tuple[Run, ...]:
        """Compile, then install, torch first; nothing where all of it is so."""
        option, place = self._option, self._place
        doubtful = places.doubtful(option, place)
        if not (changed or doubtful) and self._locked() and project_change.installed(option, place):
            return ()
        names = tuple(map(name_of, places.wanted(option, place)))
        return (
            *self._tools(),
            *((self._torch(),) if option.index else ()),
            *((self._compiled("the project's lock with this torch, all else as it is"),) if self._has_own else ()),
            *((self._pip("uninstall", "-y", *names, why="pip would take what is here for what is asked"),) if doubtful else ()),
            *self._install(),
        )

    def others(self, lock: Lock | None, files: Files) -> Transaction:
        """All but torch and what comes with it compiled anew, by name.

        Raises:
            CannotDo: there is no lock, or another torch in it than is installed.

        """
        place = self._place
        made = project_change.others("pip-tools", place, self._environment)
        if lock is None:
            raise CannotDo(f"there is no {self._lock} of a {self._own}: nothing says what is to be brought up to date")
        for name, version in made.expected.packages:
            if lock.version(name) not in {"", version}:
                raise CannotDo(f"{self._lock} holds {name} {lock.version(name)} where {version} is installed: apply that first")
        names = sorted(name for name, _ in lock.packages if name not in FAMILY and not name.startswith(_COMES_WITH_TORCH))
        newest = tuple(word for name in names for word in ("--upgrade-package", name))
        return replace(
            made,
            runs=(
                *self._tools(),
                self._compiled("all that is left open at its newest, torch as it is", *newest),
                self._pip("install", "-r", self._lock, why="what is locked, into the environment", folder=self._root),
            ),
            notes=transactions.notes(locked.remarks(self._lock, lock, _demands(self._held[self._own] or ""), "Python")),
            rests_on=transactions.read(tuple(f"{self._root}/{name}" for name in (self._own, self._lock)), files),
        )

    def _locked(self) -> bool:
        files = ((LOCKED, bool(self._option.index)), (self._lock, self._has_own))
        wanted = places.wanted(self._option, self._place)
        return all(locked.holds(locked.compiled(self._held[name] or ""), wanted) for name, needed in files if needed)

    def _tools(self) -> tuple[Run, ...]:
        """Pip in an environment of uv's, and pip-tools where the environment has none."""
        place = self._place
        has_pip = places.manager_of(place) != "uv"
        ensured = () if has_pip else (Run((self._python, "-m", "ensurepip"), "uv's environments have no pip"),)
        if not place.fresh and place.packages is not None and place.packages.version("pip-tools"):
            return ensured
        return (*ensured, self._pip("install", "pip-tools", why="it compiles the requirements"))

    def _torch(self) -> Run:
        """Its own lock; what the project's lock holds as well is left to that."""
        shared = tuple(word for name in SHARED for word in ("--unsafe-package", name)) if self._has_own else ()
        hashes = ("--generate-hashes",) if "--generate-hashes" in self._words else ()
        words = ("--strip-extras", *hashes, *shared, "--output-file", LOCKED, ASKED)
        # No other index for torch, whatever the user's variables name.
        alone = (("PIP_EXTRA_INDEX_URL", self._option.index or ""),)
        return self._compile(words, LOCKED, "torch at its exact build, from its index alone", alone)

    def _compiled(self, why: str, *words: str) -> Run:
        return self._compile((*words, *self._words, "--output-file", self._lock, self._own), self._lock, why)

    def _compile(self, words: tuple[str, ...], writes: str, why: str, variables: tuple[tuple[str, str], ...] = ()) -> Run:
        return Run((self._python, "-m", "piptools", "compile", *words), why, self._root, (writes,), variables)

    def _install(self) -> tuple[Run, ...]:
        option, rest = self._option, places.others(self._option)
        made: tuple[Run, ...] = ()
        if option.index:
            alone = ("--no-deps",) if self._has_own else ()
            made = (self._pip("install", *alone, "-r", LOCKED, why="torch first, from its own lock", folder=self._root),)
        if self._has_own:
            return (*made, self._pip("install", "-r", self._lock, why="all else, which finds torch there", folder=self._root))
        words = (*rest, *places.wanted(option, self._place)[: 1 if option.index else None])
        named = self._pip("install", *words, why="the others; torch is named so that it stays")
        return (*made, named) if rest or not option.index else made

    def _pip(self, *words: str, why: str, folder: str = "") -> Run:
        return Run((self._python, "-m", "pip", *words), why, folder)


# ---- the files


def _asked(text: str, option: Option, place: Place) -> str:
    """The file of torch's own: its index, and what comes from there."""
    for entry in requirements.entries(text):
        if entry.name in FAMILY and entry.name not in {pin.name for pin in option.packages}:
            text = requirements.remove(text, entry.name)
    for word in places.wanted(option, place):
        text = requirements.put(text, word)
    return requirements.put_option(text, "--index-url", option.index or "")


def _bound(text: str, option: Option, place: Place) -> str:
    """The project's own file: torch pinned where it stands, its pages named, other indexes of PyTorch's gone."""
    for entry in requirements.entries(text):
        if entry.words.startswith(("-e", "--editable", ".")) or "file:" in entry.words:
            raise CannotDo(
                f"it installs a folder (`{entry.words}`), whose path would get into the lock; `torchsmith plan` has the commands"
            )
    text = _without_old(text, pages(option, place))
    for word in project_change.pins(option, place):
        text = requirements.put(text, word)
    for line in reversed(pages(option, place)):
        text = requirements.put_line(text, line)
    return text


def _without_old(text: str, kept: tuple[str, ...]) -> str:
    """Without the lines that name an index of another build."""
    gone = [entry for entry in requirements.entries(text) if _is_old(entry) and entry.words not in kept]
    dropped = {at for entry in gone for at in range(entry.first, entry.last)}
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    found = lines(text.removeprefix("\ufeff"))
    return mark + "".join(line for at, line in enumerate(found) if at not in dropped) if dropped else text


def _is_old(entry: Entry) -> bool:
    name, _, value = entry.words.replace("=", " ", 1).partition(" ")
    return name in {"--extra-index-url", "--find-links", "-f"} and _OF_BUILD.fullmatch(value.strip()) is not None


def _included(text: str) -> tuple[str, ...]:
    """The files of the project's folder that this one includes."""
    with project_change.of_file(OWN):
        found = requirements.option(text, "--requirement")
    return tuple(name for name in found if "://" not in name and not name.startswith(("/", "..")))


def _refuse_elsewhere(text: str, own: str, root: str, files: Files) -> None:
    for name in _included(text):
        held = [each for each in FAMILY if requirements.named(files.get(f"{root}/{name}", ""), each)]
        if held:
            raise CannotDo(f"{own} includes {name}, which names {held[0]}: move that into {own}, so that it is pinned once")


def _refuse_foreign(text: str, own: str) -> None:
    """A lock that is compiled from another file than that of the project's requirements."""
    header = _HEADER.search(text[:4000])
    source = header[1].split()[-1] if header and header[1].split() else own
    if not source.startswith("-") and source != own:
        raise CannotDo(f"it is compiled from {source}, where pip-tools takes no index from: name torch in a {own}")


def _words(text: str, place: Place) -> tuple[str, ...]:
    """The words by which pip-compile wrote the lock; for a first one those that it will take by itself, with hashes if asked."""
    header = _HEADER.search(text[:4000])
    if header is None:
        return ("--strip-extras", *(("--generate-hashes",) if place.goal == "reproducible" else ()))
    return tuple(word for word in header[1].split() if _KEPT.fullmatch(word))


def _demands(text: str) -> list[tuple[str, str, str]]:
    """(package, specifier, where) of what the lock has to hold."""
    from torchsmith.managers.edits.toml_requirements import parts

    found = []
    for entry in requirements.entries(text):
        if entry.name:
            _, _, specifier, marker = parts(entry.requirement)
            if not marker and not specifier.startswith("@"):
                found.append((entry.name, specifier, "requirements"))
    return found
