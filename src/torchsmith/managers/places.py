"""What the modules of approaches share: the Python of a place, a new environment there, an option's requirements."""

from __future__ import annotations

from torchsmith.managers import shell
from torchsmith.model.action import Install, InstallTorch, SetVariable
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.model.versions import local_label, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.action import Action
    from torchsmith.model.choice import Option, Pin, Place

FAMILY = frozenset({"torch", "torchvision", "torchaudio", "torchcodec"})
"""What a wheel index of a build serves with the build's local label."""

BUILD_TOOLS = ("setuptools", "wheel", "packaging", "ninja", "psutil")
"""What extensions of torch name for their build, or forget to."""

_NAME = pattern(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}")


def python_of(interpreter: Interpreter | None) -> str:
    """``3.12`` or ``3.14t``; empty where nobody could tell."""
    if interpreter is None or "." not in interpreter.version:
        return ""
    return ".".join(interpreter.version.split(".")[:2]) + ("t" if interpreter.free_threaded else "")


def manager_of(place: Place) -> str:
    """The manager of the environment that is there; empty where there is none, or a new one is made."""
    return place.environment.manager if place.environment is not None and not place.fresh else ""


def folder(place: Place) -> str:
    """Where a new environment is made: ``.venv``, unless the environment that does not fit bears that name."""
    prefix = place.interpreter.prefix.replace("\\", "/").rstrip("/") if place.interpreter else ""
    return ".venv-torch" if prefix.rpartition("/")[2] == ".venv" else ".venv"


def executable(place: Place) -> str:
    """The Python that commands name: that of the environment, or of the new one that is made first."""
    if not place.fresh and place.interpreter is not None:
        return place.interpreter.executable
    return rf"{folder(place)}\Scripts\python" if place.os == "windows" else f"{folder(place)}/bin/python"


def interpreter(place: Place) -> Interpreter:
    """The interpreter that is changed, for what takes one."""
    base = place.interpreter or Interpreter("python", "", "", "", 64, "", "", "venv", (), ())
    made = replace(base, executable=executable(place))
    return replace(made, prefix=folder(place)) if place.fresh else made


def new_environment(option: Option, place: Place) -> Commands:
    """The command that makes it, by the Python that the option needs, which has to be installed."""
    wanted = option.candidate.python
    have = place.interpreter
    if have is not None and python_of(have) == wanted and have.executable:
        return ((have.executable, "-m", "venv", folder(place)),)
    if place.os == "windows":
        return (("py", f"-{wanted}", "-m", "venv", folder(place)),)
    return ((f"python{wanted}", "-m", "venv", folder(place)),)


def activation(place: Place) -> str:
    """How the new environment is used in the shell there."""
    name = folder(place)
    line = {
        "powershell": rf"{name}\Scripts\Activate.ps1",
        "fish": f"source {name}/bin/activate.fish",
    }.get(place.shell, f"source {name}/bin/activate")
    return f"the new environment is used after `{line}`"


def why_new(option: Option, place: Place) -> tuple[str, ...]:
    """Why a new environment is made, and how it is used."""
    if not place.fresh:
        return ()
    environment, have = place.environment, python_of(place.interpreter)
    if environment is not None and not environment.changeable and environment.why_not:
        return (f"a new environment is made: {environment.why_not}", activation(place))
    if have and have != option.candidate.python:
        return (f"a new environment is made, for Python {option.candidate.python}: {have} is here", activation(place))
    return (activation(place),)


def label(option: Option, place: Place) -> str:
    """The local label as an index writes it; macOS wheels have none, and the default index takes none."""
    return f"+{option.candidate.build}" if option.index and place.os != "macos" else ""


def wanted(option: Option, place: Place) -> tuple[str, ...]:
    """Torch and what comes from the same index, as requirements; torch first."""
    local = label(option, place)
    return tuple(
        f"{pin.name}=={pin.version}{local if pin.name in FAMILY and '+' not in pin.version else ''}"
        for pin in option.packages
        if pin.index == option.index and not _is_built(pin)
    )


def others(option: Option) -> tuple[str, ...]:
    """What comes from the default index beside a torch from its own; empty where one command takes all."""
    return tuple(f"{pin.name}=={pin.version}" for pin in option.packages if pin.index != option.index and not _is_built(pin))


def built(option: Option) -> tuple[str, ...]:
    """What is built against the torch that is installed: its own set-up imports torch, so an isolated build fails."""
    return tuple(f"{pin.name}=={pin.version}" for pin in option.packages if _is_built(pin))


def building(option: Option, *install: str) -> Commands:
    """The commands for these, by the words that install: first what a build outside of isolation has to find."""
    wanted = built(option)
    return ((*install, *BUILD_TOOLS), (*install, "--no-build-isolation", *wanted)) if wanted else ()


def not_in_the_lock(option: Option, manager: str) -> tuple[str, ...]:
    """What is said where a manager has no word for such a build, and pip does it beside it."""
    names = " and ".join(word.partition("==")[0] for word in built(option))
    return (f"{manager} cannot build {names} outside of isolation: pip does, and the lock does not hold it",) if names else ()


def _is_built(pin: Pin) -> bool:
    if pin.name in FAMILY or pin.name == "numpy":
        return False
    from torchsmith.knowledge import third_party

    row = third_party.requirement(pin.name, pin.version)
    return row is not None and row.kind == "build"


def torch_action(option: Option, place: Place) -> Action:
    """The installation as a typed action; macOS wheels bear no label, so there it is one of plain requirements."""
    if place.os == "macos" and option.index:
        return Install(wanted(option, place), option.index)
    same = (pin for pin in option.packages if pin.name != "torch" and pin.name in FAMILY and pin.index == option.index)
    return InstallTorch(
        option.candidate.torch, option.candidate.build, option.index, tuple((pin.name, pin.version) for pin in same)
    )


def actions(option: Option, place: Place) -> tuple[Action, ...]:
    """All typed actions of an option that takes wheels."""
    first = torch_action(option, place)
    same = tuple(word for word in wanted(option, place) if word.partition("==")[0] not in FAMILY)
    rest = *others(option), *built(option)
    return (
        first,
        *((Install(same, option.index),) if same else ()),
        *((Install(rest),) if rest else ()),
    )


def changes(option: Option, place: Place) -> tuple[Action, ...]:
    """The same for an environment without a project: where torch stays, the others alone."""
    if not stays(option, place):
        return actions(option, place)
    words = wanted(option, place)[1:], (*others(option), *built(option))
    return tuple(Install(each, index) for each, index in zip(words, (option.index, None), strict=True) if each)


def same_release(option: Option, place: Place) -> bool:
    """Whether this very release is installed, so that an installer may take it for what was asked."""
    return not place.fresh and place.torch is not None and public(place.torch) == option.candidate.torch


def doubtful(option: Option, place: Place) -> bool:
    """Whether an installer would take what is installed for what is asked: the same release, or a broken copy of it."""
    if not same_release(option, place):
        return False
    same = place.torch == option.candidate.version
    # A label that is asked for makes an installer replace any other build by itself.
    return place.broken and same if label(option, place) else place.broken or not same


def stays(option: Option, place: Place) -> bool:
    """Whether the torch of the option is installed and whole, by its record too where its label is asked for."""
    if place.fresh or place.broken or not place.torch or place.packages is None or place.torch != option.candidate.version:
        return False
    local = label(option, place)
    return not local or (place.packages.version("torch") or "").endswith(local)


def remaining(option: Option, place: Place) -> Option:
    """Torch, and what is not installed as it should be: where torch stays, nothing of it is fetched again."""
    if not stays(option, place):
        return option
    missing = tuple(pin for pin in option.packages if pin.name != "torch" and not _installed(pin, option, place))
    return replace(option, packages=(*option.packages[:1], *missing))


def stale(option: Option, place: Place) -> tuple[str, ...]:
    """Companions of another build in the very release that is asked for, which an installer would take for it."""
    if place.packages is None or not stays(option, place) or label(option, place):
        return ()
    here = place.packages
    return tuple(
        pin.name
        for pin in option.packages
        if not _installed(pin, option, place) and public(here.version(pin.name) or "") == public(pin.version)
    )


def _installed(pin: Pin, option: Option, place: Place) -> bool:
    have = (place.packages.version(pin.name) if place.packages is not None else None) or ""
    own = local_label(have) if pin.name in FAMILY else ""
    return public(have) == public(pin.version) and own in {"", option.candidate.build}


def nothing_to_do(option: Option, place: Place) -> bool:
    """Whether all of the option is installed as it should be; a companion that nobody installed is not missed."""
    if place.fresh or place.broken or not place.torch or place.packages is None:
        return False
    if place.torch != option.candidate.version:
        return False
    others = (pin for pin in option.packages if pin.name != "torch")
    return all(
        _installed(pin, option, place) or (pin.name in FAMILY and place.packages.version(pin.name) is None) for pin in others
    )


def variable(name: str, value: str, place: Place) -> Commands:
    """The command that sets a variable for the rest of the shell."""
    return shell.assigned(SetVariable(name, value), place.shell)


def known_name(place: Place, tool: str, url: str) -> str:
    """The name under which the project keeps this index for the tool already; empty if it does not."""
    for source in place.project.of(tool) if place.project is not None else ():
        if source.url.rstrip("/") == url.rstrip("/") and _NAME.fullmatch(source.name):
            return source.name
    return ""


def has_tables(place: Place, *prefixes: str) -> bool:
    """Whether the project's pyproject.toml has a table of this name or under it."""
    tables = place.project.tables if place.project is not None else ()
    return any(table == prefix or table.startswith(f"{prefix}.") for table in tables for prefix in prefixes)


def begun(place: Place, manager: str, *tables: str) -> bool:
    """Whether there is a project that this manager can add to."""
    environment, project = place.environment, place.project
    if (environment is not None and environment.manager == manager) or (project is not None and project.manager == manager):
        return True
    return has_tables(place, "project", *tables) or bool(project is not None and "pyproject.toml" in project.files)


def split_by_marker(place: Place, tool: str) -> bool:
    """Whether the project takes torch from several sources, by marker or extra: no command keeps that."""
    bindings = place.project.bound("torch", tool) if place.project is not None else ()
    return len(bindings) > 1 or any(binding.marker or binding.extra for binding in bindings)


def by_marker(option: Option, place: Place) -> tuple[str, ...]:
    """What is done with the lines for a project that takes torch from one index per system."""
    system = {"windows": "Windows", "macos": "macOS"}.get(place.os, "Linux")
    held = ", ".join(f"{pin.name}=={pin.version}" for pin in option.packages if pin.name in FAMILY)
    return (
        f"the project takes torch from several indexes: put the lines of add-to-pyproject.toml in place of those for {system}",
        f"its dependencies have to allow {held}",
    )


def notes(*parts: tuple[str, ...]) -> tuple[str, ...]:
    """Notes in order, each once."""
    return tuple(dict.fromkeys(note for part in parts for note in part if note))
