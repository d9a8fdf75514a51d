"""A host with some environment variables assumed: whichever probe asks for one is told the same."""

from __future__ import annotations

from torchsmith.host.base import Host
from torchsmith.model.known import Fact, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.host.redact import Identity


class AssumingHost(Host):
    """Answers for the variables of ``values``; every other question goes on to ``host``."""

    def __init__(self, host: Host, values: Mapping[str, str]) -> None:
        self._host = host
        self._values = dict(values)

    def fetch(self, operation: str, *arguments: Any) -> Fact[Any]:
        """See ``Host.fetch``."""
        if operation == "variable" and arguments[0] in self._values:
            return Known(self._values[arguments[0]], f"assumed: variable={arguments[0]}")
        return self._host.fetch(operation, *arguments)

    def identity(self) -> Identity:
        """See ``Host.identity``."""
        return self._host.identity()
