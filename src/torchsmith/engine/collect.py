"""First phase: gather facts. Nothing is judged here."""

from __future__ import annotations

from importlib import import_module

from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.record import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from torchsmith.engine.declare import Need, Node


ASSUMED = "assumed"


def collect(host: Any, nodes: Iterable[Node], assumed: Mapping[str, Fact[Any]]) -> dict[str, Fact[Any]]:
    """Every fact that ``nodes`` (ordered: inputs first) give; an assumed fact takes the place of its node's answer."""
    facts: dict[str, Fact[Any]] = dict(assumed)
    for node in nodes:
        if node.fact not in facts:
            facts[node.fact] = _ask(host, node, facts)
    return facts


def missing(needs: Iterable[Need], facts: Mapping[str, Fact[Any]]) -> Fact[None] | None:
    """Why a node cannot run: Unknown if a need could not be found out, Known(None) if there is none of it, else None."""
    for need in needs:
        fact = facts.get(need.fact, Unknown("not collected"))
        if isinstance(fact, Unknown) and not need.unknown:
            return Unknown(f"{need.fact} is unknown: {fact.reason}", fact.tried)
        if isinstance(fact, Known) and not need.absent and absent(fact.value):
            return Known(None, f"there is no {need.fact} ({fact.source})")
    return None


def absent(value: object) -> bool:
    """Whether a known value is a known absence: None, or a record that counts as empty (no GPUs)."""
    return value is None or (bool(fields(value)) and not value)


def inputs(needs: Iterable[Need], facts: Mapping[str, Fact[Any]]) -> dict[str, Any]:
    """The arguments for a node: values, None for a known absence, the Unknown itself where it is welcome."""
    given = {need.fact: facts[need.fact] for need in needs}
    return {name: fact.value if isinstance(fact, Known) else fact for name, fact in given.items()}


def _ask(host: Any, node: Node, facts: Mapping[str, Fact[Any]]) -> Fact[Any]:
    lacking = missing(node.needs, facts)
    if lacking is not None:
        return lacking
    arguments = inputs(node.needs, facts)
    try:
        function = getattr(import_module(node.module), node.function)
        answer = function(host, **arguments) if node.host else function(**arguments)
    except Exception as error:  # noqa: BLE001 - one probe's fault must not cost the other answers
        return Unknown(f"crashed: {type(error).__name__}: {error}", (node.module,))
    sources = dict.fromkeys(f.source for n in node.needs if isinstance(f := facts[n.fact], Known) and f.source)
    if isinstance(answer, Unknown):
        return answer
    if not isinstance(answer, Known):
        return Known(answer, "; ".join(sources))
    # What rests on an assumption says so, whatever witness it would have come from.
    given = [source for source in sources if source.startswith(ASSUMED) and not node.host]
    return Known(answer.value, "; ".join(given)) if given else answer
