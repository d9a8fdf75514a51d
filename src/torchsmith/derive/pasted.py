"""Facts that only a text states. Where nothing was pasted there are none: a known absence, for which no rule is asked."""

from __future__ import annotations

from torchsmith.engine.declare import derivation
from torchsmith.model.known import Fact, Known

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.facts.paste import ErrorLines
    from torchsmith.model.facts.project import PastedProject, Transcript

_NOTHING = "no text that tells of it"


@derivation
def error_lines() -> Fact[ErrorLines | None]:
    """What of a text looks like an error."""
    return Known(None, _NOTHING)


@derivation
def transcript() -> Fact[Transcript | None]:
    """What installers printed."""
    return Known(None, _NOTHING)


@derivation
def pasted_project() -> Fact[PastedProject | None]:
    """Project files as somebody pasted them."""
    return Known(None, _NOTHING)
