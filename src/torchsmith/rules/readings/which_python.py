"""No torch, half a torch, or that of another Python: which interpreter was it?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen


@reading("no-module-torch")
def not_found(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """While a package is built, the build has an environment of its own; elsewhere another interpreter may have torch."""
    if seen.has("building-now"):
        yield Pointer("isolation-no-torch", 0.85)
        yield Pointer("torch-not-installed", 0.25)
    elif seen.has("executables-differ") or (seen.has("notebook-or-ide") and complaint.captured["name"] == "torch"):
        yield Pointer("wrong-python-environment", 0.6)
        yield Pointer("torch-not-installed", 0.35)
    elif seen.has("torch-is-there"):
        yield Pointer("wrong-python-environment", 0.65)
        yield Pointer("torch-not-installed", 0.3)
    elif complaint.captured["name"] == "torch":
        yield Pointer("torch-not-installed", 0.65)
        yield Pointer("wrong-python-environment", 0.4)


@reading("torch-lacks-module")
def half(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A part is missing: another Python's torch, a source checkout, or an installation that was cut short."""
    if _foreign(seen):
        yield Pointer("wrong-python-environment", 0.7)
        yield Pointer("user-site-shadowing", 0.4)
    elif complaint.captured["part"] == "_C":
        yield Pointer("torch-shadowed", 0.5)
        yield Pointer("torch-install-incomplete", 0.45)
    else:
        yield Pointer("torch-install-incomplete", 0.55)
        yield Pointer("torch-shadowed", 0.3)


@reading("user-site-path")
def of_the_user(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A folder of the user's own is searched before the environment's; one of another Python is a mistake in itself."""
    del complaint
    yield Pointer("user-site-shadowing", 0.7 if seen.has("asks-torch-file", "old-version-shows") else 0.3)
    if _foreign(seen):
        yield Pointer("wrong-python-environment", 0.4)


@reading("pip-of-another-python")
def pips(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Pip names its own Python."""
    interpreter = seen.value("interpreter")
    if interpreter and not f"{interpreter.version}.".startswith(f"{complaint.captured['pip']}."):
        yield Pointer("wrong-python-environment", 0.6)


@reading("collect-env-version")
def listed_otherwise(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Torch says one version of itself, and every installer another."""
    del complaint
    torch, packages = seen.value("torch"), seen.value("packages")
    if not torch or not packages or not torch.version[:1].isdigit():
        return
    listed = {package.version.partition("+")[0] for package in packages.all("torch")}
    record = packages.conda_record("pytorch")
    if record:
        listed.add(record.version)
    own = torch.version.partition("+")[0]
    if not listed or own in listed or any(own.startswith(version) for version in listed):
        return
    yield Pointer("user-site-shadowing", 0.5)
    yield Pointer("wrong-python-environment", 0.45)
    if record:
        yield Pointer("duplicate-torch-conda-pip", 0.45)


def _foreign(seen: Seen) -> bool:
    """Whether torch's path belongs to another Python than the one that is named."""
    interpreter = seen.value("interpreter")
    running = seen.captured("named", "python-version-named") or (interpreter.version if interpreter else "")
    path = seen.captured("python", "user-site-path") or seen.captured("windows", "user-site-path")
    if not running or not path:
        return False
    named = path if "." in path else f"3.{path[1:]}"
    return ".".join(running.split(".")[:2]) != named
