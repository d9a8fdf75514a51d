"""
# torch is only half installed

## What it means
An installation or removal was cut short: by a full disk, by a file that a running program held, or by hand. pip
renames what it removes to names such as `~orch` and leaves them behind. Parts of torch are missing or cut off, or two
versions are mixed, and `import torch` fails in ever different ways.

## How it is told
By the remains (`~orch`), by a record without its package or a package without its record, and by the installer's list
of files: torch's native libraries that are missing, or of another size and no longer readable.

## What to do
Remove what is left, then install torch again.

## What not to do
Installing on top: pip takes the record for a complete torch ("already satisfied").

## Sources
The wheel specification (RECORD); pip's source on adjacent temporary folders.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import torch_builds
from torchsmith.model.action import InstallTorch
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import TorchInstall
from torchsmith.model.facts.python import Interpreter, Packages
from torchsmith.model.facts.torch import FittingBuild, Torch, TorchImport
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import public
from torchsmith.rules.common import reinstall
from torchsmith.rules.wheel.told import FAMILY

_REST = ("torch", "orch", "rch", "ch", "h")
# What is bundled on Windows and in older wheels belongs to rules of its own; torch starts without these two.
_OTHERS = (
    "cudnn",
    "cublas",
    "cudart",
    "cufft",
    "curand",
    "cusparse",
    "cusolver",
    "nvrtc",
    "nvjitlink",
    "nvtoolsext",
    "cupti",
    "nccl",
)
_LATE = ("torch_cuda_linalg", "nvshmem")
_EXPLAINS = ("torch-not-installed", "missing-cuda-runtime-lib", "cpu-only-build", "wrong-python-environment")


@rule("torch-install-incomplete", explains=_EXPLAINS)
def check(
    interpreter: Interpreter,
    packages: Packages,
    torch_import: TorchImport,
    torch: Torch | Unknown | None,
    torch_install: TorchInstall | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """What is broken makes one finding; remains beside a healthy torch, or a lost record, are a note."""
    install = torch_install if isinstance(torch_install, TorchInstall) else None
    remains = [path for path in packages.leftovers if _of_torch(path.rpartition("/")[2])]
    proofs = _gone(torch, install, torch_import, interpreter, remains) + _files(install)
    worst = Severity.BLOCKER
    if not proofs and install and isinstance(torch, Torch):
        proofs, worst = _mixed(install, torch), Severity.DEGRADED
    cleared = _again(fitting_build, torch) if worst is Severity.BLOCKER else ()
    if not proofs and isinstance(torch, Torch):
        proofs, worst = [Proof("packages", path) for path in remains[:4]], Severity.NOTE
        if install and not install.metadata and install.folder in interpreter.site_packages and not packages.conda:
            proofs.append(Proof("torch_install", f"no record of torch in {install.folder}"))
    if not proofs:
        return
    version = torch.version if isinstance(torch, Torch) else install.version if install else ""
    summary = {
        Severity.BLOCKER: f"torch {version} is only half installed".replace("  ", " "),
        Severity.DEGRADED: "records of two different torch versions lie in one folder",
        Severity.NOTE: "remains of a removed torch lie beside the installed one"
        if remains
        else "torch is there, its record is not",
    }[worst]
    places = [*remains, *([install.metadata] if install and install.metadata and worst is Severity.BLOCKER else [])]
    remove = "Remove torch with everything that is left of it" + (f": {', '.join(places[:4])}" if places else "")
    recorded = install is None or bool(install.metadata)
    why = (
        "an installer takes a record for a complete torch" if recorded else "an installer without a record removes nothing of it"
    )
    yield Finding(
        worst,
        "package:torch",
        summary,
        evidence=tuple(proofs),
        remedies=(Remedy(remove, why, Safety.DISPLAY_ONLY), *cleared),
        wont_help=(WontHelp("`pip install torch` on top", "the record makes pip believe that torch is there"),)
        if recorded
        else (),
    )


def _again(fitting_build: FittingBuild | Unknown | None, torch: Torch | Unknown | None) -> tuple[Remedy, ...]:
    """The build that fits the GPUs here; without any, the one that was there."""
    why = "after the remains are gone"
    if isinstance(fitting_build, FittingBuild) or not isinstance(torch, Torch) or not torch.build:
        return reinstall(fitting_build, why)
    action = InstallTorch(public(torch.version), torch.build, torch_builds.index_url(torch.build))
    return (Remedy(f"Install torch {public(torch.version)}+{torch.build} again", why, actions=(action,)),)


def _of_torch(name: str) -> bool:
    """``~orch``, ``~-rch-2.1.0.dist-info``: pip puts the tilde, then odd characters, in place of the first letters."""
    rest = name.removeprefix("~").lstrip("-~.=%0123456789").partition("-")[0]
    return name.startswith("~") and rest in _REST


def _gone(
    torch: Torch | Unknown | None,
    install: TorchInstall | None,
    found: TorchImport,
    interpreter: Interpreter,
    remains: list[str],
) -> list[Proof]:
    if isinstance(torch, Torch):
        own = next((c for c in found.candidates if torch.folder == f"{c.entry}/torch"), None)
        if own and not own.compiled and own.origin in {"site", "user"}:
            return [Proof("torch_import", f"no compiled core (_C) in {torch.folder}")]
        return []
    proofs = [Proof("packages", path) for path in remains[:4]]
    if install and install.metadata:
        proofs.append(Proof("torch_install", f"a record of torch {install.version} without the package itself"))
    broken = [c for c in found.candidates if c.entry in interpreter.site_packages and c.kind == "package"]
    if isinstance(torch, Unknown) and broken:
        proofs.append(Proof("torch", torch.reason))
    return proofs


def _files(install: TorchInstall | None) -> list[Proof]:
    if install is None:
        return []
    missing = [path for path in install.missing if not _foreign(path)]
    proofs = [Proof("torch_install", f"{path} is missing") for path in missing[:5]]
    return proofs + [Proof("torch_install", f"{path} is damaged: {why}") for path, why in install.damaged[:5]]


def _foreign(path: str) -> bool:
    name = path.rpartition("/")[2].removeprefix("lib").lower()
    return name.startswith(_OTHERS) or name.startswith(_LATE)


def _mixed(install: TorchInstall, torch: Torch) -> list[Proof]:
    if not install.metadata:
        return []
    versions = {public(version) for version in (install.version, *install.others)}
    if len(versions) == 1 and public(torch.version) in versions:
        return []
    listed = ", ".join((install.version, *install.others))
    return [Proof("torch_install", f"records of torch {listed}; torch/version.py says {torch.version}")]


@told("torch-install-incomplete")
def answer(seen: Seen) -> Advice:
    """What is left must go before torch is installed again."""
    held = seen.has("file-in-use")
    first = "End every program that uses this Python, then remove" if held else "Remove"
    return Advice(
        "package:torch",
        "torch's installation was cut short, or its files are damaged" + (": a running program held one of them" if held else ""),
        (
            Remedy(
                f"{first} torch with everything that is left of it (~orch, torch without dist-info), and install it again",
                "an installer takes a record for a complete torch",
                Safety.UNSAFE,
                commands=(
                    ("python", "-m", "pip", "uninstall", "-y", *FAMILY),
                    ("python", "-m", "pip", "cache", "remove", "torch"),
                ),
            ),
        ),
        (WontHelp("`pip install torch` on top", "the record makes pip believe that torch is there"),),
        (("python", "-m", "pip", "show", "-f", "torch"), ("torchsmith", "check")),
    )
