"""What the rules on toolkits say alike. All of them are notes: a torch from wheels runs without any toolkit."""

from __future__ import annotations

import re

from torchsmith.model.complaint import Seen
from torchsmith.model.facts.toolkit import Toolkit, Toolkits
from torchsmith.model.finding import Proof, WontHelp

RUNS = WontHelp("Reinstalling torch for this", "torch itself runs; only building extensions is concerned")


def named(toolkit: Toolkit) -> str:
    """``CUDA 12.4 in /usr/local/cuda``; the version is left out where nothing says it."""
    return f"CUDA {toolkit.version} in {toolkit.path}" if toolkit.version else f"the toolkit in {toolkit.path}"


def active(toolkits: Toolkits, toolkit: Toolkit) -> Proof:
    """The proof of which toolkit builds would take, and why that one."""
    return Proof("toolkits", f"{named(toolkit)}, taken because of {toolkits.why}")


def packages(seen: Seen, cuda: str, *names: str) -> tuple[tuple[str, ...], ...]:
    """The command that installs NVIDIA's packages of a toolkit, as the reporter's distribution does it.

    ``cuda`` is MAJOR.MINOR, as the names of the packages have it. Where it is another thing, or the system is not told, there
    is no command: what is not called so does not exist.
    """
    machine = seen.value("machine")
    if not re.fullmatch(r"\d{1,2}\.\d{1,2}", cuda) or machine is None:
        return ()
    ways = {
        "debian": ("sudo", "apt-get", "install"),
        "ubuntu": ("sudo", "apt-get", "install"),
        "fedora": ("sudo", "dnf", "install"),
        "rhel": ("sudo", "dnf", "install"),
        "centos": ("sudo", "dnf", "install"),
        "opensuse": ("sudo", "zypper", "install"),
        "suse": ("sudo", "zypper", "install"),
    }
    own = ways.get(machine.kin(ways))
    return ((*own, *(f"{name}-{cuda.replace('.', '-')}" for name in names)),) if own else ()


def by_conda(cuda: str) -> tuple[str, ...]:
    """The whole toolkit of this CUDA from NVIDIA's channel."""
    return ("conda", "install", "-c", "nvidia", f"cuda-toolkit={cuda}")


def in_conda(seen: Seen) -> bool:
    """Whether conda manages the environment, by the facts or by the paths and words of the text."""
    environment = seen.value("environment")
    return bool(environment and environment.kind == "conda") or seen.has("conda-context")
