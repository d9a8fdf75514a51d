"""What a person reads of ``explain``: the cause and how sure it is, the lines that prove it, the fix, and what will not help."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.model.finding import Severity
from torchsmith.model.pattern import pattern
from torchsmith.model.record import replace
from torchsmith.report import answer, text
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.shell import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.finding import Finding

FEW_FACTS = 6
"""So many facts are named as evidence beside the lines; all with ``verbose``."""
_MARK = "31;1"
_CALM = "32;1"
# Latin, Greek and Cyrillic letters: one column each, so that carets stand under what they mean.
_NARROW = pattern("[ -~\u00a1-\u02ff\u0370-\u0482\u048a-\u052f]*")


def render(diagnosis: Diagnosis, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """The answer, at most ``width`` columns wide where words allow it; commands are never broken."""
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    first = diagnosis.root_causes[0] if diagnosis.root_causes else None
    opening = answer.opening(diagnosis)
    if opening:
        title = page.paint(f"{opening.title.upper()}:", _CALM if opening.calm else text.COLOURS[Severity.DEGRADED])
        page.block(f"{title} {opening.says}", "", "  ")
    if first:
        label = "" if opening else page.paint(f"{first.severity.value.upper():<8} ", text.COLOURS[first.severity])
        page.line(f"{label}{first.cause}: {answer.sureness(first.confidence)}")
        _cause(page, first, diagnosis.shell, verbose)
    elif not opening or not opening.calm:
        _wanted(page, diagnosis.shell)
    _others(page, diagnosis)
    if diagnosis.symptoms:
        page.gap()
        page.line("Explained by it")
        for finding in diagnosis.symptoms:
            page.block(f"- {safe(finding.summary)} ({finding.cause})", "  ", "    ")
    _read(page, diagnosis)
    if first:
        page.line(f"More: torchsmith rule {first.cause}")
    if verbose:
        text.skipped(page, diagnosis, verbose)
        text.everything(page, replace(diagnosis, facts=answer.told(diagnosis.facts)))
    return page.text()


def _cause(page: Page, finding: Finding, shell: str, verbose: bool) -> None:
    page.block(safe(finding.summary), "  ")
    _proofs(page, finding, verbose)
    guess = finding.confidence < answer.SURE
    if finding.remedies:
        page.gap()
        page.line("What to do, if it is that" if guess else "What to do")
        for number, remedy in enumerate(finding.remedies, 1):
            page.block(f"{number}. {safe(remedy.title)}" + (f": {safe(remedy.why)}" if remedy.why else ""), "  ", "     ")
            for command in remedy.commands:
                page.line("       " + safe(quoted(command, shell)))
    if finding.wont_help:
        page.gap()
        page.line("What will not help")
        for item in finding.wont_help:
            page.block(f"- {safe(item.title)}: {safe(item.why)}", "  ", "    ")
    if finding.decide_by:
        before, after = answer.how_to_decide(finding)
        page.gap()
        page.block(f"To be sure, {before}", "", "  ")
        for command in finding.decide_by:
            page.line("       " + safe(quoted(command, shell)))
        if after:
            page.line("       " + safe(after))


def _proofs(page: Page, finding: Finding, verbose: bool) -> None:
    """The lines as compilers show them, then the facts."""
    lines, facts = answer.quoted_lines(finding), answer.facts_of(finding)
    if not lines and not facts:
        return
    page.gap()
    page.line("What says so")
    gutter = max((len(str(line.number)) for line in lines), default=0) + 2
    for line in lines:
        _quotation(page, line, gutter)
    shown = facts if verbose else facts[:FEW_FACTS]
    for name, value, source in shown:
        page.block(f"{name}: {safe(value)}" + (f" [{safe(source)}]" if source else ""), "  ", "    ")
    if len(shown) < len(facts):
        page.line(f"  and {len(facts) - len(shown)} more facts: --verbose")


def _quotation(page: Page, line: answer.Line, gutter: int) -> None:
    """One line, broken where the page ends, with what matched underlined."""
    for row in quotation(line, gutter, page.width - gutter - 3):
        bar = row.find("|")
        marked = row[bar + 1 :].strip()
        page.line(page.paint(row, _MARK) if marked and not marked.strip("^") and not row[:bar].strip() else row)
    if line.says:
        page.block(safe(line.says), " " * (gutter + 1) + "= ", " " * (gutter + 3))


def quotation(line: answer.Line, gutter: int, room: int) -> list[str]:
    """The line in rows of ``room`` columns behind its number, each with the carets of its part of the mark."""
    shown = safe(line.text)
    start, end = (len(safe(line.text[:offset])) for offset in line.mark or (0, 0))
    rows: list[str] = []
    offset = 0
    while offset < len(shown) or not rows:
        stop = _break(shown, offset, room)
        label = "" if rows else str(line.number)
        rows.append(f"{label:>{gutter}} | {shown[offset:stop]}".rstrip())
        here, there = max(start, offset), min(end, stop)
        if here < there and _NARROW.fullmatch(shown):
            rows.append(f"{'':>{gutter}} | {' ' * (here - offset)}{'^' * (there - here)}")
        offset = stop
    return rows


def _break(text: str, start: int, room: int) -> int:
    """Where a row that begins at ``start`` ends: behind a space, if one is near."""
    stop = start + room
    if stop >= len(text):
        return len(text)
    return text.rfind(" ", stop - room // 3, stop) + 1 or stop


def _wanted(page: Page, shell: str) -> None:
    page.gap()
    page.line("Paste what tells more, all in one text if you like:")
    for what, command in answer.WANTED:
        page.block(f"- {what}" + (":" if command else ""), "  ", "    ")
        if command:
            page.line("       " + quoted(command, shell))


def _others(page: Page, diagnosis: Diagnosis) -> None:
    """What else it could be, a line each."""
    if len(diagnosis.root_causes) < 2:
        return
    page.gap()
    page.line("What else it could be")
    for finding in diagnosis.root_causes[1:]:
        page.block(f"- {finding.cause} ({answer.percent(finding.confidence)}): {safe(finding.summary)}", "  ", "    ")


def _read(page: Page, diagnosis: Diagnosis) -> None:
    """What was recognised, so that a reader sees what was overlooked."""
    parts = [*answer.recognised_facts(diagnosis), *(("; ".join(answer.kinds(diagnosis)),) if answer.kinds(diagnosis) else ())]
    page.gap()
    page.block(f"Read: {safe(' | '.join(parts)) or 'nothing'} (torchsmith {__version__})", "", "  ")
