"""A conda environment is changed as a whole: conda or mamba works on a copy beside it, by ``-p``; environment.yml says it too.

conda writes the prefix into what it installs, so the copy's path is as long as the live one's and is exchanged for it afterwards.
What is fetched lies in conda's package cache, from which both have their files.
"""

from __future__ import annotations

from torchsmith.managers import emissions, places, project_change, transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.conda import CHANNEL, option_specs, python_spec
from torchsmith.managers.edits import yaml
from torchsmith.managers.edits.base import lines, newline
from torchsmith.model.record import replace
from torchsmith.model.transaction import Environment, Run, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.transactions import Files
    from torchsmith.model.choice import Option, Place
    from torchsmith.model.transaction import Edit, Expected

FILES = ("environment.yml", "environment.yaml")
PINNED = "conda-meta/pinned"
NEW = ".conda"
"""The folder of an environment that is made for a project."""
_HELD = ("pytorch", "cuda-version", "torchvision", "torchaudio", "pytorch-gpu", "pytorch-cuda")
"""What stays where all else is brought up to date."""
_WHEELS = ("torch", "torchvision", "torchaudio")


def wanted(option: Option, place: Place, files: Files) -> tuple[str, ...]:
    """The files that are looked at."""
    del option, files
    folder = transactions.here(place)
    own = tuple(f"{folder}/{name}" for name in FILES) if folder else ()
    return (*own, f"{place.interpreter.prefix}/{PINNED}") if place.interpreter is not None and not place.fresh else own


def change(option: Option, place: Place, files: Files) -> Transaction:
    """The build by its spec, into the environment that is there or a new one in the project's folder.

    Raises:
        CannotDo: it is conda's own environment, or one of no conda's.

    """
    environment = _environment(option, place)
    if project_change.updates(place):
        return _others(environment, place, files, program_of(option, place))
    specs = option_specs(option, place)
    edits = (*_declared(specs, place, files), *_pinned(specs, environment, files))
    if not edits and not environment.create and project_change.installed(option, place):
        return Transaction(transactions.title(option))
    runs = () if environment.create else _runs(specs, environment, place, program_of(option, place))
    return Transaction(
        transactions.title(option),
        environment,
        edits,
        runs,
        expected=_expected(option, place),
        notes=transactions.notes(_notes(environment), emissions.conda_override(option, place)),
        rests_on=transactions.read(tuple(path for path in wanted(option, place, files) if path in files), files),
    )


def program_of(option: Option, place: Place) -> str:
    """The program that is at hand: mamba and micromamba take the same words as conda."""
    there = {name for name, _ in place.tools}
    first = "mamba" if option.approach.name == "mamba" else "conda"
    return next((name for name in (first, "mamba", "micromamba", "conda") if name in there), first)


def _environment(option: Option, place: Place) -> Environment:
    if not place.fresh:
        found = transactions.environment(place)
        if found.kind != "conda":
            raise CannotDo(f"`{found.prefix}` is no environment of conda's: `torchsmith plan` has the words that make one")
        return found
    root, windows = transactions.root(place), place.os == "windows"
    prefix = rf"{root}\{NEW}" if windows else f"{root}/{NEW}"
    python = rf"{prefix}\python.exe" if windows else f"{prefix}/bin/python"
    specs = (python_spec(option.candidate.python), *option_specs(option, place))
    words = (program_of(option, place), "create", "-y", "-p", prefix, *CHANNEL, "--override-channels", *specs)
    return Environment(prefix, python, "conda", words)


def _others(environment: Environment, place: Place, files: Files, program: str) -> Transaction:
    """All that is not pinned at its newest; conda-meta/pinned is where conda, mamba and micromamba look for what stays.

    Raises:
        CannotDo: there is no torch to be held, or one that conda does not see.

    """
    made = project_change.others(program, place, environment)
    here = place.packages
    records = [here.conda_record(name) for name in _HELD] if here is not None else []
    held = tuple(f"{each.name}={each.version}={each.conda_build}" for each in records if each is not None and each.conda_build)
    if not any(spec.startswith("pytorch=") for spec in held):
        raise CannotDo("torch is from a wheel here, which conda does not see: update it by pip's approach")
    words = (program, "update", "-y", "-p", environment.prefix, *CHANNEL, "--all")
    pinned = _pinned(held, environment, files, every=True)
    own = tuple((name, version.partition("+")[0]) for name, version in made.expected.packages)
    return replace(
        made,
        edits=pinned,
        runs=(Run(words, f"everything but what {PINNED} holds at its newest"),),
        expected=replace(made.expected, packages=own),
        notes=(*_notes(environment), f"{PINNED} holds torch from now on, whoever updates the environment") if pinned else (),
    )


def _runs(specs: tuple[str, ...], environment: Environment, place: Place, program: str) -> tuple[Run, ...]:
    place_of = ("-y", "-p", environment.prefix, *CHANNEL)
    gone = tuple(name for name in _WHEELS if _is_wheel(name, place))
    python = environment.python
    uninstall = (python, "-m", "pip", "uninstall", "-y", *gone)
    return (
        *((Run(uninstall, "conda does not see pip's own copy, and would put a second one over it"),) if gone else ()),
        Run((program, "install", *place_of, *specs), "torch by its build, from conda-forge"),
    )


def _is_wheel(name: str, place: Place) -> bool:
    here = place.packages
    if here is None or here.version(name) is None:
        return False
    return not any(here.conda_record(own) for own in (name, f"py{name}", f"lib{name}"))


def _expected(option: Option, place: Place) -> Expected:
    """Conda's metadata name no label, and only a minor release of the companions was asked for."""
    made = transactions.expected(option, place)
    exact = tuple((name, version) for name, version in made.packages if name not in places.FAMILY or name == "torch")
    return replace(made, packages=tuple((name, version.partition("+")[0]) for name, version in exact))


# ---- the files


def _declared(specs: tuple[str, ...], place: Place, files: Files) -> tuple[Edit, ...]:
    """environment.yml, where the project has one: the specs, their channel, and no wheel of the same beside them."""
    folder = transactions.here(place)
    path = next((f"{folder}/{name}" for name in FILES if folder and f"{folder}/{name}" in files), "")
    if not path:
        return ()
    with project_change.of_file(path.rpartition("/")[2]):
        text = files[path]
        if "conda-forge" not in yaml.channels(text):
            text = yaml.put_channel(text, "conda-forge", first=True)
        channels = {yaml.conda_name(spec): spec.rpartition("::")[0] for spec in yaml.dependencies(text)}
        for spec in specs:
            named = "conda-forge::" if channels.get(yaml.conda_name(spec)) else ""  # the whole spec is replaced
            text = yaml.put_dependency(text, named + spec)
        for name in _WHEELS:
            text = yaml.remove_pip(text, name)
    return transactions.edit(path, text, files, "the project asks for this build from now on")


def _pinned(specs: tuple[str, ...], environment: Environment, files: Files, *, every: bool = False) -> tuple[Edit, ...]:
    """What conda holds fast: older words for these give way; with ``every`` all of them are added."""
    path = f"{environment.prefix}/{PINNED}"
    text = files.get(path, "")
    names = {yaml.conda_name(spec): spec for spec in specs}
    kept, held = [], set()
    for line in lines(text):
        name = yaml.conda_name(line.strip().replace(" ", "=", 1)) if line.strip() and not line.lstrip().startswith("#") else ""
        if name in names:
            held.add(name)
        kept.append(names[name] + newline(text) if name in names else line)
    if every:
        if kept and not kept[-1].endswith("\n"):
            kept[-1] += newline(text)
        kept += [names[name] + newline(text) for name in names if name not in held]
    if "".join(kept) == text or environment.create:
        return ()
    return transactions.edit(path, "".join(kept), files, "what conda keeps at its version when it changes all else")


def _notes(environment: Environment) -> tuple[str, ...]:
    if environment.create:
        return (f"the new environment is used after `conda activate {environment.prefix}`",)
    own = f"conda counts a revision of its own too (`conda list --revisions -p {environment.prefix}`)"
    return (f"{own}; `torchsmith undo` brings back the whole environment, with what pip has installed in it",)
