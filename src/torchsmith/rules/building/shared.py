"""What the answers on builds say alike: names from the text, remedies as commands where the environment is not known."""

from __future__ import annotations

import re

from torchsmith.knowledge import archs
from torchsmith.model.action import Install, SetVariable
from torchsmith.model.complaint import Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp
from torchsmith.model.versions import at_least, compute_capability, minor
from torchsmith.rules.libraries.told import DISTRIBUTIONS
from torchsmith.rules.readings import told

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
REINSTALL = WontHelp("Reinstalling torch", "it is not what stops the build")
NO_CHECK = WontHelp("Taking the check out of setup.py", "what it guards against then fails in the compiler or at run time")
DRIVER = WontHelp("Updating the driver", "compiling needs no driver")
USUAL = (75, 80, 86, 89, 90, 100, 120)
"""The GPUs that most programs are compiled for, where none is named."""
COMMON_CUDA = "12.4"
"""What a toolkit is taken for of which nothing is told: every usual GPU that it knows is known to the newer ones too."""


def package(seen: Seen, otherwise: str = "PACKAGE") -> str:
    """The package that is built, as the installer names it; only what can be a name."""
    name = seen.captured("package", "build-stopped", "isolated-build-words", "isolated-build", "isolation-off")
    return name if NAME.fullmatch(name) and name.lower() not in {"wheel", "the", "a"} else otherwise


def installs(title: str, why: str, *requirements: str) -> Remedy:
    """A remedy that installs packages, by the environment's manager."""
    return Remedy(title, why, actions=(Install(requirements),))


def variable(title: str, why: str, name: str, value: str) -> Remedy:
    """A remedy that sets an environment variable for the build, in the reporter's shell."""
    return Remedy(title, why, Safety.DISPLAY_ONLY, actions=(SetVariable(name, value),))


def shown(title: str, why: str = "", *commands: tuple[str, ...]) -> Remedy:
    """A remedy for the reporter's own hands."""
    return Remedy(title, why, Safety.DISPLAY_ONLY, commands=commands)


def without_isolation(seen: Seen) -> tuple[str, ...]:
    """The command that builds the package against what is installed."""
    manager = seen.value("environment")
    tool = ("uv", "pip") if seen.has("uv-context") or (manager and manager.manager == "uv") else ("pip",)
    # A name of the text may be anybody's: only a package that is known to be built against torch enters a command.
    name = package(seen).lower().replace("_", "-")
    return (*tool, "install", "--no-build-isolation", name if name in DISTRIBUTIONS.values() else "PACKAGE")


def refused(seen: Seen) -> archs.Code | None:
    """The architecture that nvcc or ptxas refuses; None where it is not written like one."""
    for group in ("arch", "value", "named"):
        code = archs.parse_code(seen.captured(group, "unsupported-gpu-architecture", "ptxas-value-not-defined"))
        if code:
            return code
    return None


def architectures(seen: Seen, cuda: str = "") -> str:
    """TORCH_CUDA_ARCH_LIST of the GPUs that the text names, else of the usual ones: those that the toolkit and torch know.

    ``cuda`` is the toolkit where the cause itself tells it. The CUDA that torch was made with stands for torch's own list.
    """
    torch = seen.value("torch")
    made = [cuda or told.toolkit(seen) or COMMON_CUDA, *([str(torch.cuda)] if torch and torch.cuda else [])]
    named = [sm for sm in told.capabilities(seen) if all(_compiles(version, sm) for version in made)]
    listed = named or [sm for sm in USUAL if all(_compiles(version, sm) for version in made)]
    return ";".join(map(compute_capability, listed)) + ("" if named or not listed else "+PTX")


def _compiles(cuda: str, sm: int) -> bool:
    span = archs.toolkit_range(sm)
    return span is not None and at_least(cuda, span[0]) and (span[1] is None or at_least(span[1], minor(cuda)))
