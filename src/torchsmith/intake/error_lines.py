"""Lines that look like an error of some kind: where there are any, facts that fit do not mean that all is well."""

from __future__ import annotations

from torchsmith.model.facts.paste import ErrorLines
from torchsmith.model.known import Fact, Known
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from torchsmith.intake.clue import Line

KEPT, SHOWN = 3, 200
_ERROR = pattern(
    r"\b[A-Z]\w{2,40}(?:Error|Exception|Exit|Interrupt)\b(?::|$)|Traceback \(most recent call last\)|\b(?:[Ff]atal )?[Ee]rror:"
    r"|\bERROR\b|\bFAILED\b|\bFATAL\b|\b[Ff]ailed to\b|\b[Cc]annot \w|Segmentation fault|core dumped|\bAborted\b|\b[Kk]illed\b"
    r"|[Aa]vailable\b.{0,20}\b(?:False|No)$|\(False\)$|^'?False'?$|WARN|[Ww]arning:"
    r"|(?:is|are|returns?|prints?|says|gives|getting|gets) False\b|(?:not|n't) (?:work|working|detect\w*|recogni[sz]e\w*)\b"
)


def facts(lines: Sequence[Line]) -> dict[str, Fact[Any]]:
    """The first of them, as one fact; empty where there is none."""
    found: list[Line] = []
    for line in lines:
        if _ERROR.search(line.text):
            found.append(line)
            if len(found) == KEPT:
                break
    if not found:
        return {}
    return {"error_lines": Known(ErrorLines(tuple(line.text[:SHOWN] for line in found)), f"pasted text, line {found[0].number}")}
