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
`ffmpeg`), and the torchcodec of this torch: 0.7 for torch 2.8, 0.9 for 2.9, 0.10 for 2.10,
0.12 and newer for torch from 2.11 on (`torchsmith facts companions`).

## What not to do
A static `ffmpeg` program on PATH does not help: its libraries are needed. Upgrading torch alone makes the other half fail.

## Sources
torchcodec's table of versions; ld.so(8).
"""

from __future__ import annotations

from torchsmith.engine.declare import told
from torchsmith.knowledge import companions
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.finding import Severity, WontHelp
from torchsmith.model.pattern import pattern
from torchsmith.rules.libraries.told import by_you, install, torch_said

_SYMBOLS = ("undefined-symbol", "symbol-not-found", "symbol-not-in-version")
_FFMPEG = pattern(r"lib(?:av(?:util|codec|format|filter|device)|sw(?:scale|resample))")
_TABLE = "Install the torchcodec of this torch: 0.7 for torch 2.8, 0.9 for 2.9, 0.10 for 2.10, 0.12 from 2.11 on"


@told("torchcodec-mismatch")
def answer(seen: Seen) -> Advice:
    """The version of torchcodec first where a symbol is missing: then FFmpeg was found. Else FFmpeg."""
    torch = seen.value("torch")
    belonging = companions.for_torch(torch.version) if torch else None
    wanted = f"torchcodec{belonging.torchcodec_spec}" if belonging and belonging.torchcodec_spec else ""
    have = seen.package("torchcodec")
    shown = f"torchcodec {have}" if have else "torchcodec"
    symbol = any("torchcodec" in c.text for c in seen.complaints if c.signature in _SYMBOLS)
    lost = any(_FFMPEG.search(c.captured.get("library", "")) for c in seen.complaints)
    ffmpeg = by_you(
        "Install FFmpeg 4 to 7 with shared libraries",
        "on Windows the full-shared build, with its bin folder on PATH",
        ("conda", "install", "-c", "conda-forge", "ffmpeg<8"),
    )
    why = "the series for this torch" if wanted else "in the version that its table names"
    fitting = install(seen, f"Install {wanted}", why, wanted) if wanted else by_you(_TABLE, why)
    why_not = (
        f"it is built for another torch than {torch_said(seen)}, some of whose functions it misses"
        if symbol
        else "FFmpeg's shared libraries are not found"
        if lost
        else f"FFmpeg's shared libraries are not found, or it is for another torch than {torch_said(seen)}"
    )
    return Advice(
        "package:torchcodec",
        f"{shown} does not load: {why_not}",
        remedies=(fitting, ffmpeg) if symbol else (ffmpeg, fitting),
        wont_help=(
            WontHelp("An ffmpeg program alone, linked statically", "its libraries are needed, not the program"),
            WontHelp("Upgrading torch alone", "torchcodec then fits even less"),
        ),
        decide_by=(("ffmpeg", "-version"), ("pip", "show", "torch", "torchcodec")),
        severity=Severity.DEGRADED,
    )
