"""Nix: its environments are built from expressions and never changed."""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.model.action import Action

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """Nothing that could be run.

    Raises:
        CannotDo: always.

    """
    del action, interpreter
    raise CannotDo("change the Nix expression (`config.cudaSupport = true`, or `torch-bin`) and build the environment again")
