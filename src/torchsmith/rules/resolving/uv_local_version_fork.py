"""
# uv's resolution meets torch versions with and without a local label

## What it means
A PyTorch index serves the same release under two versions: `2.6.0+cpu` for Linux and Windows, and plain `2.6.0` for
macOS (and, of older releases, for Linux on ARM). uv locks one version for all platforms unless markers part them, so one
of the platforms gets a version that has no wheel for it.

## How it is told
uv names a torch from a PyTorch index that has no wheel for the current platform: without label on Linux or Windows,
or with a label on a Mac; or the lock file holds both for the same platform.

## What to do
Bind torch with markers: the labelled index for Linux and Windows, the default index for macOS (`marker =
"sys_platform != 'darwin'"`), or restrict the project with `tool.uv.environments`. Keep the label out of the
requirement. A newer uv locks again by itself: `uv lock --upgrade-package torch`.

## What not to do
Pinning `torch==2.6.0+cpu` for every platform: macOS has no wheel of that name, and Linux on ARM not of every release.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.versions import local_label, public
from torchsmith.rules.resolving.shared import is_pytorch


@rule("uv-local-version-fork")
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """A lock that has one release with and without label from the same index, and no markers to part them."""
    locked = [e for e in pasted_project.locked if e.package == "torch" and e.tool == "uv" and is_pytorch(e.source)]
    plain = {(e.version, e.source) for e in locked if not local_label(e.version) and not e.marker}
    both = [e for e in locked if local_label(e.version) and (public(e.version), e.source) in plain]
    if both:
        yield Finding(
            Severity.BLOCKER,
            "package:torch",
            f"The lock file has torch {both[0].version} and {public(both[0].version)} from one index, and no marker parts them",
            evidence=(Proof("pasted_project", f"{both[0].version} and {public(both[0].version)} from {both[0].source}"),),
            remedies=_REMEDIES,
            wont_help=_WONT,
            confidence=0.75,
        )


@told("uv-local-version-fork")
def answer(seen: Seen) -> Advice:
    """With the version that has no wheel here."""
    version = seen.captured("version", "uv-wheel-of-pytorch-index")
    return Advice(
        "package:torch",
        f"uv chose torch {version or 'in a version'} that the index has for other platforms only:"
        " with and without local label it is another version",
        remedies=_REMEDIES,
        wont_help=_WONT,
        decide_by=(("uv", "lock", "--verbose"),),
    )


_REMEDIES = (
    Remedy(
        "Lock torch again", "newer uv parts the versions by platform", commands=(("uv", "lock", "--upgrade-package", "torch"),)
    ),
    Remedy(
        "Give the source of torch a marker in [tool.uv.sources]: the PyTorch index on Linux and Windows, else the default",
        "each platform then gets the version that has a wheel for it",
        Safety.DISPLAY_ONLY,
    ),
)
_WONT = (
    WontHelp(
        "Pinning a version with a local label for every platform",
        "macOS has no wheel of that name, Linux on ARM not of every release",
    ),
)
