"""A CUDA toolkit beside the wheels, carried out: ``env-vars`` in one environment, ``user-path`` for all that this user starts."""

from __future__ import annotations

from torchsmith.managers import activation, places, settings, shell_files, shell_settings, toolkit, transactions, windows_settings
from torchsmith.managers.base import CannotDo
from torchsmith.model.record import replace
from torchsmith.model.transaction import Transaction
from torchsmith.model.versions import key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.managers.settings import Wanted
    from torchsmith.model.choice import Option, Place

X64_SINCE = 13
"""From this CUDA on the DLLs of a toolkit for Windows lie in bin\\x64.

Source: https://github.com/pytorch/pytorch/pull/162383
"""

_WHERE = {True: "for all that this user starts", False: "while the environment is active"}


def change(option: Option, place: Place, files: Mapping[str, str]) -> Transaction:
    """Torch by what manages the environment, then the variables.

    Raises:
        CannotDo: the toolkit is not here, or the settings cannot be changed as they are.

    """
    wanted = of(option, place)
    wheels = _wheels(option, place, files)
    runs = wheels.runs
    if places.built(option):  # what is built beside torch has to find the toolkit
        runs = tuple(replace(run, variables=(*run.variables, *wanted.variables)) for run in runs)
    made = _for_the_user(wanted, place, files) if everywhere(option) else _for_the_environment(wanted, place, files)
    found = settings.set_elsewhere(wanted, place, files)
    changes = bool(made.edits or made.registry)
    again = settings.reopened(place, everywhere=everywhere(option)) if changes else ()
    return replace(
        wheels,
        title=f"{_torch(option) if runs else ''}CUDA_HOME at {wanted.root}, {_WHERE[everywhere(option)]}",
        runs=runs,
        edits=(*wheels.edits, *made.edits),
        registry=made.registry,
        shown=(*wheels.shown, *(made.shown if changes else ())),  # where nothing changes nothing is left to be done
        notes=transactions.notes(wheels.notes, made.notes, found, again),
    )


def wanted(option: Option, place: Place, files: Mapping[str, str]) -> tuple[str, ...]:
    """The files that ``change`` looks at: those of the shell or of the environment, and those of the manager."""
    if everywhere(option):
        own = shell_files.readable(shell_files.shell_of(place), place) if place.os != "windows" and place.home else ()
    else:
        own = (*(path for path, _ in activation.scripts(place)), *((activation.envrc(place),) if activation.envrc(place) else ()))
    return tuple(dict.fromkeys((*own, *transactions.wanted(by_manager(option, place), place, files))))


def of(option: Option, place: Place) -> Wanted:
    """The toolkit that is named, and by what.

    Raises:
        CannotDo: it is not here: a variable that names nothing would be worse than none.

    """
    cuda = minor(option.candidate.cuda or "")
    if not cuda or not any(key(version)[:2] == key(cuda)[:2] for version, _ in place.toolkits):
        said = "; ".join(toolkit.source(cuda, place)) if cuda else "this build of torch has no CUDA"
        raise CannotDo(f"the CUDA {cuda} toolkit is not on this machine: {said}" if cuda else said)
    at = toolkit.root(cuda, place)
    windows = place.os == "windows"
    if windows:
        at = at.replace("/", "\\").rstrip("\\")
    if not everywhere(option):
        archs = toolkit.arch_list(place)
        return settings.Wanted(cuda, at, (("CUDA_HOME", at), *((("TORCH_CUDA_ARCH_LIST", archs),) if archs else ())))
    if not windows:
        return settings.Wanted(cuda, at, (("CUDA_HOME", at),), (f"{at}/bin",))
    x64 = (rf"{at}\bin\x64",) if key(cuda)[0] >= X64_SINCE else ()
    return settings.Wanted(cuda, at, (("CUDA_HOME", at), ("CUDA_PATH", at)), (rf"{at}\bin", *x64))


def everywhere(option: Option) -> bool:
    """Whether the variables are to hold for all that the user starts."""
    return option.approach.name == "user-path"


def by_manager(option: Option, place: Place) -> Option:
    """The same wheels, by what manages the environment."""
    manager = places.manager_of(place)
    name = manager if manager in transactions.OWN else "pip"
    return replace(option, approach=replace(option.approach, name=name))


def _torch(option: Option) -> str:
    return f"torch {option.candidate.version} and "


def _wheels(option: Option, place: Place, files: Mapping[str, str]) -> Transaction:
    if places.nothing_to_do(option, place):
        return Transaction(transactions.title(option))
    return transactions.made(by_manager(option, place), place, files)


def _for_the_user(wanted: Wanted, place: Place, files: Mapping[str, str]) -> Transaction:
    if place.os == "windows":
        return Transaction(
            "",
            registry=windows_settings.edits(wanted, place),
            shown=windows_settings.shown(wanted, place),
            notes=windows_settings.notes(wanted, place),
        )
    edits = shell_settings.edits(wanted, place, files)
    return Transaction(
        "", edits=edits, shown=shell_settings.shown(wanted, place), notes=shell_settings.notes(wanted, place, files)
    )


def _for_the_environment(wanted: Wanted, place: Place, files: Mapping[str, str]) -> Transaction:
    edits = activation.edits(wanted, place, files)
    return Transaction("", edits=edits, shown=activation.shown(place, files), notes=activation.notes(place, files))
