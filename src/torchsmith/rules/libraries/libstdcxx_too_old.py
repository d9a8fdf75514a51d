"""
# libstdc++ is older than torch's libraries need

## What it means
torch's libraries, and extensions even more, need symbols of the C++ library up to some version. The libstdc++.so.6 that the
loader finds first does not have them: "version `GLIBCXX_3.4.30' not found". Often a newer one is there too, in the conda
environment or in the system, but later in the search order.

## How it is told
The highest GLIBCXX version that the loaded libraries ask for, against the highest that the libstdc++ which the simulated loader
picks offers. Both stand in the files.

## What to do
In a conda environment bring `libstdcxx-ng` up to date. If LD_LIBRARY_PATH leads to the old one, take that folder out. Else the
system is older than this torch: an older torch, or a container.

## What not to do
Do not replace the system's libstdc++: every C++ program depends on it.

## Sources
GCC: libstdc++ ABI policy and symbol versions.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.libraries import LoadedLibraries, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import at_least, key
from torchsmith.rules.libraries.common import name_of
from torchsmith.rules.libraries.told import CHECK, by_you, name, unset


@rule("libstdcxx-too-old", systems=("linux",))
def check(
    torch: Torch, interpreter: Interpreter, loaded_libraries: LoadedLibraries, torch_libraries: TorchLibraries
) -> Iterator[Finding]:
    """The libstdc++ that is picked lacks a version that a loaded library asks for."""
    picked = loaded_libraries.get("libstdc++.so.6")
    files = {found.path: found for found in torch_libraries.objects}
    chosen = files.get(picked.path) if picked else None
    if picked is None or chosen is None or not chosen.has_glibcxx:
        return
    loaded = {found.path for found in loaded_libraries.objects}
    needing = [found for path, found in files.items() if (path in loaded or path in torch_libraries.starts) and found.glibcxx]
    lacking = [found for found in needing if not at_least(chosen.has_glibcxx, found.glibcxx or "")]
    if not lacking:
        return
    worst = max(lacking, key=lambda found: key(found.glibcxx or ""))
    newer = next(
        (
            f
            for f in files.values()
            if f.name == "libstdc++.so.6" and f.has_glibcxx and at_least(f.has_glibcxx, worst.glibcxx or "")
        ),
        None,
    )
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        f"{picked.path} offers GLIBCXX_{chosen.has_glibcxx}, but {worst.name} needs GLIBCXX_{worst.glibcxx}",
        evidence=(
            Proof("loaded_libraries", f"libstdc++.so.6: {picked.path}, found by {picked.how}"),
            *(Proof("torch_libraries", f"{found.name} needs GLIBCXX_{found.glibcxx}") for found in lacking[:4]),
            *((Proof("torch_libraries", f"{newer.path} offers GLIBCXX_{newer.has_glibcxx}"),) if newer else ()),
        ),
        remedies=_remedies(picked.how, interpreter, torch),
        wont_help=(
            WontHelp("Replacing the system's libstdc++", "every C++ program of the system depends on it"),
            WontHelp(f"Reinstalling {name_of(torch.folder)}", "its files stay as new as they are"),
        ),
    )


def _remedies(how: str, interpreter: Interpreter, torch: Torch) -> tuple[Remedy, ...]:
    if how == "LD_LIBRARY_PATH":
        return (
            Remedy(
                "Take that folder out of LD_LIBRARY_PATH", "it hides a newer one", actions=(UnsetVariable("LD_LIBRARY_PATH"),)
            ),
        )
    if interpreter.kind == "conda":
        update = Command(("conda", "update", *interpreter.conda_place, "-c", "conda-forge", "libstdcxx-ng"))
        return (Remedy("Update the C++ library of this conda environment", "", Safety.DISPLAY_ONLY, (update,)),)
    return (
        Remedy(
            "Use a newer system or container, or an older torch",
            f"this system's C++ library is older than the compiler of torch {torch.version}",
            Safety.DISPLAY_ONLY,
        ),
    )


@told("libstdcxx-too-old")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    lost = name(seen, "library", "library-not-found")
    if lost.startswith(("libstdc++", "libgcc_s")) and not seen.has("glibcxx-not-found"):
        return _absent(lost)
    version = name(seen, "version", "glibcxx-not-found") or name(seen, "abi", "glibcxx-not-found") or "a newer GLIBCXX"
    return Advice(
        "machine",
        f"the libstdc++ that is loaded first does not offer {version}",
        remedies=(
            by_you(
                "In conda: update the environment's C++ library", "", ("conda", "install", "-c", "conda-forge", "libstdcxx-ng")
            ),
            unset(
                "LD_LIBRARY_PATH",
                "Take folders with an old libstdc++ out of LD_LIBRARY_PATH",
                "the first one found is used by all",
            ),
            by_you("Else use a newer system or container, or an older release of the package that asks"),
        ),
        wont_help=(
            WontHelp("Replacing the system's libstdc++ by hand", "every C++ program of the system depends on it"),
            WontHelp("Reinstalling the package that asks", "its files stay as new as they are"),
        ),
        decide_by=CHECK,
    )


def _absent(library: str) -> Advice:
    """The library is not too old: there is none where the loader looks."""
    return Advice(
        "machine",
        f"{library} of the C++ compiler lies nowhere where the loader looks",
        remedies=(
            by_you("In conda: install it into the environment", "", ("conda", "install", "-c", "conda-forge", "libstdcxx-ng")),
            by_you("In a slim container of Debian or Ubuntu: install it", "", ("apt-get", "install", "libstdc++6", "libgcc-s1")),
            by_you(
                "Under Nix: name ${pkgs.stdenv.cc.cc.lib}/lib in the shell's LD_LIBRARY_PATH",
                "Nix's loader does not look at the system's folders",
            ),
        ),
        wont_help=(WontHelp("Reinstalling the package that asks", "its wheel leaves this library to the system"),),
        decide_by=CHECK,
    )
