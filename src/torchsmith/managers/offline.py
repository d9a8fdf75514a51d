"""``--offline``: the same commands, told to take nothing from the network but what lies on this machine."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.model.record import replace
from torchsmith.model.versions import local_label, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.transaction import Transaction

_INDEXES = frozenset({"--index-url", "--default-index"})
_SILENT = {"poetry": "Poetry", "pdm": "PDM", "pipenv": "Pipenv", "pixi": "pixi"}
_OWN_WORD = frozenset({"uv", "conda", "mamba", "micromamba"})


def adapted(steps: Steps, option: Option, place: Place) -> Steps:
    """The steps without the network: uv and conda by their own word, pip by a folder of wheels; the others have none."""
    found = _folder(option, place)
    made = tuple(_command(command, found) for command in steps.commands if command[-1] != "pip-tools")
    silent = next((_SILENT[command[0]] for command in steps.commands if command[0] in _SILENT), "")
    here = "pip-tools has to be installed here already" if len(made) < len(steps.commands) else ""
    files = tuple((name, _without_indexes(text) if name.endswith(".in") else text) for name, text in steps.files)
    notes = (*steps.notes, *((_told(silent),) if silent else ()), *((here,) if here else ()))
    return replace(steps, commands=made, files=files, notes=notes)


def carried_out(made: Transaction, option: Option, place: Place) -> Transaction:
    """A change without the network, as ``adapted`` does for a plan.

    Raises:
        CannotDo: its program asks an index whatever it is told.

    """
    if any(run.argv[1:4] == ("-m", "piptools", "compile") for run in made.runs):
        raise CannotDo("pip-tools asks the index that stands in requirements-torch.in: without the network take pip's approach")
    found = _folder(option, place)
    runs = tuple(replace(run, argv=_command(run.argv, found)) for run in made.runs)
    silent = next((_SILENT[run.argv[0]] for run in made.runs if run.argv[0] in _SILENT), "")
    environment = made.environment
    if environment is not None and environment.create[:1] and environment.create[0] in _OWN_WORD - {"uv"}:
        environment = replace(environment, create=_command(environment.create, found))
    return replace(made, environment=environment, runs=runs, notes=(*made.notes, *((_told(silent),) if silent else ())))


def _told(silent: str) -> str:
    return f"{silent} has no word for offline: it takes what its cache holds, and asks its index all the same"


def _without_indexes(text: str) -> str:
    """Requirements without the line that names an index: pip asks that though it is told to ask none."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("--index-url"))


def _folder(option: Option, place: Place) -> str:
    """The folder that holds the wheel of this build; empty where none is known."""
    candidate = option.candidate
    for version, folder in place.wheels:
        if public(version) == candidate.torch and local_label(version) in {
            candidate.build,
            "" if candidate.default else candidate.build,
        }:
            return folder
    return ""


def _command(command: tuple[str, ...], folder: str) -> tuple[str, ...]:
    if command[0] in _OWN_WORD - {"uv"}:
        return (*command[:2], "--offline", *command[2:])
    if command[1:4] == ("-m", "piptools", "compile"):
        words_of_pip = " ".join(("--no-index", *(("--find-links", folder) if folder else ())))
        return (*command[:4], "--pip-args", words_of_pip, *command[4:])
    by_pipx = command[:2] == ("pipx", "runpip")
    uv, pip = command[0] == "uv", (by_pipx or command[1:3] == ("-m", "pip")) and command[3:4] == ("install",)
    words, skip = [], False
    for word in command:
        if skip or word in _INDEXES:
            skip = not skip
            continue
        words.append(word)
    local = ("--no-index", "--find-links", folder) if folder and "install" in words else ()
    if uv:
        kept = tuple(words) if local else command
        return ("uv", "--offline", *kept[1:], *local)
    return (*words, *(local or ("--no-index",))) if pip else command
