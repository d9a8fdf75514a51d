"""One rule on made-up facts, as the engine runs it."""

from __future__ import annotations

from typing import Any

from torchsmith.app.catalogue import RULES
from torchsmith.engine.fold import fold
from torchsmith.engine.judge import judge
from torchsmith.model.facts.gpu import Device, Gpus, Libcuda, NvidiaLibraries, Nvml
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Outcome
from torchsmith.model.known import Fact, Known, Unknown

LINUX = Machine("linux", "x86_64", "6.1.0-37-amd64", 1000, "debian", "12", "Debian GNU/Linux 12", "glibc", "2.36")
WSL = Machine("linux", "x86_64", "6.6.87.2-microsoft-standard-WSL2", 1000, "ubuntu", "24.04", "", "glibc", "2.39", wsl=2)
ARM = Machine("linux", "aarch64", "5.15.148-tegra", 1000, "ubuntu", "22.04", "", "glibc", "2.35")
WINDOWS = Machine("windows", "x86_64", "10", windows_build=22631)
CUDA = Torch("/env/torch", "2.14.1+cu130", "cuda", "cu130", "13.0")
CPU = Torch("/env/torch", "2.14.1+cpu", "cpu", "cpu")
NO_LIBRARIES = NvidiaLibraries(
    Nvml(loaded=False), Libcuda(loaded=False, errors=("libcuda.so.1: cannot open shared object file",))
)
RTX5070 = Device(0, "NVIDIA GeForce RTX 5070", 120)
WORKING = NvidiaLibraries(
    Nvml(loaded=True, status=0, driver="580.95.05", cuda="13.0", devices=(RTX5070,)),
    Libcuda(loaded=True, path="/usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05", status=0, cuda="13.0", devices=(RTX5070,)),
)
ONE_GPU = Gpus((RTX5070,), "NVML")


def python(version: str = "3.12.4", **changes: Any) -> Interpreter:
    """An interpreter in a venv on Linux."""
    given: dict[str, Any] = {
        "executable": "/env/bin/python",
        "version": version,
        "prefix": "/env",
        "base_prefix": "/usr",
        "bits": 64,
        "machine": "x86_64",
        "platform": "linux",
        "kind": "venv",
        "search_path": ("/env/lib/python3.12/site-packages",),
        "site_packages": ("/env/lib/python3.12/site-packages",),
        "libc": "glibc 2.36",
    }
    return Interpreter(**given | changes)


def findings(slug: str, **facts: Any) -> list[Finding]:
    """What the rule finds. A fact that is not given is absent where the rule allows that, else unknown."""
    node = next(node for node in RULES if node.slug == slug)
    known: dict[str, Fact[Any]] = {name: _fact(value) for name, value in facts.items()}
    for need in node.needs:
        known.setdefault(need.fact, Known(None, "test") if need.absent else Unknown("not given"))
    machine = facts.get("machine", LINUX)
    judgement = judge([node], known, machine.systems)[0]
    assert judgement.outcome in {Outcome.PASSED, Outcome.FAILED, Outcome.NOT_APPLICABLE}, judgement
    for finding in judgement.findings:
        assert all(proof.fact in known for proof in finding.evidence), "a proof names a fact that the rule was given"
        assert finding.evidence
        assert finding.confidence >= 0.6 or finding.decide_by, "a guess names what would decide"
    return list(judgement.findings)


def one(slug: str, **facts: Any) -> Finding:
    """The only finding of the rule."""
    found = findings(slug, **facts)
    assert len(found) == 1, found
    return found[0]


def roots(*slugs: str, **facts: Any) -> list[str]:
    """The root causes that these rules leave."""
    from torchsmith.app.ranking import RANK

    found = [finding for slug in slugs for finding in findings(slug, **facts)]
    return [finding.cause for finding in fold(found, RANK)[0]]


def _fact(value: Any) -> Fact[Any]:
    return value if isinstance(value, Unknown) else Known(value, "test")
