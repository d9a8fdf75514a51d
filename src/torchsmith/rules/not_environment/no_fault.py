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
from torchsmith.model.facts.gpu import Driver, Libcuda, NvidiaLibraries
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
    cuda = nvidia_libraries.libcuda if isinstance(nvidia_libraries, NvidiaLibraries) else None
    if not _pasted(environment, torch, cuda):
        return
    if isinstance(gpu_coverage, GpuCoverage) and any(device.how == "no" for device in gpu_coverage.devices):
        return
    if isinstance(torch, Torch) and torch.kind not in {"cuda", "rocm"}:
        return
    if cuda and cuda.status == 0:
        sure = DOUBTED if error_lines else 0.8
        yield _finding("torch says that CUDA is available", Proof("nvidia_libraries", "torch reaches the GPU"), sure)
    elif said := _fits(torch, driver, cuda, gpu_coverage):
        yield _finding(said, Proof("driver", said), DOUBTED if error_lines else 0.6)
    elif isinstance(packages, Packages) and (said := _listed_twice(packages)):
        yield _finding(said, Proof("packages", said), 0.5)
    elif not error_lines and isinstance(torch, Torch):
        said = f"torch {torch.version} is named, and nothing looks like an error"
        yield _finding(said, Proof("torch", said), DOUBTED)


def _pasted(environment: Environment | Unknown, torch: Torch | Unknown | None, cuda: Libcuda | None) -> bool:
    """Whether a text told of it: what was found on a machine has its place there."""
    if isinstance(environment, Environment):
        return environment.found_by == PASTED
    placed = (isinstance(torch, Torch) and torch.folder) or (cuda and cuda.path)
    return not placed and (isinstance(torch, Torch) or bool(cuda and cuda.status is not None))


def _fits(
    torch: Torch | Unknown | None, driver: Driver | Unknown | None, cuda: Libcuda | None, coverage: GpuCoverage | Unknown
) -> str:
    """Driver and torch in words where their versions go together and the GPU code is there; else empty."""
    if not isinstance(torch, Torch) or not isinstance(driver, Driver) or not (driver.works and driver.cuda and torch.cuda):
        return ""
    told = cuda is not None and cuda.loaded and cuda.status is None and UNAVAILABLE not in cuda.unfinished
    covered = isinstance(coverage, GpuCoverage) and coverage.devices
    minor_compatible = major(driver.cuda) == major(torch.cuda) and at_least(driver.cuda, "11.0")
    if not told or not covered or not (at_least(driver.cuda, torch.cuda) or minor_compatible):
        return ""
    return f"driver {driver.version} runs CUDA {driver.cuda}; torch {torch.version} was built with CUDA {torch.cuda}"


def _listed_twice(packages: Packages) -> str:
    """Conda exports its own torch a second time among pip's packages: the same files, if it is the same version."""
    record = packages.conda_record("pytorch")
    twice = record and any(copy.installer != "conda" and copy.version == record.version for copy in packages.all("torch"))
    return f"torch {record.version} is listed twice, by conda and as pip sees it" if record and twice else ""


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
