"""A pixi workspace: pixi.toml is edited and locked; pixi itself makes the environment of the lock, at a place of its own."""

from __future__ import annotations

from torchsmith.managers import emissions, project_change, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.conda import option_specs, python_spec
from torchsmith.managers.edits import toml
from torchsmith.managers.edits.yaml import conda_name
from torchsmith.managers.pixi import declared_cuda
from torchsmith.model.transaction import Run, Shown, Transaction
from torchsmith.model.versions import minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.edits.toml_spans import Path
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place

FILE, PYPROJECT, LOCK = "pixi.toml", "pyproject.toml", "pixi.lock"


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option, files
    folder = transactions.here(place)
    return tuple(f"{folder}/{name}" for name in (FILE, PYPROJECT, LOCK)) if folder else ()


def change(option: Option, place: Place, files: Files) -> Transaction:
    """The specs in the workspace's own tables, and a lock of them; installing is shown.

    Raises:
        CannotDo: there is no workspace.

    """
    root = transactions.root(place)
    name, above = _manifest(root, files)
    path = f"{root}/{name}"
    with project_change.of_file(name):
        text = files[path]
        for spec in _specs(option, place):
            text = _put(text, above, spec)
        cuda = minor(option.candidate.cuda or "")
        if cuda:
            text = toml.put(text, (*above, "system-requirements", "cuda"), declared_cuda(cuda, place))
        for wheel in ("torch", "torchvision", "torchaudio"):
            text = toml.remove(text, (*above, "pypi-dependencies", wheel))
    edits = transactions.edit(path, text, files, "torch by its build, and the CUDA that pixi's solver may count on")
    if not edits and project_change.installed(option, place):
        return Transaction(transactions.title(option))
    return Transaction(
        transactions.title(option),
        edits=edits,
        runs=(Run(("pixi", "lock"), "the lock with this torch", root, (LOCK,)),) if edits else (),
        shown=(Shown(("pixi", "install"), "pixi makes its environment of the lock, at a place of its own"),),
        notes=transactions.notes(emissions.conda_override(option, place)),
        rests_on=transactions.read((f"{root}/{LOCK}",), files),
    )


def _manifest(root: str, files: Files) -> tuple[str, Path]:
    """The file of the workspace, and the table in it that is pixi's."""
    if f"{root}/{FILE}" in files:
        return FILE, ()
    with project_change.of_file(PYPROJECT):
        if toml.read(files.get(f"{root}/{PYPROJECT}", ""), ("tool", "pixi")):
            return PYPROJECT, ("tool", "pixi")
    raise CannotDo(f"there is no pixi workspace in {root}: `pixi init --format pixi` begins one")


def _specs(option: Option, place: Place) -> tuple[str, ...]:
    from torchsmith.managers import places

    own = () if places.python_of(place.interpreter) == option.candidate.python else (python_spec(option.candidate.python),)
    return (*own, *option_specs(option, place))


def _put(text: str, above: Path, spec: str) -> str:
    """A spec of conda where the workspace names its package, in a feature's table too, else among its dependencies."""
    name = conda_name(spec)
    _, _, rest = spec.partition(name)
    version, _, build = rest.lstrip("=").partition("=")
    exact = version if rest[:1] in {"<", ">"} or rest.startswith("==") else f"{version}.*"
    exact = rest if rest[:1] in {"<", ">"} or rest.startswith("==") else exact
    features = toml.read(text, (*above, "feature"), {})
    tables: list[Path] = [(*above, "dependencies"), *((*above, "feature", feature, "dependencies") for feature in features)]
    there = [table for table in tables if name in toml.read(text, table, {})] or tables[:1]
    value = {"version": exact, "build": build} if build else exact
    for table in there:
        held = toml.read(text, (*table, name))
        if isinstance(held, dict) and build:
            text = toml.put(toml.put(text, (*table, name, "version"), exact), (*table, name, "build"), build)
        else:
            text = toml.put(text, (*table, name), value)
    return text
