"""Every pasted format that is known, and the way from bytes to facts."""

from __future__ import annotations

from torchsmith.intake import (
    assemble,
    collect_env,
    conda_list,
    gpu_facts,
    kernel_log,
    nvidia_smi,
    pip_list,
    reporter,
    text,
    torch_words,
    variables,
)
from torchsmith.intake.clue import Clues

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.known import Fact

# Strongest witness first: where two formats say different things, the earlier one is believed.
FORMATS = (collect_env, torch_words, nvidia_smi, pip_list, conda_list, variables, kernel_log, reporter)


def read(data: bytes) -> dict[str, Fact[Any]]:
    """The facts that a pasted text states, by name; empty where nothing in it is recognised."""
    found = clues(data)
    return assemble.facts(found) | gpu_facts.facts(found) if found.all else {}


def clues(data: bytes) -> Clues:
    """Everything that any format recognises in the text."""
    lines = text.lines(text.decode(data))
    return Clues(tuple(clue for form in FORMATS for clue in form.read(lines)))
