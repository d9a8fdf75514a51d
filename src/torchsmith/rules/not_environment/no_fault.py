"""
# Nothing is wrong with the environment

## What it means
What was shown fits together: torch's build, the driver and the GPUs. Where a program still fails, is slow or gives wrong results,
the reason lies elsewhere.

## How it is told
Only of a text that somebody pasted; a live machine that is healthy gets no finding at all. torch says that CUDA is available, or
torch's build, its GPU code and the driver are all named and go together. Numbers that people take for a fault and that are none:
nvidia-smi's "CUDA Version" is the newest CUDA that the driver can run, not an installed one, and need not equal torch's; nvcc's
version does not concern a torch from a wheel; collect_env's "Could not collect" only says that a program was not found.

## What to do
Nothing to the environment. If the program sees no GPU all the same, see which Python it runs with: another environment or the
interpreter of an editor is the usual reason.

## What not to do
Reinstalling torch, CUDA or the driver: a working environment can only lose by it.

## Sources
NVIDIA CUDA compatibility guide; torch.utils.collect_env.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver, NvidiaLibraries
from torchsmith.model.facts.paste import ErrorLines
from torchsmith.model.facts.python import Environment, Packages
from torchsmith.model.facts.torch import GpuCoverage, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, major

PASTED = "pasted text"
UNAVAILABLE = "CUDA is not available"
"""torch's own word that it reaches no GPU, as the intake notes it of libcuda."""
DOUBTED = 0.3
"""How sure it is where the text complains of something all the same."""
WONT_HELP = (
    WontHelp("Reinstalling torch, CUDA or the driver", "they work together as they are"),
    WontHelp(
        "Making the CUDA versions of nvidia-smi, nvcc and torch equal",
        "the driver's is an upper limit, and a torch from a wheel brings its own CUDA",
    ),
)


@rule("no-fault")
def check(
    environment: Environment | Unknown,
    torch: Torch | Unknown | None,
    packages: Packages | Unknown,
    driver: Driver | Unknown | None,
    nvidia_libraries: NvidiaLibraries | Unknown,
    gpu_coverage: GpuCoverage | Unknown,
    error_lines: ErrorLines | None,
) -> Iterator[Finding]:
    """Said of a pasted text only, and only where torch itself or all versions together say that it works."""
    if isinstance(environment, Environment) and environment.found_by != PASTED:
        return
    if isinstance(environment, Unknown) and (not isinstance(torch, Torch) or torch.folder):
        return
    if isinstance(torch, Unknown) and isinstance(packages, Packages):
        yield from _listed_twice(packages)
    if not isinstance(torch, Torch) or torch.kind not in {"cuda", "rocm"}:
        return
    if isinstance(gpu_coverage, GpuCoverage) and any(device.how == "no" for device in gpu_coverage.devices):
        return
    cuda = nvidia_libraries.libcuda if isinstance(nvidia_libraries, NvidiaLibraries) else None
    if cuda and cuda.status == 0:
        sure = DOUBTED if error_lines else 0.8
        yield _finding("torch says that CUDA is available", Proof("nvidia_libraries", "torch reaches the GPU"), sure)
    elif (
        cuda
        and cuda.loaded
        and cuda.status is None
        and UNAVAILABLE not in cuda.unfinished
        and isinstance(driver, Driver)
        and driver.works
        and driver.cuda
        and torch.cuda
        and (at_least(driver.cuda, torch.cuda) or (major(driver.cuda) == major(torch.cuda) and at_least(driver.cuda, "11.0")))
        and isinstance(gpu_coverage, GpuCoverage)
        and gpu_coverage.devices
    ):
        said = f"driver {driver.version} runs CUDA {driver.cuda}; torch {torch.version} was built with CUDA {torch.cuda}"
        yield _finding(said, Proof("driver", said), DOUBTED if error_lines else 0.6)


def _listed_twice(packages: Packages) -> Iterator[Finding]:
    """Conda exports its own torch a second time among pip's packages: the same files, if it is the same version."""
    record = packages.conda_record("pytorch")
    if record and any(copy.installer != "conda" and copy.version == record.version for copy in packages.all("torch")):
        said = f"torch {record.version} is listed twice, by conda and as pip sees it"
        yield _finding(said, Proof("packages", said), 0.5)


def _finding(why: str, proof: Proof, confidence: float) -> Finding:
    return Finding(
        Severity.NOTE,
        "machine",
        f"nothing in this text speaks of a fault of the environment: {why}",
        evidence=(proof,),
        remedies=_REMEDIES,
        wont_help=WONT_HELP,
        confidence=confidence,
        decide_by=(("torchsmith", "check"),),
    )


_REMEDIES = (
    Remedy(
        "If a program sees no GPU all the same, see which Python it runs with",
        "another environment, or the interpreter of an editor, is the usual reason",
        Safety.DISPLAY_ONLY,
        commands=(("python", "-c", "import sys, torch; print(sys.executable, torch.__version__, torch.cuda.is_available())"),),
    ),
)


@told("no-fault")
def answer(seen: Seen) -> Advice:
    """Where a line of the text, not its facts, shows that all is well."""
    said = next((complaint.says for complaint in seen.complaints if complaint.signature.startswith("harmless-")), "")
    if not said and seen.has("question-of-speed"):
        said = "the question is how fast it runs, not whether"
    why = f": {said}" if said else ""
    return Advice(
        "machine",
        f"nothing in this text speaks of a fault of the environment{why}",
        remedies=_REMEDIES,
        wont_help=WONT_HELP,
        decide_by=(("torchsmith", "check"),),
        severity=Severity.NOTE,
    )
