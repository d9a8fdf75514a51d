"""A decision as Markdown, ready to paste into an issue: no HTML, nothing of the input live."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.choose import root_cause
from torchsmith.report import choice_matrix, choice_words, text
from torchsmith.report.markup import block, code, inline
from torchsmith.report.shell import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.choice import Choice, Option
    from torchsmith.model.diagnosis import Diagnosis

_LANGUAGE = {"bash": "sh", "fish": "fish", "powershell": "powershell"}


def render(choice: Choice, diagnosis: Diagnosis) -> str:
    """The whole decision."""
    word, says = choice_words.verdict(choice, ill=root_cause.left(diagnosis, kept=choice_words.kept(choice)))
    parts = [f"### {word}: {inline(says)}", code(text.machine_line(diagnosis))]
    found = root_cause.cause(diagnosis)
    if found:
        parts.append(f"{code(found.cause)}: {inline(found.summary)}")
    for option in choice.options[:1]:
        parts += list(_option(option, choice.shell))
    parts += list(_conflicts(choice))
    if len(choice.options) > 1:
        parts += ["**How the approaches compare**", _table(choice)]
    parts += _listed("Rejected", [f"{code(who)}: {inline(why)}" for who, why in choice_words.rejections(choice)])
    parts += _listed("To know", [inline(remark) for remark in choice.remarks])
    parts.append(f"Weights for {code(choice.wishes.goal)}: {inline(choice_words.weights(choice))}. (torchsmith {__version__})")
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(title: str, lines: list[str]) -> list[str]:
    return [f"**{title}**", "\n".join(f"- {line}" for line in lines)] if lines else []


def _option(option: Option, shell: str) -> Iterator[str]:
    if option.commands:
        yield block([quoted(command, shell) for command in option.commands], _LANGUAGE.get(shell, "text"))
    for name, content in option.files:
        yield f"{code(name)}:"
        yield block(content.splitlines())
    lines = [
        f"{label.removesuffix('s') if label in choice_words.LISTED else label}: {inline(told)}"
        for label, items in choice_words.rows(option)
        for told in items
    ]
    yield "\n".join(f"- {line}" for line in lines)


def _conflicts(choice: Choice) -> Iterator[str]:
    for conflict in choice.conflicts:
        yield "**These exclude each other**"
        yield "\n".join(f"- {inline(reason.because)} ({code(reason.source)})" for reason in conflict.reasons)
    if choice.repairs:
        yield "**What would do, the least first**"
        yield "\n".join(
            f"{number}. {code(', and '.join(repair.changes))} gives {inline(repair.gives)}"
            for number, repair in enumerate(choice.repairs, 1)
        )


def _table(choice: Choice) -> str:
    head = choice_matrix.HEAD
    rows = [choice_matrix.cells(choice, option) for option in choice_words.best_of_each(choice)[: choice_matrix.ROWS]]
    lines = [head, ("---",) * len(head), *(tuple(map(code, row)) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
