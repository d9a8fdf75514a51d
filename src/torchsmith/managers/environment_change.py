"""An environment that pip or uv changes, as a transaction: the one that is there, or a new one that is made and filled.

Torch and its companions come from one index and stand in a command of their own; every later command names torch again, so that
an installer fails rather than replace it. uv does the work wherever it is at hand and would ask the same indexes as pip.
"""

from __future__ import annotations

from torchsmith.managers import leftovers, listed, places, transactions, updates
from torchsmith.managers.base import CannotDo, name_of
from torchsmith.model import pep440
from torchsmith.model.record import record, replace
from torchsmith.model.transaction import Environment, Run, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Expected

    Files = Mapping[str, str]

_OF_UV = frozenset({"uv"})


@record
class Installer:
    """Who installs: its words before ``install``, what it is told about indexes, and why it is not the other one."""

    name: str
    words: tuple[str, ...]
    python: str
    settings: tuple[tuple[str, str], ...] = ()
    note: str = ""

    def install(self, *words: str) -> tuple[str, ...]:
        """The command that installs."""
        return (*self.words, "install", *self._place(), *words)

    def uninstall(self, *names: str) -> tuple[str, ...]:
        """The command that removes."""
        return (*self.words, "uninstall", *(() if self.name == "uv" else ("-y",)), *self._place(), *names)

    def from_index(self, url: str | None) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
        """The words that name one index, and the variables that keep any other that is configured out of it."""
        if not url:
            return (), self.settings
        if self.name == "uv":
            only = (("UV_INDEX", url), ("UV_INDEX_STRATEGY", "first-index"))
            return ("--default-index", url), (*self.settings, *only)
        return ("--index-url", url), (*self.settings, ("PIP_EXTRA_INDEX_URL", url))

    def again(self, requirements: tuple[str, ...]) -> tuple[str, ...]:
        """The words that make uv install what it would take for what is asked; for pip that has to be removed first."""
        if self.name != "uv":
            return ()
        return tuple(word for each in requirements for word in ("--reinstall-package", name_of(each)))

    def _place(self) -> tuple[str, ...]:
        return ("--python", self.python) if self.name == "uv" else ()


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that decide: what the packages here need of each other, or what a new environment is filled from."""
    if place.fresh:
        return (*(f"{prefix}/pyvenv.cfg" for prefix in _prefixes(place)), *listed.wanted(place, files))
    if place.goal == transactions.CLEAN:
        return (*listed.wanted(place, files), *updates.wanted(place))
    if place.goal == transactions.UPDATE_OTHERS:
        return updates.wanted(place)
    return leftovers.wanted(option, place)


def change(option: Option, place: Place, files: Files) -> Transaction:
    """The transaction for an environment.

    Raises:
        CannotDo: there is nothing to do it with, or what is there would be in the way.

    """
    if place.fresh:
        return _made(option, place, files, _new_prefix(place, files))
    environment = transactions.environment(place)
    if place.goal == transactions.CLEAN:
        return _made(option, place, files, environment.prefix)
    installer = installer_of(option, place, environment.python)
    if place.goal == transactions.UPDATE_OTHERS:
        return updates.change(option, place, files, installer, environment)
    option = places.remaining(option, place)
    gone, kept = leftovers.of(option, place, files)
    runs = (*_removed(installer, gone), *_installed(installer, option, place))
    made = transactions.expected(option, place)
    told = transactions.notes((installer.note,), kept, places.why_new(option, place))
    return _transaction(option, environment, runs, replace(made, absent=leftovers.certain(gone, option)), told)


def installer_of(option: Option, place: Place, python: str) -> Installer:
    """Who installs into an environment.

    Raises:
        CannotDo: neither uv nor pip can.

    """
    there = dict(place.tools)
    by_uv = option.approach.name in _OF_UV or places.manager_of(place) in _OF_UV
    has_pip = place.fresh or place.packages is None or place.packages.version("pip") is not None
    pip = Installer("pip", (python, "-m", "pip"), python, _progress(place))
    settings = () if by_uv else (("TORCHSMITH_SETTINGS_OF", "pip"),)
    uv = Installer("uv", ("uv", "pip"), python, settings)
    if "uv" in there and (by_uv or not place.pip_alone):
        return uv
    if not has_pip and "uv" in there:
        why = f"pip is told {place.pip_alone}, which uv does not know; this environment has no pip"
        raise CannotDo(f"{why}: `{python} -m ensurepip` gives it one")
    if not has_pip:
        raise CannotDo(f"uv is not at hand and this environment has no pip: `{python} -m ensurepip` gives it one")
    if by_uv:
        return replace(pip, note="uv is not at hand: pip installs")
    return replace(pip, note=f"pip installs, not uv: it is told {place.pip_alone}" if "uv" in there else "")


def _progress(place: Place) -> tuple[tuple[str, str], ...]:
    """What makes pip tell how many bytes it has fetched, where it is new enough to know the word."""
    have = place.packages.version("pip") if place.packages is not None and not place.fresh else None
    return (("PIP_PROGRESS_BAR", "raw"),) if have and pep440.allows(">=24.1", have) else ()


# ---- what is run


def _removed(installer: Installer, names: tuple[str, ...]) -> Iterator[Run]:
    """First: the wheels of two CUDA majors have files in common, which go with the one that goes."""
    if names:
        yield Run(installer.uninstall(*names), "remove what the present build alone needed", variables=installer.settings)


def _installed(installer: Installer, option: Option, place: Place) -> Iterator[Run]:
    """Torch, what comes from the default index beside it, and what is built against it."""
    torch = places.wanted(option, place)
    label = option.candidate.version
    if not (len(torch) == 1 and places.stays(option, place)):
        yield from _torch(installer, option, place, torch)
    rest = places.others(option)
    if rest:
        argv = installer.install(*rest, *torch[:1])
        yield Run(argv, f"install {', '.join(rest)} beside it", variables=installer.settings)
    tools, built = places.BUILD_TOOLS, places.built(option)
    if built:
        yield Run(installer.install(*tools), "install what builds need", variables=installer.settings)
        argv = installer.install("--no-build-isolation", *built, *torch[:1])
        yield Run(argv, f"build {', '.join(built)} against torch {label}", variables=installer.settings, limit=4 * 3600.0)


def _torch(installer: Installer, option: Option, place: Place, torch: tuple[str, ...]) -> Iterator[Run]:
    """One index; what an installer would take for what is asked goes first, or is installed again."""
    words, variables = installer.from_index(option.index)
    doubted = torch if places.doubtful(option, place) else places.stale(option, place)
    if doubted and installer.name == "pip":
        yield Run(installer.uninstall(*map(name_of, doubted)), "remove what pip would take for it", variables=installer.settings)
    yield Run(
        installer.install(*installer.again(doubted), *torch, *words),
        f"install torch {option.candidate.version}",
        variables=variables,
    )


# ---- a new environment


def _made(option: Option, place: Place, files: Files, prefix: str) -> Transaction:
    """An environment made, filled with torch, then with what the project's requirements files ask for or was there before."""
    python = transactions.python_in(prefix, place)
    anew = replace(place, fresh=True)
    installer = installer_of(option, anew, python)
    environment = Environment(prefix, python, create=_creation(option, place, installer, prefix))
    source = listed.of(option, place, files)
    runs = [*_installed(installer, option, anew)]
    if source.words:
        held = places.wanted(option, anew)
        runs.append(Run(installer.install(*source.words, *held), source.why, variables=installer.settings))
    elif place.goal == transactions.CLEAN and not place.fresh:
        runs += updates.carried_over(option, place, files, installer)
    notes = (installer.note, *source.notes, *(places.why_new(option, place) if place.fresh else _anew(place, files)))
    read = transactions.read(source.read, files)
    return replace(_transaction(option, environment, tuple(runs), transactions.expected(option, anew), notes), rests_on=read)


def _anew(place: Place, files: Files) -> tuple[str, ...]:
    told = "the environment is made anew; the present one is kept, and `torchsmith undo` brings it back"
    return (told, *updates.not_carried(place, files))


def _creation(option: Option, place: Place, installer: Installer, prefix: str) -> tuple[str, ...]:
    """The words that make it: uv's where it installs, else those of the Python that the option needs."""
    wanted = option.candidate.python
    have = place.interpreter
    same = have is not None and places.python_of(have) == wanted and bool(have.base_prefix or have.executable)
    base = _base(place) if same else ""
    if installer.name == "uv" and places.manager_of(place) != "pip" and option.approach.name in _OF_UV:
        return ("uv", "venv", "--python", base or wanted, prefix)
    if base:
        return (base, "-m", "venv", prefix)
    if "uv" in dict(place.tools):
        return ("uv", "venv", "--seed", "--python", wanted, prefix)
    return ("py", f"-{wanted}", "-m", "venv", prefix) if place.os == "windows" else (f"python{wanted}", "-m", "venv", prefix)


def _base(place: Place) -> str:
    """The Python that the present environment was made of: its own may be the one that gives way."""
    have = place.interpreter
    if have is None:
        return ""
    if place.fresh or not have.base_prefix or have.base_prefix == have.prefix:
        return have.executable
    name = have.version.split(".")
    minor = ".".join(name[:2]) + ("t" if have.free_threaded else "")
    return rf"{have.base_prefix}\python.exe" if place.os == "windows" else f"{have.base_prefix}/bin/python{minor}"


def _prefixes(place: Place) -> tuple[str, ...]:
    """Where a new environment may be made: in the current folder, by the usual name or one beside it."""
    separator = "\\" if place.os == "windows" else "/"
    first = places.folder(place)
    return tuple(f"{transactions.here(place)}{separator}{name}" for name in dict.fromkeys((first, ".venv-torch")))


def _new_prefix(place: Place, files: Files) -> str:
    """A place where no environment is.

    Raises:
        CannotDo: there is none.

    """
    free = next((prefix for prefix in _prefixes(place) if f"{prefix}/pyvenv.cfg" not in files), "")
    if not free:
        taken = " and ".join(f"`{prefix}`" for prefix in _prefixes(place))
        raise CannotDo(f"{taken} are environments already: name the one that is meant by `--python`, or remove one")
    return free


def _transaction(
    option: Option, environment: Environment, runs: tuple[Run, ...], expected: Expected, notes: tuple[str, ...]
) -> Transaction:
    return Transaction(
        transactions.title(option),
        environment if runs or environment.create else None,
        runs=runs,
        expected=expected,
        notes=transactions.notes(notes),
        indexes=transactions.indexes(option),
    )
