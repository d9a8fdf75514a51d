"""A decision for a person: what to do and why, how the approaches compare, what was rejected, where to go on."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.choose import root_cause
from torchsmith.model.known import Known
from torchsmith.report import choice_matrix, choice_words, text
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.shell import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Answer, Choice, Option, Reason
    from torchsmith.model.diagnosis import Diagnosis

LABEL = 9
_GOOD, _BAD = "32;1", "31;1"


def render(
    choice: Choice,
    diagnosis: Diagnosis,
    width: int = 80,
    colour: bool = False,
    verbose: bool = False,
    every: bool = False,
    kept: str = "",
) -> str:
    """The whole decision.

    ``every`` tells all options and rejections, ``verbose`` the matrix with weights and points; ``kept`` is the file that
    the plan was written to.
    """
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    page.block(f"torchsmith {__version__}: plan for {choice.wishes.goal}", "", "  ")
    page.block(text.machine_line(diagnosis), "  ")
    page.gap()
    _opening(page, choice, diagnosis)
    if not choice.satisfied:
        _conflicts(page, choice, sources=every or verbose)
        if choice.options:
            page.gap()
            source = choice.options[0].candidate.channel == "source"
            page.line("Or, by a build from source" if source else "Until then, on the CPU")
    if every:
        _every(page, choice)
    for option in choice.options[: 0 if every else 1]:
        _option(page, option, choice.shell)
    if len(choice.options) > 1:
        page.gap()
        choice_matrix.table(page, choice, every=every or verbose)
    if verbose:
        page.gap()
        choice_matrix.whole(page, choice)
    _rejections(page, choice, every)
    remarks = choice.remarks[1:] if root_cause.uncured(diagnosis) else choice.remarks
    if remarks:
        page.gap()
        page.line("To know")
        for remark in remarks:
            page.block(f"- {safe(remark)}", "  ", "    ")
    page.gap()
    page.block(f"Weights for {choice.wishes.goal}: {choice_words.weights(choice)}", "", "  ")
    _onwards(page, choice, every, kept, here=choice.satisfied and not choice_words.kept(choice) and _is_here(diagnosis))
    return page.text()


def _opening(page: Page, choice: Choice, diagnosis: Diagnosis) -> None:
    """What check finds, what no installation cures, then the decision in one line."""
    found = root_cause.cause(diagnosis)
    if found:
        label = page.paint(found.severity.value.upper(), text.COLOURS[found.severity])
        page.block(f"{label} {found.cause}: {safe(found.summary)}", "", "  ")
    ill = root_cause.left(diagnosis, kept=choice_words.kept(choice))
    if found and ill:
        what = "No other build of torch cures that." if root_cause.uncured(diagnosis) else "To install torch does not cure that."
        page.block(f"{what} First:" if found.remedies else what, "  ")
        for remedy in found.remedies[:1]:
            page.block(safe(remedy.title), "    ")
            for command in remedy.commands:
                page.line("    " + safe(quoted(command, choice.shell)))
    word, says = choice_words.verdict(choice, ill=ill)
    page.block(f"{page.paint(word + ':', _GOOD if choice.satisfied else _BAD)} {says}", "", "  ")


def _every(page: Page, choice: Choice) -> None:
    """All options: of each approach and build the best in full, then its other releases and Pythons with their ranks."""
    groups: dict[tuple[str, str], list[Option]] = {}
    for option in choice.options:
        groups.setdefault((option.approach.name, option.candidate.build), []).append(option)
    for best, *others in groups.values():
        _option(page, best, choice.shell, numbered=True)
        pythons: dict[str, list[str]] = {}
        for other in others:
            pythons.setdefault(other.candidate.python, []).append(f"{other.candidate.torch} ({other.rank}.)")
        for place, (python, releases) in enumerate(pythons.items()):
            told = f"Python {python}: {', '.join(releases)}"
            page.block(told, f"  {'' if place else 'Also':<{LABEL}}", " " * (4 + LABEL))


def _option(page: Page, option: Option, shell: str, *, numbered: bool = False) -> None:
    page.gap()
    if numbered:
        page.block(f"{option.rank}. {choice_words.named(option)}", "", "   ")
    for command in option.commands:
        page.line("  " + safe(quoted(command, shell)))
    for name, content in option.files:
        page.line(f"  {safe(name)}:")
        for line in content.splitlines():
            page.line(f"    {safe(line)}")
    if (option.commands or option.files) and not numbered:
        page.gap()
    for label, items in choice_words.rows(option):
        if numbered and label == "Checked" and not option.checked:
            continue
        mark = "- " if label in choice_words.LISTED else ""
        for place, item in enumerate(items):
            page.block(safe(item), f"  {'' if place else label:<{LABEL}}{mark}", " " * (2 + LABEL + len(mark)))


def _conflicts(page: Page, choice: Choice, *, sources: bool) -> None:
    """What excludes each other, then what would have to change."""
    for conflict in choice.conflicts:
        page.gap()
        page.line("These exclude each other" if len(conflict.reasons) > 1 else "This excludes everything")
        for reason in conflict.reasons:
            if sources:
                _reason(page, reason)
            else:
                page.block(f"- {safe(reason.because)}", "  ", "    ")
    if choice.repairs:
        page.gap()
        page.line("What would do, the least first")
        for number, repair in enumerate(choice.repairs, 1):
            page.block(f"{number}. {safe(', and '.join(repair.changes))}: gives {safe(repair.gives)}", "  ", "     ")


def _reason(page: Page, reason: Reason) -> None:
    page.block(f"- {safe(reason.because)} ({safe(reason.constraint)}; {safe(reason.source)})", "  ", "    ")


def _rejections(page: Page, choice: Choice, every: bool) -> None:
    folded = choice_words.rejections(choice)
    if every:
        page.gap()
        page.line("Rejected")
        for rejected in choice.rejected:
            page.line(f"  {safe(rejected.candidate)}")
            for reason in rejected.reasons:
                page.block(f"- {safe(reason.because)} ({safe(reason.constraint)}; {safe(reason.source)})", "    ", "      ")
        return
    if not folded:
        return
    page.gap()
    page.line("Rejected")
    for label, because in folded[: choice_words.LINES]:
        page.block(f"{safe(label)}: {safe(because)}", "  ", "    ")
    left = len(folded) - choice_words.LINES
    if left > 0:
        page.line(f"  and {left} more: --all")


def _is_here(diagnosis: Diagnosis) -> bool:
    """Whether the plan is for this machine, so that it can be carried out."""
    facts = (diagnosis.facts.get(name) for name in ("machine", "interpreter"))
    return not any(isinstance(fact, Known) and fact.source.startswith("assumed") for fact in facts)


def _onwards(page: Page, choice: Choice, every: bool, kept: str, *, here: bool) -> None:
    if kept:
        page.line(f"Kept in {safe(kept)}")
    page.line("More")
    apply = f"torchsmith apply {safe(quoted((kept,), choice.shell))}" if kept else "torchsmith apply"
    rows = [(apply, "carry it out: it is shown, and asked about, first")] * here
    rows += [(f"torchsmith why-not {safe(choice_words.to_ask(choice))}", "what speaks against a build, an approach, a Python")]
    rows += [] if every else [("--all", "every option, every rejection with its source")]
    rows += [("--verbose", "the whole matrix"), ("--resolve", "let uv, pip or Poetry try the options")]
    for command, what in [*rows, *([] if kept else [("--write FILE", "keep the plan")])]:
        page.line(f"  {command:<25} {what}")


def render_answer(answer: Answer, width: int = 80, colour: bool = False) -> str:
    """The answer to ``why-not``."""
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    words = {"rejected": "rejected", "offered": "offered", "unknown-candidate": "not known"}
    verdict = page.paint(words.get(answer.verdict, answer.verdict), _GOOD if answer.verdict == "offered" else _BAD)
    where = f" ({choice_words.ranks(answer.options)} of `torchsmith plan`)" if answer.options else ""
    page.block(f"{safe(answer.candidate)}: {verdict}{where}", "", "  ")
    for reason in answer.reasons:
        _reason(page, reason)
    for remark in answer.remarks:
        page.block(safe(remark), "  ")
    if answer.would_fit_if:
        page.line("It would fit with" if len(answer.would_fit_if) == 1 else "It would fit with any one of")
        for change in answer.would_fit_if:
            page.block(f"- {safe(change)}", "  ", "    ")
    if answer.nearest:
        page.block(f"Nearest: {safe(', '.join(answer.nearest))}", "  ", "    ")
    return page.text()
