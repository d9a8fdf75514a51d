"""Nix: its environments are built from expressions and never changed.

torch-bin is PyTorch's own wheel, patched for the store: nothing is compiled. The torch that nixpkgs compiles is CPU only
unless the whole of nixpkgs is told otherwise (`config.cudaSupport`), and takes hours.
"""

from __future__ import annotations

from torchsmith.managers.base import CannotDo
from torchsmith.model.action import Action, Command
from torchsmith.model.versions import compute_capability

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.managers.base import Commands
    from torchsmith.model.choice import Option, Place, Steps
    from torchsmith.model.facts.python import Interpreter


def commands(action: Action, interpreter: Interpreter) -> Commands:
    """Nothing that could be run.

    Raises:
        CannotDo: always.

    """
    del action, interpreter
    raise CannotDo("change the Nix expression (`config.cudaSupport = true`, or `torch-bin`) and build the environment again")


FILE = "torch.nix"


def steps(option: Option, place: Place) -> Steps:
    """An expression at the revision of nixpkgs that has this wheel, and the shell that it describes."""
    from torchsmith.knowledge.compiled.nix_builds import ROWS
    from torchsmith.managers import places
    from torchsmith.model.choice import Steps

    candidate = option.candidate
    revision = next((row[4] for row in ROWS if row[:3] == (candidate.torch, candidate.build, candidate.platform)), None)
    if revision is None:
        return Steps()
    names = {"torch": "torch-bin", "torchvision": "torchvision-bin", "torchaudio": "torchaudio-bin"}
    packages = [f"p.{names.get(pin.name, pin.name)}" for pin in option.packages if pin.name in names]
    capabilities = " ".join(f'"{compute_capability(sm)}"' for sm in sorted(set(place.sms)))
    text = f"""let
  nixpkgs = fetchTarball "https://github.com/NixOS/nixpkgs/archive/{revision}.tar.gz";
  pkgs = import nixpkgs {{ config = {{ allowUnfree = true; cudaSupport = true; }}; }};
in
pkgs.mkShell {{
  packages = [ (pkgs.python{candidate.python.replace(".", "")}.withPackages (p: [ {" ".join(packages)} ])) ];
}}
"""
    made = (("nix-shell", FILE, "--run", "python -c 'import torch; print(torch.__version__, torch.cuda.is_available())'"),)
    compiled = f"`torch` in place of `torch-bin`, with `cudaCapabilities = [ {capabilities} ];` beside cudaSupport"
    told = (
        "outside NixOS, programs from the store do not find the driver's libcuda: start them through nixGL or nix-gl-host",
        "what no binary cache holds for this revision is built here",
        f"to compile torch itself for these GPUs alone, which takes hours: {compiled}" if capabilities else "",
    )
    return Steps(tuple(map(Command, made)), made, ((FILE, text),), places.notes(told))
