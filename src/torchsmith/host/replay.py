"""A recorded machine: answers what its bundle holds, and says so where it holds nothing."""

from __future__ import annotations

from torchsmith.host.base import Host
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def request_key(operation: str, arguments: tuple[Any, ...]) -> str:
    """A request as the key under which a bundle keeps its answer."""
    import json  # an assumed machine records nothing, and needs no keys

    return json.dumps([operation, *arguments], ensure_ascii=False)


class ReplayHost(Host):
    """Answers from ``recorded``: request key -> ``{"value", "source"}`` or ``{"unknown", "tried"}``."""

    def __init__(
        self, recorded: Mapping[str, Mapping[str, Any]], target: tuple[str, ...] = (), reason: str = "not in this bundle"
    ) -> None:
        self._recorded = recorded
        self._reason = reason
        self.target = target

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """See ``Host.fetch``."""
        answer = self._recorded.get(request_key(operation, arguments)) if self._recorded else None
        if answer is None:
            return Unknown(self._reason, (" ".join(map(str, arguments[:2])) or operation,))
        if "unknown" in answer:
            return Unknown(str(answer["unknown"]), tuple(map(str, answer.get("tried", ()))))
        return Known(answer["value"], str(answer.get("source", "")))
