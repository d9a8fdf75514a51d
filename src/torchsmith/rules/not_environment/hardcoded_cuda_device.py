"""
# The program demands CUDA where there is none

## What it means
A Mac, a machine without an NVIDIA GPU, or a torch without CUDA that was chosen on purpose: the program or one of its files names
the device `cuda` and takes no other.

## How it is told
"Torch not compiled with CUDA enabled" on macOS, where no torch has CUDA; a checkpoint saved on a GPU that is loaded without
`map_location`; no NVIDIA GPU in what was shown, and a program that asks for one.

## What to do
Give the program another device: an option such as `--device cpu` or `mps`, `torch.load(..., map_location="cpu")`, or in the code
`torch.device("cuda" if torch.cuda.is_available() else "cpu")`.

## What not to do
Installing a torch with CUDA: there is none for macOS, and without an NVIDIA GPU it finds nothing to run on.

## Sources
torch's documentation of torch.load and of the MPS backend.
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp


@told("hardcoded-cuda-device")
def answer(seen: Seen) -> Advice:
    """Another device for the program; on a Mac it is named."""
    mac = seen.os == "macos"
    device = "mps" if mac else "cpu"
    checkpoint = seen.has("checkpoint-wants-cuda")
    remedies = [
        Remedy(
            f"Start the program with the device {device} (`--device {device}` or its setting of that name)",
            "Apple's GPUs are reached as mps, not as cuda" if mac else "there is no GPU that CUDA could use",
            Safety.DISPLAY_ONLY,
        ),
    ]
    if checkpoint:
        load = Remedy(
            "Load the file with map_location",
            'torch.load(path, map_location="cpu") moves to the CPU what was saved on a GPU',
            Safety.DISPLAY_ONLY,
        )
        remedies.insert(0, load)
    return Advice(
        "program",
        "The program asks for CUDA by name where CUDA is not meant to be: change the program, not the environment",
        remedies=tuple(remedies),
        wont_help=(
            WontHelp(
                "Installing a torch with CUDA, CUDA itself or a driver",
                "no torch for macOS has CUDA" if mac else "without an NVIDIA GPU they find nothing to run on",
            ),
        ),
        decide_by=() if mac else (("torchsmith", "check"),),
    )
