"""Whom to ask and what to take as given: ``--from``, ``--python``, ``--assume`` as one host and a set of assumed facts."""

from __future__ import annotations

from torchsmith.model.errors import UsageError
from torchsmith.model.facts.python import Target, Variables
from torchsmith.model.known import Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.known import Fact


def evidence(host: Host, source: str | None, python: str | None, assumptions: Sequence[str]) -> tuple[Host, dict[str, Fact[Any]]]:
    """The host to ask in place of ``host`` where another is meant, and the facts that are given.

    Raises:
        TorchsmithError: the source cannot be read, or an assumption cannot be.

    """
    assumed: dict[str, Fact[Any]] = {}
    if source:
        from torchsmith.app import source as sources

        host, assumed = sources.read(source)
    if python:
        from torchsmith.app import interpreter_path

        assumed["target"] = interpreter_path.target(python)
    if assumptions:
        host, more = _assume(host, assumed, assumptions, stated=bool(source))
        if "nvidia_libraries" in more:
            assumed.pop("gpus", None)  # what a text said of GPUs in its own words gives way to the assumed ones
        assumed |= more
    return host, assumed


def _assume(
    host: Host, assumed: dict[str, Fact[Any]], assumptions: Sequence[str], *, stated: bool
) -> tuple[Host, dict[str, Fact[Any]]]:
    """The facts of the assumptions; a system completes what is ``stated`` of a machine that names none, else it is another."""
    from torchsmith.app import assume
    from torchsmith.host.replay import ReplayHost
    from torchsmith.probes import machine

    folder, here_too = assume.folder(assumptions), host
    completes = stated and not isinstance(assumed.get("machine") or machine.machine(host), Known)
    if assume.another_machine(assumptions) and completes:
        told = assume.facts(assumptions)
        # That nobody named a GPU is no reason to forget the one that the text names.
        more = {name: fact for name, fact in told.items() if isinstance(fact, Known) or not isinstance(assumed.get(name), Known)}
    elif assume.another_machine(assumptions):
        host, assumed = ReplayHost({}, reason="not assumed, and this is not that machine"), {}
        more = assume.facts(assumptions)
    else:
        here = assumed.get("machine") or machine.machine(host)
        more = assume.facts(assumptions, here.value if isinstance(here, Known) else None)
    if folder is not None:
        from torchsmith.app import project

        there = here_too.stat(folder)
        if not isinstance(there, Known) or there.value.kind != "dir":
            raise UsageError(f"`--assume project={folder}`: there is no such folder")
        more = assume.in_project(project.read(here_too, folder), more)
    values = assume.variables(assumptions)
    return _with_variables(host, assumed.get("variables"), values, more) if values else (host, more)


def _with_variables(
    host: Host, stated: Fact[Any] | None, values: dict[str, str], more: dict[str, Fact[Any]]
) -> tuple[Host, dict[str, Fact[Any]]]:
    """Every probe is told the assumed variables; the others stay what they are here, or what a text states."""
    from torchsmith.host.assuming import AssumingHost
    from torchsmith.probes import variables

    told = AssumingHost(host, values)
    found = variables.variables(told)
    if isinstance(found, Known):
        before = stated.value.values if isinstance(stated, Known) else {}
        source = f"assumed: variable={', '.join(values)}"
        more["variables"] = Known(Variables({**before, **found.value.values}), source)
    return told, more


def recorded_target(target: Sequence[str]) -> dict[str, Fact[Any]]:
    """The interpreter that ``--python`` named when a bundle was recorded."""
    return {"target": Known(Target(*target), "bundle")} if target else {}
