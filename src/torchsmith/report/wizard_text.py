"""What a person is led through before a change: what is wrong, how the options compare, which one comes first and why."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.choose import root_cause
from torchsmith.report import apply_text, choice_matrix, choice_words, text
from torchsmith.report.escape import safe
from torchsmith.report.page import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.model.choice import Choice
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.transaction import Shown

_GOOD, _BAD = "32;1", "31;1"
_WAYS = 50
"""Columns below which the options are listed instead of being put side by side."""


def opening(choice: Choice, diagnosis: Diagnosis, remedies: Sequence[Shown] = (), width: int = 80, colour: bool = False) -> str:
    """The diagnosis, short, and the options with their numbers; ``remedies`` are for what no option cures."""
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    page.block(f"torchsmith {__version__}: {text.where(diagnosis)}", "", "  ")
    page.block(text.machine_line(diagnosis), "  ")
    page.gap()
    _diagnosis(page, diagnosis)
    kept = choice_words.kept(choice)
    if remedies:
        page.block("No other build of torch cures that.", "")
        apply_text.shown(page, remedies, choice.shell)
        page.gap()
    word, says = choice_words.verdict(choice, ill=root_cause.left(diagnosis, kept=kept))
    page.block(f"{page.paint(word + ':', _GOOD if choice.satisfied else _BAD)} {says}", "", "  ")
    if kept or not choice.options:
        return page.text()
    first = choice.options[0]
    if first.why:
        page.block(safe(first.why), "  ")
    for risk in first.risks:
        page.block(f"- risk: {safe(risk)}", "  ", "    ")
    page.gap()
    if page.width > _WAYS + 20:
        choice_matrix.table(page, choice, every=False)
    else:
        page.line("The options, the best of each approach")
        for option in choice_words.best_of_each(choice)[: choice_matrix.ROWS]:
            page.block(choice_words.named(option), f"{option.rank:>3}. ", "     ")
    page.gap()
    return page.text()


def _diagnosis(page: Page, diagnosis: Diagnosis) -> None:
    """The root cause with what proves it first; that all is well where nothing is wrong."""
    found = root_cause.cause(diagnosis)
    if found is None:
        page.block(f"Nothing is wrong that torchsmith knows of: {diagnosis.verdict.value}.", "", "  ")
        return
    page.block(f"{page.paint(found.severity.value.upper(), text.COLOURS[found.severity])} {found.cause}", "", "  ")
    page.block(safe(found.summary), "  ")
    for proof in found.evidence[:2]:
        value = proof.value if isinstance(proof.value, str) else text.phrase(proof.value)
        page.block(f"{proof.fact}: {safe(value)}", "    ", "      ")
    page.gap()
