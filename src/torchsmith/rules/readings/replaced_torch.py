"""An installer put another torch in place of the one that was there: asked to, or by the way?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import public
from torchsmith.rules.readings.commands import installs_other, installs_torch


@reading("pip-replaces-torch", "torch-uninstalled")
def replaced(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Who asked for torch itself wanted it; a package that brought its own did not ask."""
    meant = installs_torch(seen) and not installs_other(seen) and not seen.has("torch-came-with-package")
    by_pip = complaint.signature == "pip-replaces-torch"
    if not by_pip and _another_copy(complaint, seen):
        yield Pointer("user-site-shadowing", 0.5)
        yield Pointer("wrong-python-environment", 0.35)
    if not meant and (by_pip or not seen.has("pip-uninstall-command")):
        yield Pointer("dependency-replaced-torch", 0.92 if by_pip else 0.75 if installs_other(seen) else 0.4)


def _another_copy(complaint: Complaint, seen: Seen) -> bool:
    """Whether the removed torch is of another version than the one that the program imported."""
    torch = seen.value("torch")
    removed = complaint.captured.get("version", "").rstrip(".")
    imported = torch.version if torch and seen.has("pip-uninstall-command", "asks-torch-file") else ""
    return imported[:1].isdigit() and public(imported) != public(removed)


@reading("torch-downloaded")
def downloaded(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A torch that comes with another package; without a build label it is the default index's."""
    if complaint.captured.get("label"):
        return
    if (installs_other(seen) or seen.has("torch-came-with-package")) and not installs_torch(seen):
        yield Pointer("dependency-replaced-torch", 0.7)
    if seen.has("default-index-wheel-windows"):
        yield Pointer("wrong-index-for-platform", 0.45)


@reading("conda-record-of-pytorch")
def recorded(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Conda and pip each name a torch, of different versions."""
    del complaint
    packages = seen.value("packages")
    record = packages.conda_record("pytorch") if packages else None
    if record is None:
        return
    others = {package.version.partition("+")[0] for package in packages.all("torch") if package.conda_build != record.conda_build}
    if others - {record.version}:
        yield Pointer("duplicate-torch-conda-pip", 0.85)


@reading("conda-record-of-nightly")
def both_recorded(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Conda keeps a nightly beside a release: both put their files into one folder."""
    del complaint
    if seen.has("conda-record-of-pytorch"):
        yield Pointer("duplicate-torch-conda-pip", 0.7)
        yield Pointer("torch-install-incomplete", 0.3)


@reading("conda-installs-pytorch")
def mixed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Pytorch by conda, then something that requires torch by pip."""
    del complaint
    if seen.has("install-command") and seen.has(
        "pip-replaces-torch", "torch-downloaded", "torch-came-with-package", "conda-and-pip"
    ):
        yield Pointer("duplicate-torch-conda-pip", 0.6)


@reading("install-killed")
def killed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """While a wheel of gigabytes is downloaded or unpacked, memory or the temporary folder in memory is what is short."""
    del complaint
    if seen.has("torch-downloaded", "torch-came-with-package", "pytorch-index-named") or installs_torch(seen):
        yield Pointer("pip-cache-memory", 0.5)
        yield Pointer("disk-or-tmp-full", 0.48)


@reading("uv-replaces-torch")
def by_uv(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Uv prints what went and what came; who asked for something else did not ask for that."""
    del complaint
    if seen.has("uv-adds-torch"):
        yield Pointer("dependency-replaced-torch", 0.85 if installs_other(seen) else 0.5)
