"""Every pasted format that is known, and the way from bytes to facts."""

from __future__ import annotations

import re

from torchsmith.intake import (
    assemble,
    collect_env,
    conda_list,
    env_reports,
    error_lines,
    gpu_facts,
    installing,
    kernel_log,
    nvidia_smi,
    pip_list,
    project_files,
    pythons,
    reporter,
    text,
    torch_words,
    variables,
)
from torchsmith.intake.clue import Clues
from torchsmith.model.facts.project import PastedProject, Transcript
from torchsmith.model.known import Known
from torchsmith.model.position import Position
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.intake.clue import Line
    from torchsmith.model.known import Fact

FORM = "pasted text"
# Strongest witness first: where two formats say different things, the earlier one is believed.
FORMATS = (
    collect_env,
    torch_words,
    env_reports,
    nvidia_smi,
    pip_list,
    conda_list,
    installing,
    project_files,
    variables,
    kernel_log,
    pythons,
    reporter,
)


LINES_LIMIT = 20_000
"""Lines in which facts are looked for: a log of a build has more, and says them at its ends."""


def read(data: bytes) -> dict[str, Fact[Any]]:
    """The facts that a pasted text states, by name; empty where nothing in it is recognised."""
    return facts(text.lines(text.decode(data)))


def facts(lines: Sequence[Line]) -> dict[str, Fact[Any]]:
    """The facts that these lines state, each with its position."""
    found = clues(lines)
    if not found.all:
        return {}
    stated = assemble.facts(found) | gpu_facts.facts(found) | installing.facts(found) | project_files.facts(found)
    if "transcript" in stated or "pasted_project" in stated:  # where one of them is there, the other one is empty, not unknown
        stated = {"transcript": Known(Transcript(), FORM), "pasted_project": Known(PastedProject(), FORM), **stated}
    if stated:
        stated |= error_lines.facts(lines)
    return {name: _placed(fact) for name, fact in stated.items()}


def clues(lines: Sequence[Line]) -> Clues:
    """Everything that any format recognises in the lines; of very many, in the first and the last."""
    if len(lines) > LINES_LIMIT:
        lines = (*lines[: LINES_LIMIT // 2], *lines[-LINES_LIMIT // 2 :])
    begins = [line for line in lines if not line.start]  # no format has anything in the rest of an overlong line
    whole = "\n".join(line.text for line in begins).lower()
    telling = (form for form in FORMATS if not hasattr(form, "WORDS") or any(word in whole for word in form.WORDS))
    return Clues(tuple(clue for form in telling for clue in form.read(begins)))


def _placed(fact: Fact[Any]) -> Fact[Any]:
    """The fact with the line that its source names."""
    said = re.search(r", lines? (\d+)(?:-\d+)?$", fact.source) if isinstance(fact, Known) else None
    return replace(fact, position=Position(int(said[1]), 1)) if said else fact
