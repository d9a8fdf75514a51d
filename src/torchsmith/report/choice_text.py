"""A decision for a person: the first option with its commands, the matrix, what was rejected."""

from __future__ import annotations

from torchsmith.report import shell
from torchsmith.report.escape import safe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Answer, Choice
    from torchsmith.model.diagnosis import Diagnosis


def render(choice: Choice, diagnosis: Diagnosis, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """The whole decision."""
    del diagnosis, width, colour, verbose
    lines = []
    for option in choice.options[:5]:
        lines.append(
            f"{option.rank}. {option.approach.title}: torch {option.candidate.version}, Python {option.candidate.python}"
        )
        lines += [f"     {shell.quoted(command, choice.shell)}" for command in option.commands]
        lines += [f"     risk: {safe(risk)}" for risk in option.risks]
    lines += [f"no {rejected.candidate}: {safe(rejected.reasons[0].because)}" for rejected in choice.rejected]
    return "\n".join(lines) + "\n"


def render_answer(answer: Answer, width: int = 80, colour: bool = False) -> str:
    """The answer to ``why-not``."""
    del width, colour
    lines = [f"{safe(answer.candidate)}: {answer.verdict}"]
    lines += [f"  {reason.constraint}: {safe(reason.because)}" for reason in answer.reasons]
    lines += [f"  would fit if: {safe(change)}" for change in answer.would_fit_if]
    return "\n".join(lines) + "\n"
