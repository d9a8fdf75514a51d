"""
# conda chose a build with an older CUDA than meant

## What it means
conda-forge builds pytorch for several CUDA versions, and the solver takes an older one where something holds it
there: a pin of `cuda-version` or `cudatoolkit`, a package that exists for CUDA 11.8 only, or no pin at all in an old
solver.

## How it is told
The record of pytorch that conda installs carries an older CUDA than the one asked for, or than the `__cuda` of the
driver by a major version.

## What to do
Ask for it: `pytorch-gpu` with `cuda-version=12.8`; the solver then says what holds it back.

## What not to do
Adding cudatoolkit or a CUDA toolkit beside it: pytorch keeps the CUDA that it was built with.

## Sources
conda-forge documentation on CUDA builds and `cuda-version`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.project import Transcript
from torchsmith.model.facts.python import Packages, Variables
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import key, major, minor


@rule("conda-old-cuda-picked")
def check(
    transcript: Transcript,
    packages: Packages | Unknown,
    driver: Driver | Unknown | None,
    variables: Variables | Unknown,
) -> Iterator[Finding]:
    """By what the command asked for, else by the CUDA that the reporter set, or that driver or conda name."""
    version, build, built = _chosen(transcript, packages)
    override = variables.get("CONDA_OVERRIDE_CUDA") if isinstance(variables, Variables) else ""
    asked = _asked(transcript) or override or ""
    can = driver.cuda if isinstance(driver, Driver) and driver.cuda else dict(transcript.virtual).get("__cuda", "")
    meant = asked or can
    if not built or not meant or key(built) >= key(meant) or (not asked and major(built) == major(meant)):
        return
    yield Finding(
        Severity.DEGRADED,
        "package:torch",
        f"conda took pytorch {version} for CUDA {built}, though {meant} was {'asked for' if asked else 'possible'}",
        evidence=(Proof("transcript", f"pytorch {version} {build}"),),
        remedies=_remedies(minor(meant)),
        wont_help=_WONT,
        confidence=0.8 if asked else 0.65,
    )


def _chosen(transcript: Transcript, packages: Packages | Unknown) -> tuple[str, str, str]:
    """Version, build string and CUDA of the pytorch that conda takes; the CUDA also by the packages that hold it."""
    last = {change.package: change for change in transcript.changes if change.manager == "conda" and change.after}
    change = last.get("pytorch") or last.get("pytorch-gpu") or last.get("libtorch")
    record = packages.conda_record("pytorch") if isinstance(packages, Packages) else None
    version, build = (change.after, change.build) if change else (record.version, record.conda_build) if record else ("", "")
    holds = last.get("cuda-version") or last.get("cudatoolkit")
    return version, build, _cuda(build) or (minor(holds.after) if holds and "cpu" not in build else "")


def _cuda(build: str) -> str:
    found = re.search(r"cuda_?(\d{1,2}\.\d{1,2}|\d{3})", build)
    return "" if found is None else found[1] if "." in found[1] else f"{found[1][:-1]}.{found[1][-1]}"


def _asked(transcript: Transcript) -> str:
    for request in transcript.asked("conda"):
        for package in request.packages:
            if found := re.match(r"(?:pytorch-cuda|cuda-version|cudatoolkit)[=<>]{1,2}(\d{1,2}\.\d{1,2})", package):
                return found[1]
    return ""


@told("conda-old-cuda-picked")
def answer(seen: Seen) -> Advice:
    """With the CUDA that was chosen, where the text names it."""
    chosen = seen.captured("cuda", "conda-cuda-of-build", "cuda-version-held")
    driver = seen.value("driver")
    return Advice(
        "package:torch",
        f"conda chose a pytorch built for CUDA {chosen}, older than meant"
        if chosen
        else "conda chose a build with an older CUDA than meant",
        remedies=_remedies(driver.cuda if driver and driver.cuda else "12.8"),
        wont_help=_WONT,
        decide_by=(("conda", "list", "pytorch|cuda"),),
    )


def _remedies(cuda: str) -> tuple[Remedy, ...]:
    return (
        Remedy(
            "Ask for the CUDA version that is meant",
            "the solver then names what holds it back",
            commands=(("conda", "install", "-c", "conda-forge", "pytorch-gpu", f"cuda-version={cuda}"),),
        ),
    )


_WONT = (WontHelp("Installing cudatoolkit or a CUDA toolkit beside it", "pytorch keeps the CUDA that it was built with"),)
