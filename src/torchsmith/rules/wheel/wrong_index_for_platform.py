"""
# torch came from an index that is wrong for this machine

## What it means
PyPI's torch is a CUDA build on x86-64 Linux only (and on aarch64 Linux for new releases); on Windows it is a CPU
build. Another build comes from the index that the installer was told to use: by a variable, by pip's or uv's
configuration, by a requirements file or by a project's sources. Here that index serves no build for the GPU of this
machine, or one that its driver cannot run.

## How it is told
The configured indexes are read, and the build that is installed is compared with what they and PyPI serve for this
system. Without such evidence only `cpu-only-build` is said.

## What to do
Take the entry away, then install torch from one index that fits, named for torch alone: with uv and Poetry an
explicit source, with pip `--index-url`.

## What not to do
Adding an extra index: the installer picks among all of them by version, not by what the machine needs.

## Sources
Table of published builds (`torchsmith facts torch_builds`); pip, uv and Poetry documentation on indexes.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.knowledge import drivers, torch_builds
from torchsmith.model.action import Action, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.install import Index, Indexes, TorchOrigin
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import FittingBuild, Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.record import record
from torchsmith.model.versions import cuda_of_label, local_label, public
from torchsmith.rules.common import gpu_names, index_label, reinstall
from torchsmith.rules.wheel.told import LOOK, TOOLKIT, cuda_torch, version


@record
class Evidence:
    """Everything that is looked at, so that the questions below need one argument."""

    machine: Machine
    torch: Torch
    indexes: Indexes
    origin: TorchOrigin
    driver: Driver | None


@rule("wrong-index-for-platform", explains=("cpu-only-build", "driver-too-old-for-cuda"))
def check(
    machine: Machine,
    torch: Torch,
    gpus: Gpus,
    indexes: Indexes | Unknown,
    torch_origin: TorchOrigin,
    driver: Driver | Unknown | None,
    fitting_build: FittingBuild | Unknown | None,
) -> Iterator[Finding]:
    """A CPU build beside a GPU, or a CUDA build that the driver cannot run while a fitting index is configured and unused."""
    if not gpus or torch_origin.conda:
        return
    told = isinstance(indexes, Indexes)  # where nobody could look, as in a pasted text, the platform alone speaks
    indexes = indexes if isinstance(indexes, Indexes) else Indexes(())
    seen = Evidence(machine, torch, indexes, torch_origin, driver if isinstance(driver, Driver) else None)
    if torch.kind == "cpu":
        why = _cpu_index(seen) or _lock(seen) or _url(seen) or _default_index(seen) or (None if told else _platform(seen))
        if why is not None:
            what = f"torch {torch.version} is a CPU build beside {gpu_names(gpus)}: {why[0]}"
            yield _finding(what, why[1], torch, indexes, fitting_build, Severity.BLOCKER, why[2])
    elif torch.kind == "cuda":
        why = _unused(seen)
        if why is not None:
            yield _finding(why[0], why[1], torch, indexes, fitting_build, Severity.BLOCKER, why[2])
        elif threats := [entry for entry in _cpu_entries(indexes) if not _one_of_several(entry, indexes)]:
            yield _threat(threats[0], torch, indexes)


def _one_of_several(entry: Index, indexes: Indexes) -> bool:
    """Whether a project keeps the CPU index for other platforms: beside one for CUDA, or in a file that is named for it."""
    beside = any(one.origin == entry.origin and cuda_of_label(index_label(one.url)) for one in indexes.entries)
    name = entry.origin.rpartition("/")[2]
    return beside or ("cpu" in name.lower() and name.startswith(("requirements", "constraints")))


def _threat(entry: Index, torch: Torch, indexes: Indexes) -> Finding:
    what = f"{entry.origin} names a CPU index: the next installation may put a CPU build in place of torch {torch.version}"
    proof = Proof("indexes", f"{entry.origin}: {entry.url}", entry.origin)
    return _finding(what, (proof,), torch, indexes, None, Severity.NOTE, 0.9)


def _finding(
    summary: str,
    evidence: tuple[Proof, ...],
    torch: Torch,
    indexes: Indexes,
    build: FittingBuild | Unknown | None,
    severity: Severity,
    confidence: float,
) -> Finding:
    entries = _cpu_entries(indexes)
    actions: tuple[Action, ...] = tuple(UnsetVariable(e.origin) for e in entries if e.origin.isupper())
    places = ", ".join(dict.fromkeys(e.origin for e in entries))
    clear = Remedy(
        f"Take the CPU index out of {places}", "else the next installation takes it again", Safety.DISPLAY_ONLY, actions
    )
    return Finding(
        severity,
        "package:torch",
        summary,
        evidence=(*evidence, Proof("torch", f"{torch.version}: " + (f"CUDA {torch.cuda}" if torch.cuda else "no CUDA"))),
        remedies=(*((clear,) if entries else ()), *reinstall(build, "a build for this GPU, from one named index")),
        wont_help=(
            WontHelp("Adding --extra-index-url", "the installer picks by version among all indexes"),
            WontHelp("Installing a CUDA toolkit or a driver", "which build was installed is the index's doing"),
        )
        if severity is Severity.BLOCKER
        else (),
        confidence=confidence,
    )


def _cpu_entries(indexes: Indexes) -> list[Index]:
    return [entry for entry in indexes.entries if index_label(entry.url).rpartition("/")[2] == "cpu"]


Why = tuple[str, tuple[Proof, ...], float]


def _cpu_index(seen: Evidence) -> Why | None:
    entry = next(iter(_cpu_entries(seen.indexes)), None)
    if entry is not None:
        return (
            f"{entry.origin} names the CPU index",
            (Proof("indexes", f"{entry.origin}: {entry.url}", entry.origin),),
            0.95 if local_label(seen.torch.version) == "cpu" else 0.8,
        )
    if seen.indexes.backend == "cpu":
        return "UV_TORCH_BACKEND is cpu", (Proof("indexes", "UV_TORCH_BACKEND=cpu", "UV_TORCH_BACKEND"),), 0.9
    return None


def _lock(seen: Evidence) -> Why | None:
    if seen.origin.locked is None or public(seen.origin.locked.version) != public(seen.torch.version):
        return None
    if local_label(seen.origin.locked.version) == "cpu" or index_label(seen.origin.locked.index) == "cpu":
        where = seen.origin.locked.index or seen.origin.locked.version
        return "the lock file takes it from there", (Proof("locked_torch", f"{where}", seen.origin.locked.path),), 0.9
    return None


def _url(seen: Evidence) -> Why | None:
    url = seen.origin.install.url if seen.origin.install else ""
    if "%2Bcpu" in url or "+cpu" in url or index_label(url) == "cpu":
        return "it was installed from the URL of a CPU wheel", (Proof("torch_install", url),), 0.9
    return None


def _default_index(seen: Evidence) -> Why | None:
    """PyPI's own wheel, which is a CPU build on this system."""
    if (
        seen.origin.install is None
        or not seen.origin.install.metadata
        or local_label(seen.origin.install.version)
        or seen.origin.install.url
    ):
        return None
    pinned = any(public(pin.torch) == public(seen.torch.version) for pin in seen.origin.pins)
    default = torch_builds.default_on_pypi(seen.torch.version, seen.machine.platform)
    if default is None or default.kind != "cpu" or (pinned and not seen.origin.install.requested):
        return None
    platform = "Windows" if seen.machine.os == "windows" else seen.machine.platform
    return (
        f"it is PyPI's wheel, which has no CUDA on {platform}",
        (Proof("torch_install", f"torch {seen.origin.install.version} without a local label: the default index"),),
        0.85,
    )


def _platform(seen: Evidence) -> Why | None:
    """Arm servers get a CPU build from the default index, unless somebody names another."""
    default = torch_builds.default_on_pypi(seen.torch.version, seen.machine.platform)
    if seen.machine.platform != "linux-aarch64" or local_label(seen.torch.version) or default is None or default.kind != "cpu":
        return None
    return "the default index has CPU builds for Arm", (Proof("machine", seen.machine.platform),), 0.75


def _unused(seen: Evidence) -> Why | None:
    """A CUDA that the driver cannot run, though an index that it could run is configured and torch came from elsewhere."""
    driver, windows = seen.driver, seen.machine.os == "windows" or seen.machine.wsl is not None
    if driver is None or not driver.version or seen.torch.cuda is None:
        return None
    if drivers.runs(driver.version, seen.torch.cuda, windows=windows):
        return None
    if seen.origin.install is None or local_label(seen.origin.install.version):
        return None
    for entry in seen.indexes.entries:
        cuda = cuda_of_label(index_label(entry.url))
        if cuda and cuda != seen.torch.cuda and drivers.runs(driver.version, cuda, windows=windows):
            what = (
                f"torch {seen.torch.version} came from the default index though {entry.origin} names one for CUDA {cuda}, "
                f"and driver {driver.version} cannot run CUDA {seen.torch.cuda}"
            )
            proof = Proof("indexes", f"{entry.origin}: {entry.url}", entry.origin)
            return what, (proof, Proof("driver", driver.version)), 0.85
    return None


@told("wrong-index-for-platform")
def answer(seen: Seen) -> Advice:
    """By what the text shows of the machine: the default index has CUDA builds for some systems only."""
    machine = seen.value("machine")
    where = {"windows": "Windows", "linux": f"Linux on {machine.arch}"}.get(seen.os, "") if machine else ""
    if seen.os == "macos":
        return Advice(
            "package:torch",
            "A CUDA index serves no macOS wheels: on a Mac torch comes from the default index",
            (
                Remedy(
                    "Install torch without naming an index",
                    "the wheels for macOS are there, and use the GPU of Apple silicon by MPS",
                    commands=(("python3", "-m", "pip", "install", "torch", "torchvision", "torchaudio"),),
                ),
            ),
            (WontHelp("Another CUDA index", "none has wheels for macOS"),),
            (LOOK,),
        )
    bind = Remedy(
        "Bind torch, torchvision and torchaudio to one explicit index in the project, as direct dependencies, and lock again",
        "an installer that may choose among indexes goes by the version, not by the CUDA",
        Safety.DISPLAY_ONLY,
    )
    return Advice(
        "package:torch",
        f"{version(seen)} came from an index that serves another build than {where or 'this machine'} needs",
        (*cuda_torch(seen, "from the index that serves this machine"), bind),
        (WontHelp("Adding --extra-index-url", "the installer takes the highest version of all indexes"), TOOLKIT),
        (LOOK,),
    )
