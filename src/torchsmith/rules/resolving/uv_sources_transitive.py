"""
# tool.uv.sources binds direct dependencies only, and torch is not one

## What it means
uv applies [tool.uv.sources] to packages that this project itself requires. Where torch comes only with another
package (accelerate, transformers[torch], vllm ...), the entry has no effect and torch comes from the default index.

## How it is told
A project file binds torch to an index, but lists it in no dependencies, extra or group; or a package that only such
an index has (pytorch-triton-xpu) was not found, as it is no direct dependency.

## What to do
Add torch (and what else must come from that index) to the project's dependencies; the entry in [tool.uv.sources] then
counts.

## What not to do
Repeating the entry, or adding the index without `explicit`: uv then looks there for everything else too.

## Sources
uv's documentation on indexes and on PyTorch; resolved with local indexes in tests of this project.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.rules.resolving.shared import BLAME, FAMILY, SERVED, bind_uv, label_of, wanted


@rule("uv-sources-transitive", explains=("cpu-only-build", "wrong-index-for-platform", "uv-fell-back-to-pypi"))
def check(pasted_project: PastedProject) -> Iterator[Finding]:
    """Only where the dependencies were pasted too."""
    project = pasted_project
    listed = [d for d in project.dependencies if d.where == "project" or d.where.startswith(("extra:", "group:"))]
    unlisted = [name for name in FAMILY if project.bound(name, "uv") and not project.declared(name)]
    if not listed or "torch" not in unlisted or any("torch" in d.package for d in listed):
        return
    yield Finding(
        Severity.BLOCKER,
        "package:torch",
        "[tool.uv.sources] binds torch, but the project does not require torch itself: the entry has no effect",
        evidence=(Proof("pasted_project", f"required: {', '.join(d.package for d in listed[:8])}"),),
        remedies=(bind_uv(wanted(project, None), ("torch",), "a source counts for direct dependencies"),),
        wont_help=_WONT,
        confidence=0.85,
    )


@told("uv-sources-transitive")
def answer(seen: Seen) -> Advice:
    """With the package that only such an index serves, where uv names it."""
    package = seen.captured("package", "uv-not-in-registry")
    packages = ("torch", package) if package in SERVED else ("torch",)
    return Advice(
        "package:torch",
        f"[tool.uv.sources] counts for direct dependencies only, and {packages[-1]} is none of this project's",
        remedies=(bind_uv(label_of(seen), packages, "a source counts for direct dependencies"),),
        wont_help=_WONT,
    )


_WONT = (
    WontHelp("Another entry in [tool.uv.sources]", "none of them counts for a package that comes with another one"),
    *BLAME,
)
