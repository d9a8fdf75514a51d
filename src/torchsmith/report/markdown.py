"""An answer as Markdown, ready to paste into an issue: no HTML, nothing of the input live."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.report import answer
from torchsmith.report.explanation import FEW_FACTS, quotation
from torchsmith.report.markup import block, code, inline
from torchsmith.report.shell import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.finding import Finding

ROOM = 100
"""Columns of a quoted line before it is broken."""
VALUE = 300
"""Characters of a fact's value that are shown."""
_LANGUAGE = {"bash": "sh", "powershell": "powershell"}


def render(diagnosis: Diagnosis) -> str:
    """The whole answer."""
    first = diagnosis.root_causes[0] if diagnosis.root_causes else None
    opening = answer.opening(diagnosis)
    parts = []
    if opening:
        parts.append(f"### {opening.title}: {opening.says}")
    if first:
        parts += [f"{'' if opening else '### '}{title(first)}", inline(first.summary)]
        parts += _titled("What says so", evidence(first))
        guess = first.confidence < answer.SURE
        parts += _titled("What to do, if it is that" if guess else "What to do", fix(first, diagnosis.shell))
        parts += _titled("What will not help", wont_help(first))
        parts.append(decide(first, diagnosis.shell))
    elif not opening or not opening.calm:
        parts += _titled("Paste what tells more", wanted(diagnosis.shell))
    parts += _titled("What else it could be", others(diagnosis))
    parts.append(read(diagnosis))
    return "\n\n".join(part for part in parts if part) + "\n"


def _titled(words: str, text: str) -> list[str]:
    return [f"**{words}**", text] if text else []


def title(finding: Finding) -> str:
    """The cause and how sure it is."""
    return f"{code(finding.cause)}: {answer.sureness(finding.confidence)}"


def evidence(finding: Finding) -> str:
    """The proving lines in one block, then the facts."""
    lines = answer.quoted_lines(finding)
    gutter = max((len(str(line.number)) for line in lines), default=0)
    rows: list[str] = []
    for line in lines:
        rows += quotation(line, gutter, ROOM)
        if line.says:
            rows.append(f"{'':>{gutter}} = {line.says}")
    facts = "\n".join(_facts(finding))
    return "\n\n".join(part for part in (block(rows) if rows else "", facts) if part)


def _facts(finding: Finding) -> Iterator[str]:
    facts = answer.facts_of(finding)
    for name, value, source in facts[:FEW_FACTS]:
        shown = value if len(value) <= VALUE else f"{value[:VALUE]} ..."
        yield f"- {inline(name)}: {code(shown)}" + (f" ({_whole(source[:VALUE])})" if source else "")
    if len(facts) > FEW_FACTS:
        yield f"- and {len(facts) - FEW_FACTS} more facts"


def _whole(text: str) -> str:
    """Words if they are, else code as a whole."""
    words = inline(text)
    return code(text) if "`" in words else words


def fix(finding: Finding, shell: str) -> str:
    """The remedies, each with its commands."""
    return "\n\n".join(_remedies(finding, shell))


def _remedies(finding: Finding, shell: str) -> Iterator[str]:
    for number, remedy in enumerate(finding.remedies, 1):
        mark = f"{number}. "
        text = mark + inline(remedy.title) + (f": {inline(remedy.why)}" if remedy.why else "")
        commands = [quoted(command, shell) for command in remedy.commands]
        yield f"{text}\n\n{block(commands, _LANGUAGE.get(shell, 'text'), ' ' * len(mark))}" if commands else text


def wont_help(finding: Finding) -> str:
    """What people try in vain, with the reason."""
    return "\n".join(f"- {inline(item.title)}: {inline(item.why)}" for item in finding.wont_help)


def decide(finding: Finding, shell: str) -> str:
    """The command that would decide; empty where nothing is open."""
    if not finding.decide_by:
        return ""
    before, after = answer.how_to_decide(finding)
    commands = [quoted(command, shell) for command in finding.decide_by]
    language = _LANGUAGE.get(shell, "text")
    return f"**To be sure**, {inline(before)}:\n\n{block([*commands, *([after] if after else [])], language)}"


def wanted(shell: str) -> str:
    """What to paste instead."""
    return "\n".join(
        f"- {inline(what)}" + (f": {code(quoted(command, shell))}" if command else "") for what, command in answer.WANTED
    )


def others(diagnosis: Diagnosis) -> str:
    """The other causes, a line each."""
    return "\n".join(
        f"- {code(finding.cause)}, {answer.percent(finding.confidence)}: {inline(finding.summary)}"
        for finding in diagnosis.root_causes[1:]
    )


def read(diagnosis: Diagnosis) -> str:
    """What was recognised, and where more stands."""
    parts = [*answer.recognised_facts(diagnosis), *answer.kinds(diagnosis)]
    shown = f"Read: {', '.join(map(_whole, parts)) or 'nothing'}. "
    more = f"More: {code('torchsmith rule ' + diagnosis.root_causes[0].cause)}. " if diagnosis.root_causes else ""
    return f"{shown}{more}(torchsmith {__version__})"
