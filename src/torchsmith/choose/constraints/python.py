"""The Python: a wheel serves the one that its tag names, of CPython, for 64 bits and this processor."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.machine import Machine

SOURCE = "the wheel tags: torchsmith facts torch_builds"
IMPLEMENTATIONS = {"pypy": "PyPy", "graalpy": "GraalPy", "jython": "Jython", "ironpython": "IronPython"}
BITS = 64
ARCHES = {"amd64": "x86_64", "x86_64": "x86_64", "x64": "x86_64", "arm64": "aarch64", "aarch64": "aarch64"}
SHOWN = {"x86_64": "Intel and AMD processors", "aarch64": "Arm processors"}


@constraint("python", "channel", "python", "pythons")
def python(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A wheel serves the one Python that its tag names; conda brings the Python that it needs."""
    here = situation.python
    if here is None:
        return Risk("which Python is here is not known", 0.1)
    if isinstance(situation.interpreter, Interpreter) and (kind := _unusable(situation.interpreter, situation.machine)):
        return kind
    if candidate.python == here:
        return _unfinished(situation)
    if here not in candidate.pythons and candidate.pythons:
        what = "its builds are" if candidate.channel != "wheel" else "its wheels are"
        return Reason(
            "python", f"{what} for Python {spans(candidate.pythons)}, and {here} is here", SOURCE, _nearest(candidate, here)
        )
    return Reason("python", f"it is for Python {candidate.python}, and {here} is here", SOURCE, f"python {candidate.python}")


def _unusable(interpreter: Interpreter, machine: Machine) -> Reason | None:
    """What no wheel of torch is made for, whatever its version."""
    number = ".".join(interpreter.version.split(".")[:2])
    if interpreter.bits and interpreter.bits != BITS:
        because = f"this Python has {interpreter.bits} bits, and torch is made for {BITS} only"
        return Reason("python", because, SOURCE, f"python {number} with {BITS} bits")
    name = IMPLEMENTATIONS.get(interpreter.implementation.lower())
    if name:
        because = f"this Python is {name}, and torch is made for CPython only"
        return Reason("python", because, SOURCE, f"python {number} (CPython)")
    made_for = ARCHES.get(interpreter.machine.lower())
    if made_for and made_for != machine.arch and machine.os != "linux":
        because = f"this Python is made for {SHOWN[made_for]} and runs in translation: wheels for this machine do not fit it"
        return Reason("python", because, SOURCE, f"python {number} made for {SHOWN.get(machine.arch, machine.arch)}")
    return None


def _unfinished(situation: Situation) -> Risk | None:
    interpreter = situation.interpreter
    if isinstance(interpreter, Interpreter) and interpreter.release_level in {"alpha", "beta"}:
        return Risk(f"Python {interpreter.version} is a pre-release: wheels for the release need not load in it", 0.2)
    return None


def spans(pythons: Sequence[str]) -> str:
    """``3.9 to 3.13 and 3.13t`` of a list of Pythons."""
    plain = sorted((p for p in pythons if not p.endswith("t")), key=key)
    free = sorted((p for p in pythons if p.endswith("t")), key=lambda p: key(p[:-1]))
    words = []
    if plain:
        numbers = [key(p)[1] for p in plain]
        whole = numbers == list(range(numbers[0], numbers[-1] + 1)) and len(plain) > 1
        words = [f"{plain[0]} to {plain[-1]}"] if whole else plain
    words = [*words, *free]
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _nearest(candidate: Candidate, here: str) -> str:
    """The condition on this Python under which the build would have a wheel for it."""
    wanted, free = key(here.removesuffix("t")), here.endswith("t")
    plain = sorted((p for p in candidate.pythons if not p.endswith("t")), key=key)
    if not plain:
        return f"python {candidate.python}"
    if free and here.removesuffix("t") in plain:
        return f"python {here.removesuffix('t')}, not free-threaded"
    if wanted > key(plain[-1]):
        return f"python <= {plain[-1]}"
    if wanted < key(plain[0]):
        return f"python >= {plain[0]}"
    return f"python {candidate.python}"
