"""
# A program from Nix does not see the driver's library

## What it means
Nix's loader searches its own store and the folders that a library names; not /usr/lib, and not the host's ld.so.cache. On NixOS
the driver is linked at /run/opengl-driver/lib. On another system nothing is there, so that torch says "Found no NVIDIA driver"
while nvidia-smi works.

## How it is told
Python or torch lies in /nix/store, the host has an NVIDIA driver, there is no /run/opengl-driver/lib/libcuda.so.1, and
LD_LIBRARY_PATH shows no libcuda.so.1.

## What to do
Start the program through nixGL (`nixGLNvidia`), or link only the driver's libraries into a folder and name that in
LD_LIBRARY_PATH; on NixOS switch `hardware.graphics.enable` on.

## What not to do
LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu: it shows Nix's programs the host's glibc too, and they crash.

## Sources
nixpkgs manual, CUDA; nixGL; nixpkgs issue 230214.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Command
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.container import Nix
from torchsmith.model.facts.gpu import KernelModule
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.pattern import pattern
from torchsmith.rules.container.shared import NO_GPU

_OF_SYSTEM = pattern(r"lib(?:stdc\+\+|gcc_s|z|GL|glib-2\.0|gthread-2\.0)\.so[.\d]{0,8}")
"""Libraries that wheels leave to the system, and that Nix keeps in its store."""
LINK = "/run/opengl-driver/lib/libcuda.so.1"
WSL_FOLDER = "/usr/lib/wsl/lib"


@rule("nix-no-driver-lib", explains=NO_GPU, systems=("linux",))
def check(machine: Machine, nix: Nix, torch: Torch, kernel_module: KernelModule | Unknown | None) -> Iterator[Finding]:
    """A driver outside that Nix's loader is not led to."""
    if torch.kind != "cuda" or nix.driver_link or nix.on_library_path:
        return
    loaded = isinstance(kernel_module, KernelModule) and kernel_module.loaded
    if not nix.outside and not loaded:
        return
    lives = f"torch lies in {nix.torch}" if nix.torch else "Python comes from /nix/store"
    outside = Proof("nix", f"{nix.outside} is the host's") if nix.outside else Proof("kernel_module", "NVIDIA's module is loaded")
    if machine.distro == "nixos":
        remedy = Remedy(
            'Switch the driver\'s libraries on: hardware.graphics.enable = true, services.xserver.videoDrivers = [ "nvidia" ]',
            f"NixOS then links them at {LINK.rpartition('/')[0]}",
            Safety.DISPLAY_ONLY,
            (Command(("sudo", "nixos-rebuild", "switch")),),
        )
    elif nix.outside.startswith(WSL_FOLDER):
        remedy = Remedy(
            f"Name the folder of Windows' driver libraries: {WSL_FOLDER} holds nothing else",
            "",
            Safety.DISPLAY_ONLY,
            (Command(("export", f"LD_LIBRARY_PATH={WSL_FOLDER}")),),
        )
    else:
        remedy = Remedy(
            "Start the program through nixGL",
            "it shows Nix's programs the host's driver and nothing else of the host",
            Safety.DISPLAY_ONLY,
            (Command(("nix", "run", "--impure", "github:nix-community/nixGL#nixGLNvidia", "--", "python")),),
        )
    yield Finding(
        Severity.BLOCKER,
        "driver",
        f"{lives}, and Nix's loader is not shown the driver's libcuda",
        evidence=(Proof("nix", f"no {LINK}, no libcuda.so.1 on LD_LIBRARY_PATH; {lives}"), outside),
        remedies=(remedy,),
        wont_help=(
            WontHelp("LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu", "the host's glibc comes with it, and Nix's programs crash"),
        ),
        confidence=0.9,
    )


@told("nix-no-driver-lib")
def answer(seen: Seen) -> Advice:
    """A program out of the Nix store, and no driver found."""
    lost = seen.captured("library", "library-not-found")
    if _OF_SYSTEM.fullmatch(lost):
        return _of_system(lost)
    nixos = any("nixos" in complaint.text.lower() for complaint in seen.complaints)
    wsl = seen.has("wsl-words")
    link = Remedy(
        'On NixOS: hardware.graphics.enable = true, services.xserver.videoDrivers = [ "nvidia" ]',
        f"NixOS then links them at {LINK.rpartition('/')[0]}",
        Safety.DISPLAY_ONLY,
        (Command(("sudo", "nixos-rebuild", "switch")),),
    )
    lent = Remedy(
        f"In WSL, name the folder of Windows' driver libraries: {WSL_FOLDER} holds nothing else",
        "",
        Safety.DISPLAY_ONLY,
        (Command(("export", f"LD_LIBRARY_PATH={WSL_FOLDER}")),),
    )
    wrap = Remedy(
        "Start the program through nixGL",
        "it shows Nix's programs the host's driver and nothing else of the host",
        Safety.DISPLAY_ONLY,
        (Command(("nix", "run", "--impure", "github:nix-community/nixGL#nixGLNvidia", "--", "python")),),
    )
    return Advice(
        "driver",
        "the program comes out of the Nix store, whose loader is not shown the host's libcuda",
        remedies=(lent, wrap) if wsl else (link, wrap) if nixos else (wrap, link),
        wont_help=(
            WontHelp("LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu", "the host's glibc comes with it, and Nix's programs crash"),
        ),
        decide_by=(("ls", "-l", LINK.rpartition("/")[0]),),
    )


def _of_system(library: str) -> Advice:
    """Not the driver's library but one of the system: the same loader, the same remedy."""
    return Advice(
        "machine",
        f"a wheel from outside Nix asks for {library}, and Nix's loader is not shown the system's libraries",
        remedies=(
            Remedy(
                "Name the libraries in the shell that starts Python: in mkShell, LD_LIBRARY_PATH ="
                ' "${pkgs.lib.makeLibraryPath [ pkgs.stdenv.cc.cc.lib pkgs.zlib ]}:/run/opengl-driver/lib"',
                "they come from the store, so they fit Nix's glibc; the last folder holds the driver's on NixOS",
                Safety.DISPLAY_ONLY,
            ),
            Remedy(
                "Or, for a Python that does not come from Nix: programs.nix-ld.enable = true, with these packages in"
                " programs.nix-ld.libraries",
                "nix-ld stands in for the loader that such programs expect",
                Safety.DISPLAY_ONLY,
                (Command(("sudo", "nixos-rebuild", "switch")),),
            ),
            Remedy("Or take torch from nixpkgs (python3Packages.torch-bin)", "it is patched for the store", Safety.DISPLAY_ONLY),
        ),
        wont_help=(
            WontHelp("LD_LIBRARY_PATH=/usr/lib/x86_64-linux-gnu", "the host's glibc comes with it, and Nix's programs crash"),
            WontHelp("Reinstalling torch", "its wheel leaves this library to the system"),
        ),
        decide_by=(("printenv", "LD_LIBRARY_PATH"),),
    )
