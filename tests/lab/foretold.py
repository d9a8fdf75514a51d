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

NOT_FOUND = "not found"


@dataclass
class Agreement:
    """How many objects were opened, how many names the loader looked for, and every difference."""

    objects: int = 0
    names: int = 0
    failed: int = 0
    """Objects that the real loader could not open; the names up to the failure are compared."""
    import_failed: str = ""
    """Why the real import failed, where objects were to be opened after it."""
    differences: list[str] = field(default_factory=list)

    def differ(self, where: str, real: str, foretold: str) -> None:
        """Note a difference."""
        self.differences.append(f"{where}: {real or NOT_FOUND}, foretold {foretold or NOT_FOUND}")


def known(fact: Any) -> Any:
    """The value of a fact that must be known."""
    assert isinstance(fact, Known), fact
    return fact.value


def objects_of(site: Path) -> list[str]:
    """Every ELF library below a folder, by path."""
    files = (Path(folder) / name for folder, _, names in os.walk(site) for name in names if ".so" in name)
    return sorted(str(path) for path in files if path.is_file() and _is_elf(path))


def openings(root: Path, objects: Sequence[str], environ: Mapping[str, str]) -> tuple[Openings, LibraryNeeds]:
    """The simulated processes of the environment at ``root``, and the answer for its objects."""
    host = LocalHost(environ=dict(environ))
    here = known(machine(host))
    interpreter = known(prefix(host, str(root)))
    installed = known(torch(host, interpreter, known(torch_import(host, interpreter))))
    processor = cpu(host, here, installed)
    paths = linux_paths(host, here, interpreter.executable, processor.value if isinstance(processor, Known) else None).value
    files = collect(host, paths, objects, interpreter, installed)
    return Openings(paths, files), object_needs(paths, files)


def compare(
    root: Path, objects: Sequence[str], folder: Path, first: str = "", environ: Mapping[str, str] | None = None
) -> Agreement:
    """Open every object really and in the simulation, in a fresh process or after ``import first``."""
    folder = folder / "answers"
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), **(environ or {})}
    simulated, answer = openings(root, objects, environ)
    before = simulated.torch if first else simulated.alone
    result = Agreement()
    try:
        base, really = open_all(root / "bin" / "python", objects, folder, first, environ)
    except RuntimeError as error:
        result.import_failed = str(error).strip().splitlines()[-1]
        lost = "cannot open shared object file" in result.import_failed
        if lost != bool(simulated.torch_fails) or (lost and not any(n in result.import_failed for n in simulated.torch_fails)):
            result.differ("import", result.import_failed, f"{simulated.torch_fails}")
        return result
    if before is None:
        result.differ("import", "succeeds", f"{simulated.torch_fails} are missing")
        return result
    if first:
        _compare_import(before, folder, result)
    loaded = {os.path.realpath(path) for path in base if path}
    for opened in really:
        result.objects += 1
        result.failed += bool(opened.error)
        _Comparison(opened, simulated, before, loaded, result).run()
        _compare_answer(answer, opened, result, after_torch=bool(first))
    return result


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _same(one: str, other: str) -> bool:
    return one == other or (bool(one) and bool(other) and os.path.realpath(one) == os.path.realpath(other))


def _compare_import(process: Process, folder: Path, result: Agreement) -> None:
    """Every name that torch's own libraries ask for during the import, and every file that this is foretold to load."""
    real = read_debug((folder / "start.debug").read_text(errors="replace"))
    loaded = {os.path.realpath(path) for path in real.values() if path}
    for name, (path, _) in process.answers.items():
        if name in real:
            result.names += 1
            if not _same(real[name], path):
                result.differ(f"import: {name}", real[name], path)
    for mapped in process.maps[1:]:
        if os.path.realpath(mapped.file.path) not in loaded:
            result.differ("import", "not loaded", mapped.file.path)


@dataclass
class _Comparison:
    """One object: the names that were searched for, and the maps that came of it in their order."""

    opened: Opened
    simulated: Openings
    before: Process
    loaded: set[str]
    result: Agreement

    def run(self) -> None:
        path = self.opened.path
        file = self.simulated.pool.files.get(path)
        if file is None:
            self.result.differ(path, "there", "nothing: it was not described")
            return
        after = self.before.copy()
        after.open(path, self.simulated.caller(file, after))
        new = {name: found for name, (found, how) in after.answers.items() if name not in self.before.answers and how != "loaded"}
        lost = next((name for name, found in new.items() if not found), "")
        self._names(new, lost, file.auxiliary)
        if not self.opened.died:
            self._end(lost, [mapped.file.path for mapped in after.maps[len(self.before.maps) :]])

    def _names(self, new: Mapping[str, str], lost: str, auxiliary: tuple[str, ...]) -> None:
        for name, real in self.opened.found.items():
            self.result.names += 1
            if name in new and not _same(real, new[name]):
                self.result.differ(f"{self.opened.path}: {name}", real, new[name])
            elif name not in new and (real or name not in auxiliary):
                self.result.differ(f"{self.opened.path}: {name}", real, "that nobody looks for it")
        for name, found in new.items():
            unseen = name not in self.opened.found and os.path.realpath(found) not in self.loaded
            if unseen and not (lost and self.opened.error):
                self.result.differ(f"{self.opened.path}: {name}", "not looked for", found)

    def _end(self, lost: str, maps: Sequence[str]) -> None:
        error = self.opened.error
        if lost:
            if lost not in error:
                self.result.differ(self.opened.path, error or "opened", f"that {lost} is missing")
        elif "cannot open shared object file" in error:
            self.result.differ(self.opened.path, error, "that all is found")
        elif not error:
            new = [real for path in maps if (real := os.path.realpath(path)) not in self.loaded]
            if new != [os.path.realpath(path) for path in self.opened.maps[: len(new)]]:
                self.result.differ(f"{self.opened.path}: maps", f"{self.opened.maps}", f"{new}")


def _compare_answer(answer: LibraryNeeds, opened: Opened, result: Agreement, *, after_torch: bool) -> None:
    """What ``object_needs`` says of the object's own names."""
    needs = answer.of(opened.path)
    if needs is None:
        result.differ(opened.path, "there", "no answer")
        return
    if needs.after_torch and not after_torch:
        return  # it is given for the other process
    for need in needs.needs:
        real = opened.found.get(need.name, "")
        said = (need.after_torch or need.found) if after_torch else need.found
        if real and not need.optional and not _same(said, real):
            result.differ(f"{opened.path}: the answer for {need.name}", real, said)
