"""``torchsmith why-not``: one question about the decision."""

from __future__ import annotations

from torchsmith.app import plan
from torchsmith.choose import why_not
from torchsmith.host.redact import without_secrets
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Answer, Wishes
    from torchsmith.model.known import Fact


def answer(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes, question: str) -> Answer:
    """Why the candidate is rejected, or that it is offered."""
    asked, _ = plan.look(host, assumed, wishes)
    answered = why_not.answer(asked, without_secrets(question))
    return replace(answered, shell=asked.shell)
