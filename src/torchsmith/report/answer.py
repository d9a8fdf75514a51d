"""What an answer to a pasted text says in whatever form: how sure, what proves it, what was recognised, what would decide.

Words only: every form escapes them in its own way.
"""

from __future__ import annotations

from torchsmith.model.diagnosis import Verdict
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace
from torchsmith.report.text import HEADLINE, phrase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.finding import Finding, Proof
    from torchsmith.model.known import Fact

NOT_TOLD = "not in the pasted text"
SURE = 0.6
"""From here on an answer stands; below, it is a guess and names the command that decides."""
_WORDS = ((0.9, "almost certain"), (0.75, "very likely"), (SURE, "likely"), (0.4, "a guess"), (0.0, "one possibility"))
_FORMS = {
    "report": "the reporter's words",
    "torch's words": "torch's messages",
    "environment": "environment variables",
    "command": "commands",
}
_SOURCE = pattern(r"(?P<form>.{1,60}), line \d+")
_EXCEPTION = pattern(r"(?:^|[\s:|])[A-Z]\w{2,60}(?:Error|Exception|Interrupt)\b")
WANTED = (
    ("the whole error, from its first line to its last, with what was printed before it", ()),
    ("what torch says of its environment", ("python", "-m", "torch.utils.collect_env")),
    ("what the driver says", ("nvidia-smi",)),
    ("or, on the machine itself, the shortest way", ("torchsmith", "check")),
)
"""What to paste where nothing was recognised: what it is, and the command that prints it."""
READ = frozenset(
    {
        *(("nvidia-smi",), ("nvidia-smi", "-q"), ("nvidia-smi", "-L"), ("nvidia-smi.exe",), ("sudo", "dmesg"), ("dmesg",)),
        *(("python", "-m", "torch.utils.collect_env"), ("env",), ("conda", "list"), ("python", "-m", "pip", "list")),
    }
)
"""Commands whose output ``check --from`` understands."""


@record
class Line:
    """A quoted line of the text: ``mark`` are the offsets of the part that tells, ``says`` what that means."""

    number: int
    text: str
    mark: tuple[int, int] | None
    says: str


@record
class Opening:
    """The first words of an answer, where the cause alone would mislead: ``calm`` if there is nothing to mend."""

    title: str
    says: str
    calm: bool


def opening(diagnosis: Diagnosis) -> Opening | None:
    """What has to be said before any cause: not the environment's fault, healthy, nothing recognised; else None."""
    if diagnosis.verdict is Verdict.NOT_ENVIRONMENT:
        return Opening("Not the environment's fault", "nothing about torch, CUDA or the driver has to change", calm=True)
    if diagnosis.verdict is Verdict.FITS:
        of_text = bool(diagnosis.complaints) or not recognised_facts(diagnosis) or bool(kinds(diagnosis))
        what = "nothing in this text is" if of_text else "torch, driver and hardware fit together: nothing is"
        return Opening("Healthy", f"{what} a fault of the environment", calm=True)
    if diagnosis.root_causes:
        return None
    if diagnosis.undecided:
        return Opening("Could not tell", "a fact that decides is unknown", calm=False)
    if any(judgement.reason.startswith("ignored: ") for judgement in diagnosis.judgements):
        return Opening("No cause found", "without the causes that were left out, nothing explains this text", calm=False)
    if "a Python error" in kinds(diagnosis) or isinstance(diagnosis.facts.get("error_lines"), Known):
        return Opening("No cause found", "there is an error in this text, and none that torchsmith knows", calm=False)
    if recognised_facts(diagnosis) or diagnosis.complaints:
        return Opening("No cause found", "what is recognised shows no fault; the error itself may be missing", calm=False)
    return Opening("Nothing recognised", "this text shows no error and no fact that torchsmith knows", calm=False)


def sureness(confidence: float) -> str:
    """Confidence in words and as a number: ``very likely, 85 %``."""
    return f"{next(words for least, words in _WORDS if confidence >= least)}, {percent(confidence)}"


def percent(confidence: float) -> str:
    """``85 %``."""
    return f"{confidence * 100:.0f} %"


def quoted_lines(finding: Finding) -> tuple[Line, ...]:
    """The lines of the text that prove it, in their order."""
    found = [
        Line(proof.position.line, str(proof.value), proof.mark, proof.source.partition(": ")[2])
        for proof in finding.evidence
        if _is_quoted(proof) and proof.position
    ]
    found.sort(key=lambda line: line.number)
    # What several lines in a row say is said once, under the last of them.
    said = [line.says for line in found[1:]] + [""]
    return tuple(replace(line, says="") if line.says == after else line for line, after in zip(found, said, strict=False))


def facts_of(finding: Finding) -> tuple[tuple[str, str, str], ...]:
    """What else proves it: the fact's name in words, its value, and where that was read."""
    return tuple(
        (
            proof.fact.replace("_", " "),
            proof.value if isinstance(proof.value, str) else phrase(proof.value),
            _source(proof.source),
        )
        for proof in finding.evidence
        if not _is_quoted(proof)
    )


def _source(source: str) -> str:
    """Where a fact was read; what a text could not be asked for is no news."""
    return "; ".join(part for part in source.split("; ") if NOT_TOLD not in part)


def _is_quoted(proof: Proof) -> bool:
    return proof.fact == "text" and proof.position is not None


def recognised_facts(diagnosis: Diagnosis) -> tuple[str, ...]:
    """Torch, GPUs, driver and system, as far as they are known."""
    known = ((show, diagnosis.facts.get(name)) for name, show in HEADLINE.items())
    return tuple(text for show, fact in known if isinstance(fact, Known) and (text := show(fact.value)))


def told(facts: Mapping[str, Fact[Any]]) -> dict[str, Fact[Any]]:
    """The facts without those that a text was not asked for."""
    return {name: fact for name, fact in facts.items() if isinstance(fact, Known) or NOT_TOLD not in fact.reason}


def kinds(diagnosis: Diagnosis) -> tuple[str, ...]:
    """What sort of text it was, in its order: collect_env, nvidia-smi, a Python error ..."""
    found: list[tuple[int, str]] = []
    for fact in diagnosis.facts.values():
        said = _SOURCE.fullmatch(fact.source) if isinstance(fact, Known) and fact.position else None
        if said and said["form"] != "pasted text" and isinstance(fact, Known) and fact.position:
            found.append((fact.position.line, _FORMS.get(said["form"], said["form"])))
    found += [
        (complaint.position.line, "a Python error" if _EXCEPTION.search(complaint.text) else "error lines")
        for complaint in diagnosis.complaints
        if complaint.role != "context"
    ]
    return tuple(dict.fromkeys(kind for _, kind in sorted(found)))


def how_to_decide(finding: Finding) -> tuple[str, str]:
    """What to do with the deciding command: the words before it, and a command after it."""
    first = finding.decide_by[0]
    if first[:2] == ("torchsmith", "bundle"):
        return "record the machine where it fails, and look at the record", f"torchsmith check --from {first[-1]}"
    if first[0] == "torchsmith":
        return "run this where it fails: it looks at the machine itself", ""
    if all(command in READ for command in finding.decide_by):
        return "run this where it fails, and give what it prints to `torchsmith check --from FILE`", ""
    return "run this where it fails, and look for the cause in what it prints; or let torchsmith look there", "torchsmith check"
