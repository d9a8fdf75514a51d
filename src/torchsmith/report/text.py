"""What a person reads: one cause on top, its evidence, what to do; then what follows from it, then what was skipped and why."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.facts.gpu import AMD, INTEL
from torchsmith.model.finding import Finding, Outcome, Safety, Severity
from torchsmith.model.known import Known, Unknown
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.shell import quoted

NARROW, WIDE = 40, 100
LABEL = 13  # columns of a label in the machine's block
COLOURS = {Severity.BLOCKER: "31;1", Severity.DEGRADED: "33;1", Severity.NOTE: "36"}
_VERDICTS = {
    Verdict.FITS: "torch, driver and hardware fit together",
    Verdict.DEGRADED: "it works, but not as it should",
    Verdict.BLOCKED: "it cannot work as it is",
    Verdict.UNKNOWN: "could not tell",
    Verdict.NOT_ENVIRONMENT: "the environment is not at fault",
}


def render(diagnosis: Diagnosis, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """The report, at most ``width`` columns wide where words allow it; commands are never broken."""
    width = max(NARROW, min(WIDE, width))
    page = Page(width, colour)
    page.block(f"torchsmith {__version__}: {where(diagnosis)}", "", "  ")
    page.block(machine_line(diagnosis), "  ")
    roots = diagnosis.root_causes
    if diagnosis.verdict is not Verdict.BLOCKED:
        _undecided(page, diagnosis)
    for number, finding in enumerate(roots):
        page.gap()
        if number == 0 or finding.severity is not Severity.NOTE or verbose:
            _finding(page, finding, diagnosis.shell, number == 0, verbose)
        else:
            page.block(f"note     {safe(finding.summary)} ({finding.cause})", "", "         ")
    if diagnosis.symptoms:
        page.gap()
        page.line("Explained by the above:")
        for finding in diagnosis.symptoms:
            page.block(f"- {safe(finding.summary)} ({finding.cause})", "  ", "    ")
    skipped(page, diagnosis, verbose)
    if verbose:
        everything(page, diagnosis)
    page.gap()
    page.block(page.paint(f"{_VERDICTS[diagnosis.verdict].capitalize()}.", "1") + " " + _counts(diagnosis), "", "  ")
    return page.text()


def _finding(page: Page, finding: Finding, shell: str, first: bool, verbose: bool) -> None:
    mark = page.paint(f"{finding.severity.value.upper():<8}", COLOURS[finding.severity])
    sure = "" if finding.confidence >= 0.6 else "   (likely, not certain)"
    page.line(f"{mark} {finding.cause}{sure}")
    page.block(safe(finding.summary), "  ")
    if finding.evidence:
        page.line("  Evidence")
        for proof in finding.evidence:
            value = proof.value if isinstance(proof.value, str) else phrase(proof.value)
            page.block(f"{proof.fact}: {safe(value)}" + _from(proof.source, verbose), "    ", "      ")
    if finding.remedies:
        page.line("  What to do")
        for number, remedy in enumerate(finding.remedies, 1):
            note = {Safety.DISPLAY_ONLY: " (by you: torchsmith never does this)", Safety.UNSAFE: " (asks first)"}.get(
                remedy.safety, ""
            )
            page.block(
                f"{number}. {safe(remedy.title)}{note}" + (f": {safe(remedy.why)}" if remedy.why else ""), "    ", "       "
            )
            for command in remedy.commands:
                page.line("       " + safe(quoted(command, shell)))
    for command in finding.decide_by:
        page.line("  To decide: " + safe(quoted(command, shell)))
    if finding.wont_help and (first or verbose):
        page.line("  What will not help")
        for item in finding.wont_help:
            page.block(f"- {safe(item.title)}: {safe(item.why)}", "    ", "      ")
    page.line(f"  More: torchsmith rule {finding.cause}")


def _from(source: str, verbose: bool) -> str:
    """Where a piece of evidence comes from; paths begin at site-packages, which the first line names."""
    if not source:
        return ""
    parts = source.split("; ")
    if not verbose:
        parts = [part[max(part.find("site-packages"), 0) :] for part in parts]
    return f"  [{safe('; '.join(parts))}]"


def _undecided(page: Page, diagnosis: Diagnosis) -> None:
    """Facts that decide and could not be had: they come first, since the verdict hangs on them."""
    reasons: dict[str, list[str]] = {}
    for name in diagnosis.undecided:
        fact = diagnosis.facts[name]
        if isinstance(fact, Unknown):
            reasons.setdefault(_deepest(fact.reason), []).append(name)
    for reason, names in reasons.items():
        page.gap()
        page.line(f"{page.paint('UNKNOWN ', COLOURS[Severity.DEGRADED])} {', '.join(names)}")
        page.block(safe(reason), "  ")


def skipped(page: Page, diagnosis: Diagnosis, verbose: bool) -> None:
    """The rules that could not judge, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for judgement in diagnosis.judgements:
        if judgement.outcome in {Outcome.SKIPPED, Outcome.CRASHED}:
            reasons.setdefault(_deepest(judgement.reason), []).append(judgement.rule)
    if not reasons:
        return
    page.gap()
    page.line("Not judged:")
    for reason, rules in reasons.items():
        named = ", ".join(rules) if verbose or len(rules) <= 2 else f"{len(rules)} rules"
        page.block(f"- {named}: {safe(reason)}", "  ", "    ")


def everything(page: Page, diagnosis: Diagnosis) -> None:
    """The machine in detail: label, then what is known, or why it is not."""
    from torchsmith.report import machine

    page.gap()
    page.line("Machine")
    for label, text in machine.rows(diagnosis.facts):
        page.block(safe(text), f"  {label:<{LABEL}}", "  " + " " * LABEL)


def _deepest(reason: str) -> str:
    """The reason at the end of a chain of facts: ``a is unknown: b is unknown: slow`` is ``b is unknown: slow``."""
    before, link, last = reason.rpartition(" is unknown: ")
    return f"{before.rpartition(': ')[2]}{link}{last}" if link else reason


def where(diagnosis: Diagnosis) -> str:
    """The environment that was looked at."""
    interpreter, environment = diagnosis.facts.get("interpreter"), diagnosis.facts.get("environment")
    if isinstance(interpreter, Known) and isinstance(environment, Known):
        python, place = interpreter.value, environment.value
        kind = place.kind if place.kind == place.manager else f"{place.kind}, {place.manager}"
        if not python.prefix:  # of a machine that is not here
            return safe(f"Python {python.version}, {kind} ({place.found_by})")
        return safe(f"{python.prefix} (Python {python.version}, {kind}; found by {place.found_by})")
    target = diagnosis.facts.get("target")
    return safe(target.value.python) if isinstance(target, Known) else "no Python environment"


def machine_line(diagnosis: Diagnosis) -> str:
    """Torch, GPUs, driver and system on one line, as far as they are known."""
    parts, instead = list[str](), _in_place_of_nvidia(diagnosis)
    for name, show in HEADLINE.items():
        fact = diagnosis.facts.get(name)
        if isinstance(fact, Known) and not fact.value and name in instead:
            parts += instead[name]
        elif isinstance(fact, Known):
            parts.append(show(fact.value))
        elif fact is not None:
            parts.append(f"{name}: unknown ({fact.reason.rpartition(' is unknown: ')[2]})")
    return safe(" | ".join(part for part in parts if part))


def _in_place_of_nvidia(diagnosis: Diagnosis) -> dict[str, list[str]]:
    """What is told where there is no GPU or driver of NVIDIA's: another maker's GPU that torch can use; nothing on a Mac."""
    machine, bus = diagnosis.facts.get("machine"), diagnosis.facts.get("pci_devices")
    if isinstance(machine, Known) and machine.value.os == "macos":
        return {"gpus": ["Apple GPU (mps)"] if machine.value.arch == "aarch64" else [], "driver": []}
    there = [device for device in bus.value.gpus if device.vendor in {AMD, INTEL}] if isinstance(bus, Known) and bus.value else []
    if not there:
        return {}
    from torchsmith.knowledge import accelerators

    named = [(device.name, accelerators.usable(device.vendor, device.device).partition(":")[0]) for device in there]
    usable = list(dict.fromkeys(name or family for name, family in named if family))
    return {"gpus": usable} if usable else {}


def _torch(torch: object) -> str:
    return f"torch {torch.version}" if torch else "no torch"  # type: ignore[attr-defined]


def _gpus(gpus: object) -> str:
    names = [device.name or f"GPU {device.index}" for device in gpus]  # type: ignore[attr-defined]
    return ", ".join(f"{names.count(n)} x {n}" if names.count(n) > 1 else n for n in dict.fromkeys(names)) or "no NVIDIA GPU"


def _driver(driver: object) -> str:
    if not driver:
        return "no NVIDIA driver"
    cuda = f" (CUDA {driver.cuda})" if driver.cuda else ""  # type: ignore[attr-defined]
    return f"driver {driver.version or 'of unknown version'}{cuda}"  # type: ignore[attr-defined]


def _system(machine: object) -> str:
    name, arch = machine.distro_name or machine.os, machine.arch  # type: ignore[attr-defined]
    wsl = f", WSL {machine.wsl}" if machine.wsl else ""  # type: ignore[attr-defined]
    return (name if arch in name else f"{name} {arch}") + wsl


HEADLINE = {"torch": _torch, "gpus": _gpus, "driver": _driver, "machine": _system}


def phrase(value: object) -> str:
    """A value in a row, for a reader."""
    if isinstance(value, dict):
        return ", ".join(f"{key}={item!r}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)


def _counts(diagnosis: Diagnosis) -> str:
    def count(number: int, word: str) -> str:
        return f"{number} {word}{'' if number == 1 else 's'}"

    severities = [finding.severity for finding in diagnosis.root_causes]
    passed = sum(j.outcome is Outcome.PASSED for j in diagnosis.judgements)
    skipped = sum(j.outcome in {Outcome.SKIPPED, Outcome.CRASHED} for j in diagnosis.judgements)
    parts = [
        count(severities.count(Severity.BLOCKER), "blocker"),
        f"{severities.count(Severity.DEGRADED)} degraded",
        count(severities.count(Severity.NOTE), "note"),
        f"{passed} passed",
    ]
    return ", ".join([*parts, f"{skipped} not judged"] if skipped else parts)
