"""
# torchcodec does not load

## What it means
torchcodec calls FFmpeg's libraries and torch's. It loads only where FFmpeg's shared libraries are found and the torch is of the
series that its release was built for.

## How it is told
It tries its libraries for each major of FFmpeg, one after the other, and lists why each of them did not load: `libavutil.so.59`
was not found (no such FFmpeg), or a symbol of torch is missing (another torch).

## What to do
Install FFmpeg 4 to 7 with shared libraries (on Windows the "full-shared" build, its `bin` on PATH; in conda the package
`ffmpeg`), and the torchcodec of this torch: 0.7 for torch 2.8, 0.8 and 0.9 for 2.9, 0.10 for 2.10.

## What not to do
A static `ffmpeg` program on PATH does not help: its libraries are needed. Upgrading torch alone makes the other half fail.

## Sources
torchcodec's table of versions; ld.so(8).
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Severity, WontHelp
from torchsmith.model.versions import minor
from torchsmith.rules.libraries.told import by_you, install, torch_said

SERIES = {
    "2.4": "0.0.3", "2.5": "0.1", "2.6": "0.2", "2.7": "0.5", "2.8": "0.7", "2.9": "0.9", "2.10": "0.10",
}  # fmt: skip
"""torch -> the last torchcodec series for it. Source: torchcodec's README."""


@told("torchcodec-mismatch")
def answer(seen: Seen) -> Advice:
    """FFmpeg first: where its libraries are there, the version of torchcodec."""
    torch = seen.value("torch")
    series = SERIES.get(minor(torch.version)) if torch else None
    wanted = f"torchcodec=={series}.*" if series else "torchcodec"
    have = seen.package("torchcodec")
    shown = f"torchcodec {have}" if have else "torchcodec"
    return Advice(
        "package:torchcodec",
        f"{shown} does not load: FFmpeg's shared libraries are not found, or it is for another torch than {torch_said(seen)}",
        remedies=(
            by_you(
                "Install FFmpeg 4 to 7 with shared libraries",
                "on Windows the full-shared build, with its bin folder on PATH",
                ("conda", "install", "-c", "conda-forge", "ffmpeg<8"),
            ),
            install(
                seen,
                f"Install {wanted}",
                "the series for this torch" if series else "in the version that its table names",
                wanted,
            ),
        ),
        wont_help=(
            WontHelp("An ffmpeg program alone, linked statically", "its libraries are needed, not the program"),
            WontHelp("Upgrading torch alone", "torchcodec then fits even less"),
        ),
        decide_by=(("ffmpeg", "-version"), ("pip", "show", "torch", "torchcodec")),
        severity=Severity.DEGRADED,
    )
