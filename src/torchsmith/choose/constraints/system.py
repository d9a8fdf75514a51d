"""The system under it all: where the build is published, the C library, the processor, WSL and Jetson."""

from __future__ import annotations

from torchsmith.choose import hardware
from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import torch_builds
from torchsmith.knowledge.archs import toolkit_range
from torchsmith.knowledge.jetson import GENERAL, before_general, jetpack
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import Cpu
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, key, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation


@constraint("published", "channel")
def published(candidate: Candidate, situation: Situation) -> Reason | None:
    """PyTorch's own conda channel was retired: what stands there is what there was, and nothing follows."""
    del situation
    if candidate.channel != "pytorch":
        return None
    from torchsmith.choose.published import last_of_channel

    last = last_of_channel(candidate.channel)
    return Reason(
        "published",
        f"PyTorch's own conda channel ended with torch {last}: conda takes torch from conda-forge",
        "torchsmith facts conda_builds",
        "conda-forge",
    )


def _untold(situation: Situation) -> bool:
    return isinstance(situation.fact("machine"), Unknown)


@constraint("machine", "channel", when=_untold)
def machine(candidate: Candidate, situation: Situation) -> Risk | None:
    """Where nobody could tell the system, every option rests on one that was taken for granted."""
    del candidate, situation
    return Risk("that the system is Linux on x86-64 is taken for granted: nobody could tell which it is", 0.2)


@constraint("evidence", "channel", "build", "evidence", "confidence", "kind", "python_seen")
def evidence(candidate: Candidate, situation: Situation) -> Risk | None:
    """An option that rests on what nobody has seen says so."""
    del situation
    if candidate.evidence == "announced":
        return Risk("it is announced, and nobody has seen this file yet", 0.5)
    told, weight = [], 0.0
    if candidate.evidence == "inferred":
        told, weight = ["that it exists is inferred"], 0.3
    if candidate.channel == "wheel" and not torch_builds.build_exists(candidate.build):
        told.append(f"nobody has seen an index for {candidate.build}")
        weight += 0.2
    if candidate.kind == "cuda" and candidate.confidence == "low":
        told.append("its GPU code is known with low confidence")
        weight += 0.2
    if not candidate.python_seen:
        told.append("its file for this Python is assumed, not seen")
        weight += 0.02
    return Risk("; ".join(told), weight) if told else None


@constraint("glibc", "channel", "glibc")
def glibc(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Wheels for Linux are made for a certain glibc and newer, and for no other C library."""
    machine = situation.machine
    if machine.os != "linux":
        return None
    source = "PEP 600; torchsmith facts torch_releases"
    if machine.libc == "musl" and candidate.channel == "source":
        return Risk("this system has musl in place of glibc, which nobody builds torch with", 0.6)
    if machine.libc == "musl":
        return Reason(
            "glibc", "this system has musl in place of glibc, and no build of torch is made for it", source, "a system with glibc"
        )
    if candidate.glibc is None:
        return None
    own = situation.interpreter.libc if isinstance(situation.interpreter, Interpreter) else ""
    here = own.removeprefix("glibc ") if own.startswith("glibc ") else machine.libc_version
    if not key(here):
        return Risk(f"it needs glibc {candidate.glibc}, and which one is here is not known", 0.02)
    if at_least(here, candidate.glibc):
        return None
    return Reason("glibc", f"it needs glibc {candidate.glibc}, and this system has {here}", source, f"glibc >= {candidate.glibc}")


@constraint("cpu", "channel", "kind")
def cpu(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """The instructions that every x86-64 wheel of torch takes for granted, and those that some of its code does."""
    found = situation.fact("cpu")
    if not isinstance(found, Cpu) or found.avx2 or situation.machine.arch != "x86_64":
        return None
    virtual = ", which a hypervisor may hide" if found.virtual else ""
    if candidate.channel == "source":
        return None  # it is built for the processor that is here
    if found.level < _SSE4:
        because = f"the processor shows no SSE4.2{virtual}, and `import torch` ends in an illegal instruction"
        if candidate.channel != "wheel" or found.virtual:  # a hypervisor may hide what the processor has
            return Risk(because, 0.5)
        return Reason("cpu", because, "x86-64 psABI, microarchitecture levels", "a processor with x86-64-v2")
    if not found.avx:
        return Risk(f"the processor shows no AVX{virtual}: some operations end in an illegal instruction or refuse", 0.3)
    return Risk(f"the processor shows no AVX2{virtual}: quantised operations refuse, and others are slow", 0.1)


_SSE4 = 2
"""The microarchitecture level that brings SSE4.2."""


@constraint("jetson", "channel", "kind")
def jetson(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Up to JetPack 6 the GPU of a Jetson needs NVIDIA's own build; later ones run what Arm servers run."""
    board = situation.fact("jetson")
    if candidate.kind != "cuda" or not isinstance(board, Jetson):
        return None
    source = "NVIDIA, Installing PyTorch for Jetson Platform; JetPack archive"
    pack = jetpack(board.l4t)
    name = board.model or "Jetson"
    if pack is None and _general_alone(situation):
        return None
    if pack is None:
        return Risk(f"before JetPack {GENERAL} the {name} needs NVIDIA's own build, and which JetPack is here is not known", 0.5)
    if pack.major >= GENERAL:
        return None
    own = f"a {name} with JetPack {pack.major} needs NVIDIA's own, with CUDA {pack.cuda} for Python {pack.python}"
    if candidate.channel == "source":
        because = f"{own}, or a build from source with JetPack's own toolkit; this one takes that of Arm servers"
        return Reason("jetson", because, source)
    what = "the wheels for Arm are made for servers" if candidate.channel == "wheel" else "it is made for Arm servers"
    return Reason("jetson", f"{what}: {own}", source, f"JetPack {GENERAL}")


def _general_alone(situation: Situation) -> bool:
    """Whether the GPU is newer than the CUDA of every JetPack that needs NVIDIA's own build: Thor."""
    spans = [toolkit_range(sm) for sm in hardware.capabilities(situation)]
    last = major(before_general().cuda)
    return bool(spans) and all(span is not None and major(span[0]) > last for span in spans)


@constraint("system", "kind")
def system(candidate: Candidate, situation: Situation) -> Reason | None:
    """WSL 1 reaches no GPU."""
    if situation.machine.wsl != 1 or candidate.kind == "cpu":
        return None
    return Reason("system", "from WSL 1 no GPU can be reached", "Microsoft, comparing WSL versions", "WSL 2")
