"""
# conda chose the CPU variant of pytorch

## What it means
conda has pytorch in a CPU and in several CUDA variants, and the solver took a CPU one: because it saw no GPU driver
where it ran (`__cuda` missing, as in a container build or on a login node), because `cpuonly` or another package
asked for it, or because channels were mixed.

## How it is told
Conda's own record of pytorch: its build string says cpu (`cpu_generic_py312_...`, `py3.8_cpu_0`), with an NVIDIA GPU
in the machine.

## What to do
Ask for the CUDA variant by its build string; remove `cpuonly`. Where the solver runs without a GPU, set
CONDA_OVERRIDE_CUDA.

## What not to do
Adding cudatoolkit or cuda packages beside the CPU pytorch: it cannot use them.

## Sources
conda documentation on virtual packages; conda-forge documentation on CUDA builds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.install import TorchInstall
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace
from torchsmith.rules.common import gpu_names
from torchsmith.rules.wheel.told import TOOLKIT

_RECORDS = ("pytorch", "pytorch-cpu", "libtorch")
_CULPRITS = ("cpuonly", "pytorch-mutex")


@rule("conda-solver-picked-cpu", explains=("cpu-only-build", "wrong-index-for-platform"))
def check(
    interpreter: Interpreter,
    torch: Torch,
    gpus: Gpus,
    packages: Packages,
    torch_install: TorchInstall | Unknown | None,
    driver: Driver | Unknown | None,
) -> Iterator[Finding]:
    """Only for a pytorch that conda itself installed; one that pip put over it is another cause."""
    conda = next((record for name in _RECORDS if (record := packages.conda_record(name))), None) or _by_sibling(packages)
    if conda is None or torch.kind != "cpu" or not gpus or "cuda" in conda.conda_build or "gpu" in conda.conda_build:
        return
    if isinstance(torch_install, TorchInstall) and torch_install.installer not in {"", "conda"}:
        return
    asked = [record for name in _CULPRITS if (record := packages.conda_record(name)) and "cuda" not in record.conda_build]
    cuda = driver.cuda if isinstance(driver, Driver) else None
    specs = ["pytorch=*=*cuda*", *([f"cuda-version<={cuda}"] if cuda else [])]
    place = interpreter.conda_place
    commands = [Command(("conda", "remove", *place, "cpuonly"))] if any(r.name == "cpuonly" for r in asked) else []
    commands.append(Command(("conda", "install", *place, "-c", "conda-forge", *specs)))
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"conda installed the CPU variant of pytorch {conda.version} ({conda.conda_build}) beside {gpu_names(gpus)}",
        evidence=(
            Proof("packages", f"{conda.name} {conda.version} {conda.conda_build}", conda.metadata),
            *(Proof("packages", f"{record.name} {record.version} {record.conda_build}", record.metadata) for record in asked),
        ),
        remedies=(
            Remedy("Ask conda for the CUDA variant", "by its build string, within what the driver runs", actions=tuple(commands)),
        ),
        wont_help=(WontHelp("`conda install cudatoolkit`", "a CPU pytorch cannot use it"),),
    )


def _by_sibling(packages: Packages) -> Package | None:
    """Torchvision with conda's own mark: pytorch's record is missing where a list was cut or filtered, as collect_env does."""
    sibling = packages.get("torchvision")
    torch = packages.get("torch")
    if torch is None or sibling is None or not packages.conda or not re.fullmatch(r"\d+\.\d+\.\d+a0", sibling.version):
        return None
    return replace(torch, conda_build=f"beside torchvision {sibling.version}, a version that only conda's builds have")


@told("conda-solver-picked-cpu")
def answer(seen: Seen) -> Advice:
    """The same without a GPU or an environment in the text."""
    build = seen.captured("build", "conda-cpu-build-string")
    remove = (("conda", "remove", "cpuonly"),) if seen.has("conda-cpuonly") else ()
    return Advice(
        "package:torch",
        f"conda chose a CPU variant of pytorch{f' ({build})' if build else ''}",
        (
            Remedy(
                "Ask conda for the CUDA variant by its build string",
                "set CONDA_OVERRIDE_CUDA where the solver runs without a GPU (a container build, a login node)",
                commands=(*remove, ("conda", "install", "-c", "conda-forge", "pytorch=*=*cuda*")),
            ),
        ),
        (WontHelp("`conda install cudatoolkit`", "a CPU pytorch cannot use it"), TOOLKIT),
        (("conda", "list", "pytorch"), ("conda", "info")),
    )
