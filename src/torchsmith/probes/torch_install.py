"""What the installer noted of torch, held against the files that are there."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import NO_FILE, Host, text_of
from torchsmith.host.redact import without_secrets
from torchsmith.model.facts.install import TorchInstall
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.pattern import pattern

PARTS = ("autograd", "cuda", "functional.py", "lib", "nn", "optim", "serialization.py", "utils")
"""What lies in the folder of every release: without a record, what is missing of it tells that an installation was cut short."""

_URL = pattern(r'"url"\s*:\s*"([^"\s]{1,500})"')


@probe
def torch_install(host: Host, packages: Packages, torch: Torch | Unknown | None) -> Fact[TorchInstall | None]:
    """The record beside the torch that is found; without one, the first record of a torch whose package is gone."""
    records = packages.all("torch")
    if isinstance(torch, Torch):
        folder = torch.folder.rpartition("/")[0]
        records = tuple(package for package in records if package.folder == folder)
    elif records:
        folder = records[0].folder
        records = tuple(package for package in records if package.folder == folder)
    else:
        return Known(None, "neither torch nor a record of it")
    if not records:
        return Known(TorchInstall(folder, missing=_parts(host, torch)), folder)
    best = next((r for r in records if isinstance(torch, Torch) and same_release(r.version, torch.version)), records[0])
    names = host.names(best.metadata)
    listed = set(names.value) if isinstance(names, Known) else set()
    direct = _URL.search(text_of(host.read(f"{best.metadata}/direct_url.json", 1 << 16))) if "direct_url.json" in listed else None
    stat = host.stat(best.metadata)
    missing, damaged = _files(host, folder, f"{best.metadata}/RECORD") if "RECORD" in listed else ((), ())
    return Known(
        TorchInstall(
            folder,
            best.metadata,
            best.version,
            text_of(host.read(f"{best.metadata}/INSTALLER", 256)).strip() if "INSTALLER" in listed else "",
            "REQUESTED" in listed,
            without_secrets(direct[1]) if direct else "",
            stat.value.mtime if isinstance(stat, Known) else None,
            missing,
            damaged,
            tuple(r.version for r in records if r is not best),
        ),
        best.metadata,
    )


def same_release(one: str, other: str) -> bool:
    """Whether two versions differ in nothing but their local labels."""
    return one.partition("+")[0] == other.partition("+")[0]


def _parts(host: Host, torch: Torch | Unknown | None) -> tuple[str, ...]:
    names = host.names(torch.folder) if isinstance(torch, Torch) else None
    there = set(names.value) if isinstance(names, Known) else set(PARTS)
    return tuple(f"torch/{part}" for part in PARTS if part not in there)


def _files(host: Host, folder: str, record: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Native files of the record that are not there, and those of another size that can no longer be read as a library.

    Size alone says little: images are stripped, and conda and Nix rewrite paths inside libraries.
    """
    rows = host.binary("torch-record", record)
    missing, damaged = [], []
    for path, size in rows.value if isinstance(rows, Known) else ():
        stat = host.stat(f"{folder}/{path}")
        if isinstance(stat, Unknown):
            if stat.reason == NO_FILE:
                missing.append(path)
        elif stat.value.size != size:
            read = host.binary("shared", f"{folder}/{path}")
            if isinstance(read, Unknown):
                damaged.append((path, f"{stat.value.size} of {size} bytes; {read.reason}"))
    return tuple(missing), tuple(damaged)
