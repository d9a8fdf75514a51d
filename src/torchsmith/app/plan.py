"""``torchsmith plan``: the facts, the diagnosis, the decision, and each option in the words of its package manager."""

from __future__ import annotations

from torchsmith.app import check, project, supply
from torchsmith.choose import decide, root_cause, situation
from torchsmith.engine.collect import collect
from torchsmith.managers import approaches
from torchsmith.model.choice import Place
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.install import LocalWheels
from torchsmith.model.facts.python import Environment, Interpreter, Variables
from torchsmith.model.facts.toolkit import Toolkits
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace
from torchsmith.model.versions import public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.choose.situation import Situation
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice, Option, Wishes
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact


def plan(
    host: Host,
    assumed: Mapping[str, Fact[Any]],
    wishes: Wishes,
    *,
    every: bool = False,
    resolve: bool = False,
    told: int | None = None,
) -> tuple[Choice, Diagnosis]:
    """The options for this machine, and what ``check`` says of it; with ``resolve`` the package managers are asked too."""
    asked, diagnosis = look(host, assumed, wishes)
    return composed(asked, diagnosis, every=every, resolve=resolve, told=told), diagnosis


def composed(
    asked: Situation, diagnosis: Diagnosis, *, every: bool = False, resolve: bool = False, told: int | None = None
) -> Choice:
    """The decision with each option's commands, behind what no installation cures; ``told`` options alone need commands."""
    choice = decide.decide(asked, every=every)
    place = where(asked, choice.shell)
    spared = _spared(place, diagnosis)
    first = choice.options[:told]
    options = (*(with_steps(option, spared, place) for option in first), *choice.options[len(first) :])
    choice = replace(choice, options=options, remarks=(*not_by_torch(diagnosis), *choice.remarks))
    if not resolve:
        return choice
    from torchsmith.app import resolve as resolving

    return resolving.resolved(choice, place)


def place_of(asked: Situation, diagnosis: Diagnosis, shell: str) -> Place:
    """Where an option is carried out, as its commands were made for it."""
    return _spared(where(asked, shell), diagnosis)


def _spared(place: Place, diagnosis: Diagnosis) -> Place:
    """A torch that is whole is not broken by a companion that is."""
    return replace(place, broken=False) if place.broken and _is_of_a_companion(diagnosis) else place


def not_by_torch(diagnosis: Diagnosis) -> tuple[str, ...]:
    """The cause that ``check`` puts first, with its remedy, where no other build of torch would cure it."""
    root = next(iter(diagnosis.root_causes), None)
    if root is None or not root_cause.uncured(diagnosis):
        return ()
    first = next(iter(root.remedies), None)
    said = f" What to do first: {first.title}." if first else ""
    return (f"No other build of torch cures {root.cause}.{said} `torchsmith check` has the commands.",)


def where(asked: Situation, shell: str) -> Place:
    """Where the options would be carried out."""
    driver = asked.driver.version if isinstance(asked.driver, Driver) else ""
    environment = asked.environment if isinstance(asked.environment, Environment) else None
    interpreter = asked.interpreter if isinstance(asked.interpreter, Interpreter) else None
    changeable = environment is not None and environment.changeable and interpreter is not None
    torch, toolkits, variables = asked.torch, asked.fact("toolkits"), asked.fact("variables")
    given = (asked.others.get(name) for name in ("machine", "gpus", "driver"))
    installed = None if isinstance(torch, Unknown) else f"{public(torch.version)}+{torch.build}" if torch else ""
    return Place(
        asked.machine.os,
        shell,
        environment,
        interpreter,
        asked.project,
        driver,
        not changeable,
        installed,
        asked.packages,
        asked.reinstall,
        any(isinstance(fact, Known) and fact.source.startswith("assumed") for fact in given),
        asked.wishes.goal,
        asked.machine.arch,
        asked.machine.wsl is not None,
        () if isinstance(asked.gpus, Unknown) else tuple(device.sm for device in asked.gpus if device.sm),
        tuple((found.version, found.path) for found in toolkits.found if found.nvcc) if isinstance(toolkits, Toolkits) else (),
        tuple(variables.values) if isinstance(variables, Variables) else (),
        asked.wishes.offline,
        _torch_wheels(asked),
    )


def _torch_wheels(asked: Situation) -> tuple[tuple[str, str], ...]:
    """Folders with wheels of torch on this machine; those in a cache of uv serve uv without being named."""
    found = asked.fact("local_wheels")
    wheels = found.wheels if isinstance(found, LocalWheels) else ()
    return tuple(
        (wheel.version, wheel.place)
        for wheel in wheels
        if wheel.package == "torch" and not wheel.cache and "://" not in wheel.place
    )


def _is_of_a_companion(diagnosis: Diagnosis) -> bool:
    """Whether the root cause is another package beside a torch that is whole."""
    root = next(iter(diagnosis.root_causes), None)
    return root is not None and root.subject in {
        f"package:{name}" for name in ("torchvision", "torchaudio", "torchcodec", "numpy")
    }


def with_steps(option: Option, place: Place, anew: Place | None = None) -> Option:
    """The option in the words of its approach; where nothing would be left to do, in those for a place to be made ``anew``."""
    steps = approaches.steps(option, place)
    if anew is not None and anew is not place and not steps.commands:
        steps = approaches.steps(option, anew)
    return replace(option, actions=steps.actions, commands=steps.commands, files=steps.files, notes=(*option.notes, *steps.notes))


def look(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes) -> tuple[Situation, Diagnosis]:
    """The situation and its diagnosis: a root cause that a new installation cures means that the present one is broken."""
    facts = collect(host, check.nodes(detail=False), assumed)
    diagnosis = check.diagnose(facts, frozenset(), {})
    root = next(iter(diagnosis.root_causes), None)
    broken = root is not None and root_cause.cured(root)
    if "pasted_project" not in assumed:
        facts["pasted_project"] = project.of(host, facts)
    facts |= supply.of(host, facts, wishes)
    return situation.of(facts, wishes, reinstall=broken), diagnosis
