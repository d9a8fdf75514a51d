"""``--python PATH``: an interpreter, or the folder of an environment."""

from __future__ import annotations

from torchsmith.host.local import LocalHost
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.python import Target
from torchsmith.model.known import Known


def target(path: str) -> Known[Target]:
    """The target that the user named. Whether it is a Python at all is found out by asking it.

    Raises:
        UsageError: it is an address, which may hold a password and is no path.

    """
    if "://" in path:
        raise UsageError("`--python` takes an interpreter or the folder of an environment on this machine, no address")
    host = LocalHost()
    if "/" not in path and "\\" not in path:
        found = host.which(path)
        if isinstance(found, Known):
            path = found.value
    for inside in ("bin/python", "Scripts/python.exe", "python.exe"):
        if host.exists(f"{path}/{inside}"):
            path = f"{path.rstrip('/')}/{inside}"
            break
    return Known(Target(path, "--python"), f"--python {path}")
