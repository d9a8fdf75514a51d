"""What is good to know beside the options: what plays no part though it is often blamed, and where the road ends."""

from __future__ import annotations

from torchsmith.choose import machine_remarks, standing
from torchsmith.choose.hardware import joined
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.facts.torch import Torch
from torchsmith.model.versions import key, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Option

EXTENSIONS = "extension-build"
HOMES = ("CUDA_HOME", "CUDA_PATH")


def of(situation: Situation, options: tuple[Option, ...]) -> tuple[str, ...]:
    """The remarks on one decision."""
    return (
        *machine_remarks.of(situation),
        *_unlisted(situation, options),
        *_toolkit(situation, options),
        *_project(situation),
    )


def _unlisted(situation: Situation, options: tuple[Option, ...]) -> Iterator[str]:
    """A torch that no table lists may be the right one all the same."""
    have = situation.torch
    if isinstance(have, Torch) and not standing.listed(have.version) and options:
        yield f"torch {have.version} is installed, and no table lists it: if `torchsmith check` finds it whole, keep it."


def _toolkit(situation: Situation, options: tuple[Option, ...]) -> Iterator[str]:
    """A toolkit that is here or that a variable names: it plays no part, but for what brings no CUDA of its own."""
    used = next((option.candidate.cuda for option in options if option.candidate.cuda), None)
    found, variables = situation.fact("toolkits"), situation.fact("variables")
    current = found.current if isinstance(found, Toolkits) else None
    named = next((name for name in HOMES if isinstance(variables, Variables) and variables.get(name)), "")
    if used is None or (current is None and not named):
        return
    what = f"The CUDA toolkit {current.version}" if current and current.version else f"What {named or 'PATH'} names"
    if situation.wishes.goal == EXTENSIONS:
        yield from _for_extensions(current.version if current else "", used)
        return
    dependent = _without_cuda(situation)
    unless = (
        f"{joined(dependent)} {'brings' if len(dependent) == 1 else 'bring'} no CUDA of its own and may take libraries from it"
        if dependent
        else "building extensions and packages that bring no CUDA of their own, such as ctranslate2, may ask for it"
    )
    yield (
        f"{what} plays no part in torch: the wheels bring CUDA {minor(used)} themselves, so neither PATH nor CUDA_HOME has to "
        f"name it, and its DLLs on PATH cure nothing. Only {unless}."
    )


def _for_extensions(have: str, used: str) -> Iterator[str]:
    if not have or key(have)[:2] == key(used)[:2]:
        return
    same = key(have)[:1] == key(used)[:1]
    yield (
        f"Extensions are built with the toolkit {have}, torch with {minor(used)}: "
        + ("torch warns and goes on." if same else "torch refuses another major version, so a toolkit of its own is needed.")
    )


def _without_cuda(situation: Situation) -> list[str]:
    """Installed or needed packages whose binaries want CUDA's libraries and bring none."""
    from torchsmith.knowledge import third_party

    names = {package.name for package in situation.packages.installed} | {need.name for need in situation.wishes.needs}
    known = names & set(third_party.packages())
    return sorted(name for name in known if any(row.kind == "runtime" and row.cuda_major for row in third_party.of(name)))


def _project(situation: Situation) -> Iterator[str]:
    yield from getattr(situation.project, "remarks", ())
