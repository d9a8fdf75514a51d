"""``torchsmith plan``: the facts, the diagnosis, the decision, and each option in the words of its package manager."""

from __future__ import annotations

from torchsmith.app import check
from torchsmith.choose import decide, situation
from torchsmith.engine.collect import collect
from torchsmith.managers import approaches
from torchsmith.model.action import InstallTorch
from torchsmith.model.choice import Place
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.choose.situation import Situation
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice, Option, Wishes
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact


def plan(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes, *, every: bool = False) -> tuple[Choice, Diagnosis]:
    """The options for this machine, and what ``check`` says of it."""
    asked, diagnosis = look(host, assumed, wishes)
    choice = decide.decide(asked, every=every)
    place = where(asked, choice.shell)
    return replace(choice, options=tuple(with_steps(option, place) for option in choice.options)), diagnosis


def where(asked: Situation, shell: str) -> Place:
    """Where the options would be carried out."""
    driver = asked.driver.version if isinstance(asked.driver, Driver) else ""
    environment = asked.environment if isinstance(asked.environment, Environment) else None
    interpreter = asked.interpreter if isinstance(asked.interpreter, Interpreter) else None
    changeable = environment is not None and environment.changeable and interpreter is not None
    return Place(asked.machine.os, shell, environment, interpreter, asked.project, driver, not changeable)


def with_steps(option: Option, place: Place) -> Option:
    """The option in the words of its approach."""
    steps = approaches.steps(option, place)
    return replace(option, actions=steps.actions, commands=steps.commands, files=steps.files, notes=(*option.notes, *steps.notes))


def look(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes) -> tuple[Situation, Diagnosis]:
    """The situation and its diagnosis: a root cause that a new installation cures means that the present one is broken."""
    facts = collect(host, check.nodes(detail=False), assumed)
    diagnosis = check.diagnose(facts, frozenset(), {})
    root = next(iter(diagnosis.root_causes), None)
    broken = root is not None and any(isinstance(action, InstallTorch) for remedy in root.remedies for action in remedy.actions)
    return situation.of(facts, wishes, reinstall=broken), diagnosis
