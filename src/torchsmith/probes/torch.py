"""The installed torch, as its files describe it. Nothing of it is imported or run."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch, TorchImport
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

_VERSION = pattern(r"\d[A-Za-z0-9.!+_-]*", re.ASCII)


@probe
def torch(host: Host, interpreter: Interpreter, torch_import: TorchImport) -> Fact[Torch | None]:
    """Read ``torch/version.py`` of the first real torch package on the search path, even where something shadows it."""
    packages = [c for c in torch_import.candidates if c.kind == "package"]
    # A folder with torch's compiled core is an installation; one without is a checkout, a stub or a damaged one.
    sites = sorted(packages, key=lambda candidate: not candidate.compiled)
    problem: Unknown | None = None
    for candidate in sites:
        folder = candidate.path.rpartition("/")[0]
        text = host.read(f"{folder}/version.py", 1 << 16)
        if isinstance(text, Unknown):
            problem = problem or Unknown(f"{folder}/version.py cannot be read: {text.reason}", text.tried)
            continue
        parsed = parse(folder, text.value)
        if parsed is not None:
            return Known(parsed, text.source)
        problem = problem or Unknown("torch/version.py names no version", (text.source,))
    del interpreter
    return problem or Known(None, "torch is on no entry of the search path")


def parse(folder: str, text: str) -> Torch | None:
    """Torch of the text of its version.py; None if that names no version.

    ``__version__ = '2.14.1+cu130'``, ``cuda: Optional[str] = '13.0'``, ``hip = None``, ``git_version = '...'``.
    """
    version = _value(text, "__version__")
    cuda, hip, xpu = _value(text, "cuda"), _value(text, "hip"), _value(text, "xpu")
    # They go into the commands of remedies: what is no version is no torch.
    if version is None or not all(_VERSION.fullmatch(one) for one in (version, cuda, hip, xpu) if one):
        return None
    label = version.partition("+")[2]
    kind = "cuda" if cuda else "rocm" if hip else "xpu" if xpu else "cpu"
    build = label if re.fullmatch(r"cu\d{2,3}|cpu|xpu|rocm[\d.]+", label) else ""
    if not build:
        build = f"cu{cuda.replace('.', '')}" if cuda else f"rocm{hip.rpartition('.')[0] or hip}" if hip else kind
    return Torch(
        folder=folder,
        version=version,
        kind=kind,
        build=build,
        cuda=cuda,
        hip=hip,
        git=_value(text, "git_version") or "",
        debug="debug = True" in text,
    )


def _value(text: str, name: str) -> str | None:
    found = re.search(rf"^{name}\s*(?::[^=\n]+)?=\s*(['\"])([^'\"\n]{{0,200}})\1\s*$", text, re.MULTILINE)
    return found[2] if found else None
