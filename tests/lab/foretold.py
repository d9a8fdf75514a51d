"""What torchsmith foretells of the same openings, and where the real loader differs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lab.opened import Opened, open_all, read_debug
from torchsmith.derive.linux_loader import Process
from torchsmith.derive.object_needs import Openings, object_needs
from torchsmith.host.local import LocalHost
from torchsmith.model.known import Known
from torchsmith.model.library_needs import LibraryNeeds
from torchsmith.probes.cpu import cpu
from torchsmith.probes.loader_paths import linux_paths
from torchsmith.probes.machine import machine
from torchsmith.probes.object_files import collect
from torchsmith.probes.prefix import prefix
from torchsmith.probes.torch import torch
from torchsmith.probes.torch_import import torch_import


@dataclass
class Agreement:
    """How many objects were opened, how many names the loader looked for, and every difference."""

    objects: int = 0
    names: int = 0
    failed: int = 0
    """Objects that the real loader could not open; the names up to the failure are compared."""
    differences: list[str] = field(default_factory=list)


def known(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


def objects_of(site: Path) -> list[str]:
    """Every ELF library below a folder, by path."""
    found = []
    for folder, _, names in os.walk(site):
        for name in names:
            path = os.path.join(folder, name)
            if ".so" in name and Path(path).is_file() and Path(path).open("rb").read(4) == b"\x7fELF":
                found.append(path)
    return sorted(found)


def openings(root: Path, objects: Sequence[str], environ: Mapping[str, str]) -> tuple[Openings, LibraryNeeds]:
    """The simulated processes of the environment at ``root``."""
    host = LocalHost(environ=dict(environ))
    here = known(machine(host))
    interpreter = known(prefix(host, str(root)))
    installed = known(torch(host, interpreter, known(torch_import(host, interpreter))))
    processor = cpu(host, here, installed)
    paths = linux_paths(host, here, interpreter.executable, processor.value if isinstance(processor, Known) else None).value
    files = collect(host, paths, objects, interpreter, installed)
    return Openings(paths, files), object_needs(paths, files)


def compare(root: Path, objects: Sequence[str], folder: Path, first: str = "", environ: Mapping[str, str] | None = None) -> Agreement:
    """Open every object really and in the simulation, in a fresh process or after ``import first``."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **(environ or {})}
    base, really = open_all(root / "bin" / "python", objects, folder, first, environ)
    simulated, answer = openings(root, objects, environ)
    before = simulated.torch if first else simulated.alone
    result = Agreement()
    if before is None:
        result.differences.append(f"import {first} is foretold to fail: {simulated.torch_fails}")
        return result
    if first:
        _compare_import(before, folder, result)
    for opened in really:
        result.objects += 1
        _compare_one(simulated, before, base, opened, result)
        _compare_needs(answer, simulated, before, opened, base, result, first)
    return result


def _same(one: str, other: str) -> bool:
    return one == other or (bool(one) and bool(other) and os.path.realpath(one) == os.path.realpath(other))


def _compare_import(process: Process, folder: Path, result: Agreement) -> None:
    """Every name that torch's own libraries ask for during the import."""
    real = read_debug((folder / "start.debug").read_text(errors="replace"))
    by_path = {os.path.normpath(path) for path in real.values() if path}
    for name, (path, _how) in process.answers.items():
        if name in real:
            result.names += 1
            if not _same(real[name], path):
                result.differences.append(f"import: {name}: {real[name] or 'not found'}, foretold {path or 'not found'}")
    for mapped in process.maps[1:]:
        if mapped.file.path not in by_path and not any(_same(mapped.file.path, path) for path in by_path):
            result.differences.append(f"import: {mapped.file.path} is foretold and was not loaded")


def _compare_one(simulated: Openings, before: Process, base: Sequence[str], opened: Opened, result: Agreement) -> None:
    """The names that were searched for, in order, and the maps that came of it, in order."""
    file = simulated.pool.files.get(opened.path)
    if file is None:
        result.differences.append(f"{opened.path}: not described")
        return
    after = before.copy()
    after.open(file.path, simulated.caller(file, after))
    foretold = {
        name: path for name, (path, how) in after.answers.items() if name not in before.answers and how != "loaded" and path != "loaded"
    }
    lost = next((name for name, path in foretold.items() if not path), "")
    result.failed += bool(opened.error)
    there = {os.path.realpath(path) for path in base if path}
    for name, path in opened.found.items():
        result.names += 1
        if name in foretold:
            if not _same(path, foretold[name]):
                result.differences.append(f"{opened.path}: {name}: {path or 'not found'}, foretold {foretold[name] or 'not found'}")
        else:
            result.differences.append(f"{opened.path}: {name}: {path or 'not found'}, foretold that nobody looks for it")
    for name, path in foretold.items():
        if name not in opened.found and os.path.realpath(path) not in there and not (lost and opened.error):
            result.differences.append(f"{opened.path}: {name}: foretold {path or 'not found'}, nobody looked for it")
    if not opened.error and not opened.died:
        new = [mapped.file.path for mapped in after.maps[len(before.maps) :] if os.path.realpath(mapped.file.path) not in there]
        if lost:
            result.differences.append(f"{opened.path}: opened, foretold that {lost} is missing")
        elif [os.path.realpath(p) for p in new] != [os.path.realpath(p) for p in opened.maps[: len(new)]]:
            result.differences.append(f"{opened.path}: maps {opened.maps}, foretold {new}")
    if lost and lost not in opened.error and not opened.died:
        result.differences.append(f"{opened.path}: foretold that {lost} is missing; {opened.error or 'no error'}")
    if "cannot open shared object file" in opened.error and not lost:
        result.differences.append(f"{opened.path}: {opened.error}, foretold that all is found")


def _compare_needs(
    answer: LibraryNeeds,
    simulated: Openings,
    before: Process,
    opened: Opened,
    base: Sequence[str],
    result: Agreement,
    first: str,
) -> None:
    """What the public answer says of the object's own names."""
    needs = answer.of(opened.path)
    if needs is None:
        result.differences.append(f"{opened.path}: no answer")
        return
    if bool(first) < needs.after_torch:
        return  # its answer is that of torch's process, which this is not
    after = first and not needs.after_torch
    for need in needs.needs:
        if need.name not in opened.found or need.optional:
            continue
        path = (need.after_torch or need.found) if after else need.found
        real = opened.found[need.name]
        if not _same(path, real) and not (opened.error and not real):
            result.differences.append(f"{opened.path}: {need.name}: {real or 'not found'}, the answer says {path or 'not found'}")
