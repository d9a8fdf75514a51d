"""A host that remembers what it was asked and what it answered, so that it can be put into a bundle."""

from __future__ import annotations

from torchsmith.host.base import Host
from torchsmith.host.replay import request_key
from torchsmith.model.known import Fact, Known
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.host.redact import Redactor


class RecordingHost(Host):
    """Passes every request on to ``host`` and keeps the answer."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._kept: list[tuple[str, tuple[Any, ...], Fact[Any]]] = []

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """See ``Host.fetch``."""
        answer = self._host.fetch(operation, *arguments)
        self._kept.append((operation, arguments, answer))
        return answer

    def evidence(self, redactor: Redactor) -> dict[str, dict[str, Any]]:
        """All answers, redacted, as ``ReplayHost`` takes them."""
        recorded = {}
        for operation, arguments, answer in self._kept:
            private = str(arguments[1]) if operation == "variable" else ""
            if isinstance(answer, Known):
                kept = {"value": redactor.value(plain(answer.value), private), "source": redactor.text(answer.source)}
            else:
                kept = {"unknown": redactor.text(answer.reason), "tried": redactor.data(answer.tried)}
            recorded[request_key(operation, tuple(redactor.data(list(arguments))))] = kept
        return recorded
