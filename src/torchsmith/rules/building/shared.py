"""What the answers on builds say alike: names from the text, remedies as commands where the environment is not known."""

from __future__ import annotations

import re

from torchsmith.model.action import Install, SetVariable
from torchsmith.model.complaint import Seen
from torchsmith.model.finding import Remedy, Safety, WontHelp

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")
REINSTALL = WontHelp("Reinstalling torch", "it is not what stops the build")
NO_CHECK = WontHelp("Taking the check out of setup.py", "what it guards against then fails in the compiler or at run time")
DRIVER = WontHelp("Updating the driver", "compiling needs no driver")


def package(seen: Seen, otherwise: str = "PACKAGE") -> str:
    """The package that is built, as the installer names it; only what can be a name."""
    name = seen.captured("package", "build-stopped", "isolated-build-words", "isolated-build", "isolation-off")
    return name if NAME.fullmatch(name) and name.lower() not in {"wheel", "the", "a"} else otherwise


def _known(seen: Seen) -> bool:
    return bool(seen.value("environment") and seen.value("interpreter"))


def installs(seen: Seen, title: str, why: str, *requirements: str) -> Remedy:
    """A remedy that installs packages: by the environment's manager where the text tells it, else by pip."""
    if _known(seen):
        return Remedy(title, why, actions=(Install(requirements),))
    return Remedy(title, why, commands=(("pip", "install", *requirements),))


def variable(seen: Seen, title: str, why: str, name: str, value: str) -> Remedy:
    """A remedy that sets an environment variable for the build."""
    if _known(seen):
        return Remedy(title, why, Safety.DISPLAY_ONLY, actions=(SetVariable(name, value),))
    return Remedy(title, why, Safety.DISPLAY_ONLY, commands=(("set" if seen.os == "windows" else "export", f"{name}={value}"),))


def shown(title: str, why: str = "", *commands: tuple[str, ...]) -> Remedy:
    """A remedy for the reporter's own hands."""
    return Remedy(title, why, Safety.DISPLAY_ONLY, commands=commands)


def without_isolation(seen: Seen) -> tuple[str, ...]:
    """The command that builds the package against what is installed."""
    manager = seen.value("environment")
    tool = ("uv", "pip") if seen.has("uv-words") or (manager and manager.manager == "uv") else ("pip",)
    return (*tool, "install", "--no-build-isolation", package(seen))
