"""
# An extension was compiled for another torch

## What it means
flash-attn, causal-conv1d, mamba-ssm and their like are compiled against the C++ interface of one torch series. Beside
another one the import ends in "undefined symbol: _ZN3c10...".

## How it is told
The name of the wheel that was installed says which torch it was built for (`...torch2.4cxx11abiFALSE...`); pip keeps
it in direct_url.json.

## What to do
Install the wheel built for this torch, or compile the extension here (`--no-build-isolation`).

## What not to do
Reinstalling torch of the same version.

## Sources
PEP 610 (direct_url.json); file names of flash-attn's releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Uninstall
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.install import ExtensionFiles
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.mangled import readable
from torchsmith.model.versions import minor
from torchsmith.rules.libraries.told import CHECK, by_you, distribution, name, torch_said


@rule("extension-abi-mismatch")
def check(torch: Torch, extension_files: ExtensionFiles) -> Iterator[Finding]:
    """One finding for each package whose wheel names another torch series."""
    told: set[str] = set()
    for file in extension_files.files:
        if not file.built_for or file.package in told or minor(file.built_for) == minor(torch.version):
            continue
        told.add(file.package)
        yield Finding(
            Severity.DEGRADED,
            f"package:{file.package}",
            f"{file.package} {file.version} was built for torch {file.built_for}, and torch {torch.version} is installed",
            evidence=(
                Proof("extension_files", f"its wheel is named for torch {file.built_for}", file.path),
                Proof("torch", torch.version),
            ),
            remedies=(
                Remedy(
                    f"Install the wheel of {file.package} for torch {minor(torch.version)}, or compile it here",
                    "with `--no-build-isolation`, so that it sees this torch",
                    Safety.DISPLAY_ONLY,
                    (Uninstall((file.package,)),),
                ),
            ),
            wont_help=(WontHelp("Reinstalling torch", "the extension stays built for the other one"),),
            confidence=0.85,
        )


@told("extension-abi-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    module = name(seen, "package", "asks-extension") or name(seen, "module", "dll-load-failed")
    package = distribution(module)
    symbol = seen.captured("symbol", "undefined-symbol", "symbol-not-found")
    lacks = f": it calls {readable(symbol)}" if re.fullmatch(r"_{1,2}Z\w{4,250}", symbol) else ""
    build = ("pip", "install", "--no-build-isolation", "--no-cache-dir", "--force-reinstall", "--no-deps", package)
    return Advice(
        f"package:{package}" if package else "python",
        f"{package or module or 'a compiled extension'} was compiled against another torch than {torch_said(seen)}{lacks}",
        remedies=(
            by_you(
                "Install the wheel that names this torch, this CUDA and this C++ ABI (cxx11abiTRUE from torch 2.7 on)",
                "a wheel for another torch series does not load",
            ),
            by_you(
                "Or compile it against the torch that is here",
                "without isolation it sees this torch",
                *((build,) if package else ()),
            ),
        ),
        wont_help=(
            WontHelp("Reinstalling the same torch", "the extension stays built for the other one"),
            WontHelp("Another CUDA toolkit or driver", "the missing function is torch's"),
        ),
        decide_by=CHECK,
    )
