"""
# The C library is too old for this torch

## What it means
torch's Linux wheels are made for a certain glibc and newer: on x86-64 2.16 up to torch 2.6 as the default index has it, 2.28
later; on ARM, and for torch 2.6 with CUDA 12.6, 2.28 from 2.6 on. On an older system the import
ends in "version `GLIBC_2.28' not found". On a system with musl (Alpine) no wheel of torch fits at all.

## How it is told
The system's glibc against what torch's own libraries ask for, by their version tables; else against the table of releases. With
musl, that is enough.

## What to do
Use a newer distribution, or a container with one; or the last torch release made for this glibc.

## What not to do
Replacing glibc in place, or pointing LD_LIBRARY_PATH at another one: every program of the system uses it, and they stop.

## Sources
PEP 600; symbol versions of the wheels' libraries (`torchsmith facts torch_releases`).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import TorchLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import at_least, key
from torchsmith.rules.libraries.told import by_you, name, torch_said

NEWER_SYSTEM = Remedy(
    "Use a newer distribution, or a container with one",
    "the kernel may stay: a container brings its own glibc",
    Safety.DISPLAY_ONLY,
)
NOT_IN_PLACE = WontHelp("Replacing glibc in place", "every program of the system uses it")


@rule("glibc-too-old", explains=("torch-not-installed", "python-version-unsupported", "libstdcxx-too-old"), systems=("linux",))
def check(
    machine: Machine, interpreter: Interpreter, torch: Torch | Unknown | None, torch_libraries: TorchLibraries | Unknown | None
) -> Iterator[Finding]:
    """An installed torch that asks for more than is here; or musl without torch. Nix and conda may bring another glibc."""
    if machine.libc == "musl" and torch is None:
        yield Finding(
            Severity.DEGRADED,
            "machine",
            "this system has musl in place of glibc: no wheel of torch is made for it",
            evidence=(Proof("machine", f"{machine.distro_name or machine.distro}: musl {machine.libc_version}".rstrip()),),
            remedies=(NEWER_SYSTEM,),
            wont_help=(WontHelp("Another Python or another index", "the wheels need glibc's symbols"),),
        )
    here = interpreter.libc.removeprefix("glibc ") if interpreter.libc.startswith("glibc") else machine.libc_version
    if not isinstance(torch, Torch) or machine.libc == "musl" or not key(here):
        return
    needed, proof = needs(torch, machine, torch_libraries, listed=interpreter.kind != "conda")
    if not needed or at_least(here, needed):
        return
    from torchsmith.knowledge import torch_releases

    older = [r for r in torch_releases.releases_for_python(interpreter.tag, machine.platform) if _runs(r, machine, here)]
    remedies = (
        Remedy(f"Install torch {older[-1]}, the last release for this glibc", "", actions=(Install((f"torch=={older[-1]}",)),)),
    )
    yield Finding(
        Severity.BLOCKER,
        "machine",
        f"torch {torch.version} needs glibc {needed}, and this system has {here}",
        evidence=(Proof("machine", f"glibc {here} ({machine.distro_name or machine.distro})"), proof),
        remedies=(NEWER_SYSTEM, *(remedies if older else ())),
        wont_help=(NOT_IN_PLACE, WontHelp("Reinstalling the same torch", "its libraries ask for the same glibc")),
    )


def needs(torch: Torch, machine: Machine, libraries: TorchLibraries | Unknown | None, *, listed: bool) -> tuple[str, Proof]:
    """The glibc that torch asks for, with the proof: what its own files say, else what the table says of the wheels.

    ``listed`` is False where torch is another's build than that of the wheels: then the table says nothing of it.
    """
    if isinstance(libraries, TorchLibraries):
        own = [found for found in libraries.objects if found.path.startswith(f"{torch.folder}/") and found.glibc]
        if own:
            highest = max(own, key=lambda found: key(found.glibc or ""))
            return highest.glibc or "", Proof("torch_libraries", f"{highest.name} asks for GLIBC_{highest.glibc}")
    from torchsmith.knowledge import torch_releases  # only an installed torch needs the table

    wheels = torch_releases.glibc(torch.version, machine.platform) if listed and "/nix/store/" not in torch.folder else None
    return wheels or "", Proof("torch", f"{torch.version}: its wheels are made for glibc {wheels}")


def _runs(release: str, machine: Machine, here: str) -> bool:
    from torchsmith.knowledge import torch_releases

    floor = torch_releases.glibc(release, machine.platform)
    return floor is not None and at_least(here, floor)


_OF_TORCH = pattern(r"site-packages/(?:torch|triton|nvidia)[^/]{0,20}/|dist-packages/torch|libtorch|libc10")


def _floors(seen: Seen) -> str:
    """Since which release the default wheels of this platform ask for which glibc, by the table of releases."""
    from torchsmith.knowledge import torch_releases

    machine = seen.value("machine")
    platform = "linux-aarch64" if machine and machine.platform == "linux-aarch64" else "linux-x86_64"
    floors = [(release, torch_releases.glibc(release, platform)) for release in torch_releases.known()]
    last = [release for (release, floor), (_next, after) in pairwise(floors) if floor != after]
    parts = [f"up to {release} the default ones need glibc {torch_releases.glibc(release, platform)}" for release in last]
    return ", ".join((*parts, f"{'later ones' if parts else 'they need'} {floors[-1][1]}"))


@told("glibc-too-old")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    version = name(seen, "version", "glibc-not-found").removeprefix("GLIBC_")
    complaint = seen.first("glibc-not-found")
    of_torch = complaint is None or _OF_TORCH.search(complaint.text) is not None
    asks = torch_said(seen) if of_torch else "a library here"
    return Advice(
        "machine",
        f"{asks} needs glibc {version or 'of a newer system'}, and this system has an older C library or another one",
        remedies=(
            NEWER_SYSTEM,
            by_you("Or an older torch whose wheels are for this system", _floors(seen))
            if of_torch
            else by_you("Or an older release of the package that asks, or one that is built on this system"),
        ),
        wont_help=(NOT_IN_PLACE, WontHelp("Reinstalling the same torch", "its libraries ask for the same glibc")),
        decide_by=(("ldd", "--version"),),
    )
