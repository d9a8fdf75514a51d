"""
# A copy outside the environment wins

## What it means
Packages in the user's own folder (`~/.local/lib/...`, `%APPDATA%/Python`) and on PYTHONPATH come before those
of the environment. A torch, torchvision or NumPy left there by an earlier `pip install --user` is imported in place
of the one installed here, also in conda environments and in those made with `--system-site-packages`.

## How it is told
The same package is installed twice on the search path, and the copy that import finds first lies outside of the
environment.

## What to do
Uninstall the outer copy, or set PYTHONNOUSERSITE=1 (for PYTHONPATH: unset it).

## What not to do
Making the environment anew, or installing again: the outer copy still comes first.

## Sources
Python's site module: the user's site directory precedes site-packages.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable, UnsetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.facts.torch import Torch, TorchImport
from torchsmith.model.finding import Finding, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.model.versions import public

_MATTER = ("torch", "torchvision", "torchaudio", "numpy", "triton")
_EXPLAINS = ("cpu-only-build", "wrong-index-for-platform", "dependency-replaced-torch", "torchvision-mismatch", "numpy-abi")


@rule("user-site-shadowing", explains=_EXPLAINS)
def check(
    interpreter: Interpreter,
    packages: Packages,
    torch_import: TorchImport,
    torch: Torch | Unknown | None,
    gpus: Gpus | Unknown | None,
) -> Iterator[Finding]:
    """Equal versions are no fault; several packages make one finding."""
    doubled = []
    for name in _MATTER:
        copies = packages.all(name)
        outer = copies[0] if copies else None
        inner = next((p for p in copies if p.folder in interpreter.site_packages), None)
        if outer and inner and _outside(outer, interpreter) and public(outer.version) != public(inner.version):
            doubled.append((name, outer, inner))
    first = torch_import.first
    if not any(name == "torch" for name, _, _ in doubled) and first and first.compiled and first.origin in {"user", "PYTHONPATH"}:
        inner_torch = next((c for c in torch_import.candidates if c.origin == "site" and c.compiled), None)
        if inner_torch:  # the same release twice, perhaps another build; or files without a record
            outer, inner = packages.get("torch"), Package("torch", "", inner_torch.entry)
            recorded = next((p for p in packages.all("torch") if p.folder == inner_torch.entry), inner)
            found = outer if outer and outer.folder == first.entry else Package("torch", "", first.entry)
            if found.version != recorded.version or not found.version:
                doubled.insert(0, ("torch", found, recorded))
    if not doubled:
        return
    on_path = any(outer.folder in interpreter.pythonpath for _, outer, _ in doubled)
    cpu = isinstance(torch, Torch) and torch.kind == "cpu" and isinstance(gpus, Gpus) and bool(gpus)
    # Without an environment of its own the user's folder is meant to come before the system's packages.
    meant = interpreter.kind == "system" and not on_path
    names = ", ".join(f"{name} {outer.version}".strip() for name, outer, _ in doubled)
    place = doubled[0][1].folder
    stop = UnsetVariable("PYTHONPATH") if on_path else SetVariable("PYTHONNOUSERSITE", "1")
    yield Finding(
        Severity.BLOCKER if cpu else Severity.NOTE if meant else Severity.DEGRADED,
        "package:torch" if doubled[0][0] == "torch" else f"package:{doubled[0][0]}",
        f"{names} in {place} is imported in place of what this environment has",
        evidence=tuple(
            Proof(
                "packages",
                f"{name} {outer.version} in {outer.folder} comes before {inner.version or 'another'} in {inner.folder}",
            )
            for name, outer, inner in doubled
        ),
        remedies=(
            Remedy(
                f"Leave {'PYTHONPATH' if on_path else 'the user site'} out",
                "then the environment's own packages are found; removing the outer copies cures it for good",
                Safety.DISPLAY_ONLY,
                (stop,),
            ),
        ),
        wont_help=(WontHelp("A new environment, or installing again", "the copy outside still comes first on the search path"),),
    )


def _outside(package: Package, interpreter: Interpreter) -> bool:
    return package.folder == interpreter.user_site or package.folder in interpreter.pythonpath


@told("user-site-shadowing")
def answer(seen: Seen) -> Advice:
    """The path in the text, as a hint; the search path itself decides."""
    windows = seen.os == "windows"
    folder = "AppData\\Roaming\\Python" if windows else "~/.local/lib"
    return Advice(
        "python",
        f"A copy of torch in the user's own folder ({folder}) or on PYTHONPATH may come before the environment's",
        (
            Remedy(
                "Remove that copy, outside of every environment, or switch the folder off",
                "set PYTHONNOUSERSITE=1, or start with python -s",
                Safety.UNSAFE,
                commands=(("python", "-m", "pip", "uninstall", "torch", "torchvision"),),
            ),
        ),
        (
            WontHelp("A new environment", "the user's folder is searched from there too"),
            WontHelp("Installing again in the environment", "the other copy still comes first"),
        ),
        (("python", "-c", "import torch, torchvision; print(torch.__file__, torchvision.__file__)"), ("torchsmith", "check")),
    )
