"""An answer as a bot's comment on GitHub: the cause and the fix in sight, the rest folded.

The comment begins with a marker that only machines see. By it a bot finds its own earlier comment and writes the new answer
in its place; the JSON in it names the causes and how sure they are. Annotations are another thing: they stand at lines of the
repository's files, an answer at lines of a log, so what this prints holds no workflow command and cannot be made to.
"""

from __future__ import annotations

import json

from torchsmith import __version__
from torchsmith.report import answer, markdown
from torchsmith.report.markup import inline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.diagnosis import Diagnosis

MARKER = "torchsmith-explain"
SCHEMA_VERSION = 1


def render(diagnosis: Diagnosis) -> str:
    """The comment."""
    first = diagnosis.root_causes[0] if diagnosis.root_causes else None
    opening = answer.opening(diagnosis)
    parts = [_marker(diagnosis)]
    if opening:
        parts.append(f"**{opening.title}**: {opening.says}.")
    if first:
        parts += [f"**{markdown.title(first)}**", inline(first.summary)]
        if first.confidence < answer.SURE:
            parts.append(markdown.decide(first, diagnosis.shell))
            parts += _folded("What to do, if it is that", markdown.fix(first, diagnosis.shell))
        else:
            parts.append(markdown.fix(first, diagnosis.shell))
        parts += _folded(_lines(len(answer.quoted_lines(first))), markdown.evidence(first))
        parts += _folded("What will not help", markdown.wont_help(first))
    elif not opening or not opening.calm:
        parts += ["Please add what tells more:", markdown.wanted(diagnosis.shell)]
    parts += _folded("What else it could be", markdown.others(diagnosis))
    parts.append(f"{markdown.read(diagnosis)} A program wrote this from the text alone.")
    return "\n\n".join(part for part in parts if part) + "\n"


def _lines(count: int) -> str:
    return f"What says so ({count} line{'' if count == 1 else 's'})" if count else "What says so"


def _folded(summary: str, text: str) -> list[str]:
    """A part that opens on a click; ``summary`` is ours. The empty lines make the rest Markdown again."""
    return [f"<details><summary>{summary}</summary>", text, "</details>"] if text else []


def _marker(diagnosis: Diagnosis) -> str:
    """A comment of HTML: its JSON cannot end it."""
    causes = [{"cause": finding.cause, "confidence": finding.confidence} for finding in diagnosis.root_causes]
    told = {
        "schema_version": SCHEMA_VERSION,
        "torchsmith": __version__,
        "verdict": str(diagnosis.verdict),
        "cause": causes[0]["cause"] if causes else None,
        "confidence": causes[0]["confidence"] if causes else None,
        "root_causes": causes,
    }
    text = json.dumps(told, ensure_ascii=True).replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "-\\u002d")
    return f"<!-- {MARKER} {text} -->"
