"""
# conda and pip both installed torch here

## What it means
Two installers wrote the same folder. What is imported is the files of the one that came last, often with libraries of
the other left among them; conda goes on believing in its own version, and its next solve may overwrite pip's files.

## How it is told
Conda's own records name a pytorch, and the record beside torch was written by pip or uv, or names another version.

## What to do
Remove both, then install torch once, with one of the two installers.

## What not to do
Upgrading one on top of the other.

## Sources
conda's documentation on pip in conda environments; the records in conda-meta and *.dist-info.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import TorchInstall
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import public
from torchsmith.rules.common import reinstall
from torchsmith.rules.wheel.told import LOOK

RECORDS = ("pytorch", "pytorch-cpu", "pytorch-gpu", "libtorch")
_EXPLAINS = (
    "cpu-only-build",
    "conda-solver-picked-cpu",
    "torch-install-incomplete",
    "wrong-index-for-platform",
    "duplicate-openmp-runtime",
)


@rule("duplicate-torch-conda-pip", explains=_EXPLAINS)
def check(
    interpreter: Interpreter,
    packages: Packages,
    torch_install: TorchInstall,
    torch: Torch | Unknown | None,
    gpus: Gpus | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """Conda's own packages carry a record that says ``conda``: that pair is one torch, not two."""
    conda = next((record for name in RECORDS if (record := packages.conda_record(name))), None)
    if conda is None or not torch_install.metadata:
        return
    by_other = torch_install.installer not in {"", "conda"}
    differs = public(torch_install.version) != public(conda.version)
    if not by_other and not differs:
        return
    cpu = isinstance(torch, Torch) and torch.kind == "cpu" and isinstance(gpus, Gpus) and bool(gpus)
    pip = (interpreter.executable, "-m", "pip", "uninstall", "-y", "torch")
    remove = Command(("conda", "remove", *interpreter.conda_place, "--force", conda.name))
    yield Finding(
        Severity.BLOCKER if cpu else Severity.DEGRADED,
        "package:torch",
        f"conda installed {conda.name} {conda.version} and {torch_install.installer or 'another installer'} "
        f"torch {torch_install.version} into the same environment",
        evidence=(
            Proof("packages", f"{conda.name} {conda.version} {conda.conda_build}", conda.metadata),
            Proof(
                "torch_install",
                f"torch {torch_install.version}, installed by {torch_install.installer or 'an unnamed installer'}",
            ),
        ),
        remedies=(
            Remedy(
                "Remove both, then install torch once",
                "the files of the two lie in one folder",
                Safety.UNSAFE,
                (Command(pip), remove),
            ),
            *reinstall(fitting_build, "once both are gone"),
        ),
        wont_help=(WontHelp("Upgrading one of them on top of the other", "the files of both stay mixed"),),
        confidence=0.9,
    )


@told("duplicate-torch-conda-pip")
def answer(seen: Seen) -> Advice:
    """The versions where both are listed."""
    packages = seen.value("packages")
    record = packages.conda_record("pytorch") if packages else None
    versions = f" (conda's is {record.version})" if record else ""
    return Advice(
        "package:torch",
        f"conda and pip both put a torch into this environment{versions}, and their files lie in one folder",
        (
            Remedy(
                "Remove both, then install torch once, with one of the two installers",
                "or make a new environment, which is the surer way",
                Safety.UNSAFE,
                commands=(("python", "-m", "pip", "uninstall", "-y", "torch"), ("conda", "remove", "--force", "pytorch")),
            ),
        ),
        (WontHelp("Upgrading one of them on top of the other", "the files of both stay mixed"),),
        (("conda", "list", "torch"), LOOK),
    )
