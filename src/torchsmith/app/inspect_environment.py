"""A whole environment, a site-packages or any folder: every binary in it, and what holds between them."""

from __future__ import annotations

from torchsmith.app import inspect as single
from torchsmith.app import inspect_tree, torch_bindings
from torchsmith.binaries import wheel
from torchsmith.derive import declared_code
from torchsmith.derive import inspection_remarks as remarks
from torchsmith.derive.altered_files import altered_files
from torchsmith.host.base import NO_FILE, text_of
from torchsmith.model.finding import Severity
from torchsmith.model.inspection import Entry, Identity, Inspection, Remark
from torchsmith.model.known import Known, Unknown
from torchsmith.model.paths import normal
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from torchsmith.app.inspect import Gpus, Wanted
    from torchsmith.host.base import Host
    from torchsmith.model.facts.machine import Machine
    from torchsmith.model.facts.python import Interpreter, Package, Packages
    from torchsmith.model.facts.torch import Torch
    from torchsmith.model.known import Fact
    from torchsmith.model.library_needs import LibraryNeeds, Mixed

LINKED = (".a", ".o", ".lib")
"""Nothing loads them: they lie in an environment for those who compile against it."""
CROWD = 5000
"""Objects in a folder that is no environment, from which on no one process could be meant."""
METADATA_LIMIT = 1 << 20
_FACTS = ("machine", "cpu", "packages", "torch")


def inspect(
    host: Host,
    folder: str,
    interpreter: Interpreter | None,
    wanted: Wanted,
    gpus: Gpus,
    assumed: Mapping[str, Fact[Any]],
    only: tuple[str, ...] = (),
) -> Inspection:
    """Read all binaries below ``folder``; where it is an environment, also torch, the packages' records and the loader.

    Given paths, ``only`` these are read and judged; the environment is then what they are loaded in.
    """
    given = {**assumed, "interpreter": Known(interpreter, folder)} if interpreter else dict(assumed)
    facts = single.collected(host, given, *(_FACTS if interpreter else _FACTS[:2]))
    return _Environment(host, folder, interpreter, wanted, gpus, facts).read(only)


class _Environment:
    """What is known of it, and the entries as they come together."""

    def __init__(
        self, host: Host, folder: str, interpreter: Interpreter | None, wanted: Wanted, gpus: Gpus, facts: dict[str, Fact[Any]]
    ) -> None:
        self._host, self._folder, self._interpreter = host, folder, interpreter
        self._wanted, self._gpus, self._facts = wanted, gpus, facts
        self._torch: Torch | None = self._value("torch")
        self._packages: Packages | None = self._value("packages")
        self._compared: dict[str, Fact[Any]] = {}
        self._library_path: tuple[str, ...] = ()
        self._machine: Machine | None = self._value("machine")

    def read(self, only: tuple[str, ...] = ()) -> Inspection:
        """Everything, or ``only`` these files."""
        entries, unread = self._entries(only)
        crowd = self._interpreter is None and len(entries) > CROWD
        needs = None if crowd else self._needs(entries)
        if needs:
            by_path = {found.path: found.needs for found in needs.objects}
            entries = [replace(entry, needs=by_path.get(entry.path, ())) for entry in entries]
        if self._torch:
            entries = list(torch_bindings.judged(self._host, entries, self._torch))
        main = self._main(entries)
        return Inspection(
            entries=tuple(entries),
            remarks=tuple(self._remarks(entries, main, needs, unread, whole=not only)),
            torch=self._identity(),
            main=main.path if main else "",
            unread=tuple(unread),
            environment=self._folder if self._interpreter and not only else "",
            gpus=tuple(single.named(device) for device in self._gpus.devices),
        )

    def _entries(self, only: tuple[str, ...]) -> tuple[list[Entry], list[tuple[str, str]]]:
        """One entry for each binary, by path, and what could not be read."""
        unread: list[tuple[str, str]] = []
        roots = only or (self._interpreter.site_packages if self._interpreter else (self._folder,))
        files = []
        for found in self._host.tree(*roots):
            if isinstance(found, Unknown):
                unread.append((", ".join(found.tried), found.reason))
            elif only or not (found.path.endswith(".whl") or (self._interpreter and found.path.endswith(LINKED))):
                files.append(found)
        entries: list[Entry] = []
        quick = not (only or self._wanted.deep)
        if quick and not self._wanted.hash:  # a RECORD of fifteen thousand rows is as much work as a large library
            records = [f"{package.metadata}/RECORD" for package in self._installed()]
            files += [found for found in self._host.tree(*records) if not isinstance(found, Unknown)]
        answers = self._host.binaries("in-environment" if quick else "object", files)
        for path, binary in inspect_tree.made(self._without_records(answers)):
            if isinstance(binary, Unknown):
                unread.append((normal(path), binary.reason))
            else:
                entries += [self._with_runtime(entry) for entry in single.entries_for(normal(path), binary, self._gpus)]
        if self._wanted.deep:
            entries = [self._with_vectors(entry) for entry in entries]
        return sorted(entries, key=lambda entry: entry.path), sorted(unread)

    def _without_records(self, answers: Iterable[tuple[str, Fact[Any]]]) -> Iterator[tuple[str, Fact[Any]]]:
        """Keep what was compared with RECORD; the rest are binaries."""
        for path, answer in answers:
            if path.endswith("/RECORD"):
                self._compared[normal(path)] = answer
            else:
                yield path, answer

    def _with_vectors(self, entry: Entry) -> Entry:
        """The entry with a count of its vector instructions, or why they cannot be counted."""
        if entry.kind not in {"elf", "pe"}:
            return entry
        counted = self._host.binary("vector-code", entry.path)
        if isinstance(counted, Unknown):
            return replace(entry, warnings=(*entry.warnings, f"vector instructions were not counted: {counted.reason}"))
        warning = counted.value.pop("warning")
        return replace(entry, about=(*entry.about, ("vector_code", counted.value)), warnings=(*entry.warnings, warning))

    def _with_runtime(self, entry: Entry) -> Entry:
        """The entry with the CUDA runtime that it is for: torch's own say it in full, others by the name of the library."""
        if self._torch and self._torch.cuda and entry.path.startswith(f"{self._torch.folder}/"):
            return replace(entry, cuda_runtime=self._torch.cuda)
        told = remarks.cuda_runtime(entry.binary.needed) if entry.binary else None
        return replace(entry, cuda_runtime=self._runtimes().get(told, told) if told else None)

    def _runtimes(self) -> dict[str, str]:
        """CUDA major -> version of the runtime that the installed NVIDIA package brings: ``13`` -> ``13.0``."""
        versions = [package.version for package in self._installed() if package.name.startswith("nvidia-cuda-runtime")]
        return {version.partition(".")[0]: ".".join(version.split(".")[:2]) for version in versions}

    def _needs(self, entries: list[Entry]) -> LibraryNeeds | None:
        """What its loader gives each of them: Linux's on a Linux machine only, Windows' and macOS' wherever they lie."""
        parts: list[LibraryNeeds] = []
        machine = self._machine
        formats = {entry.binary.format for entry in entries if entry.binary}
        if machine and machine.os == "linux" and formats - {"pe", "macho"}:
            elf = [entry.path for entry in entries if entry.binary and entry.binary.format not in {"pe", "macho"}]
            parts.append(self._linux_needs(machine, elf))
        for form, system in (("pe", "windows"), ("macho", "macos")):
            if form in formats:
                from torchsmith.app import foreign_sites

                sites = foreign_sites.Sites(self._host, self._folder, entries, form)
                here = bool(machine and machine.os == system)
                parts += foreign_sites.needs(system, sites, self._interpreter, here=here)
        if len(parts) < 2:
            return parts[0] if parts else None
        from torchsmith.app.foreign_sites import joined_needs

        return joined_needs(parts)

    def _linux_needs(self, machine: Machine, paths: Iterable[str]) -> LibraryNeeds:
        from torchsmith.derive.object_needs import object_needs
        from torchsmith.probes import object_files
        from torchsmith.probes.loader_paths import linux_paths

        program = self._interpreter.executable if self._interpreter else ""
        loader = linux_paths(self._host, machine, program, self._value("cpu")).value
        files = object_files.collect(self._host, loader, paths, self._interpreter, self._torch)
        cuda = int(self._torch.cuda.partition(".")[0]) if self._torch and self._torch.cuda else None
        self._library_path = loader.library_path
        return object_needs(loader, files, cuda, machine.kin({"debian", "fedora"}))

    def _main(self, entries: Iterable[Entry]) -> Entry | None:
        """The object that speaks for all: torch's GPU library, else the only one with GPU code."""
        site = self._torch.folder.rpartition("/")[0] if self._torch else ""
        found = [entry for entry in entries if entry.binary and entry.binary.gpu_code]
        main = next((entry for entry in found if site and entry.path in {f"{site}/{name}" for name in single.MAIN}), None)
        return main or (found[0] if len(found) == 1 else None)

    def _remarks(
        self,
        entries: list[Entry],
        main: Entry | None,
        needs: LibraryNeeds | None,
        unread: list[tuple[str, str]],
        *,
        whole: bool,
    ) -> Iterator[Remark]:
        """The worst first."""
        found = list(self._all_remarks(entries, main, needs))
        if self._torch:
            found += remarks.unread_libraries(unread, self._torch.folder)
        if self._interpreter is None and len(entries) > CROWD:
            found.append(remarks.not_one_environment(self._folder, len(entries)))
        if whole:
            found += self._records()
        order = ("blocker", "degraded", "note")
        yield from sorted(found, key=lambda remark: order.index(remark.severity.value))

    def _all_remarks(self, entries: list[Entry], main: Entry | None, needs: LibraryNeeds | None) -> Iterator[Remark]:
        yield from remarks.cut_files(entries)
        yield from remarks.gpu_coverage(main)
        if needs:
            yield from remarks.missing_libraries(needs, entries)
            yield from remarks.machine_needs(needs)
            yield from remarks.mixed_libraries(self._mixed(entries, needs))
            yield from remarks.shadowed_libraries(entries, self._library_path)
        yield from self._declared(main)
        yield from torch_bindings.remarks(entries)
        if self._interpreter and self._interpreter.cache_tag:
            yield from remarks.python_abi(entries, self._interpreter.tag)
        if self._packages:
            yield from remarks.numpy_abi(entries, self._packages.version("numpy"))
        if self._machine:
            yield from remarks.glibc_floor(entries, self._machine.libc, self._machine.libc_version)

    def _mixed(self, entries: list[Entry], needs: LibraryNeeds) -> Iterator[Mixed]:
        """Libraries that must not meet, by their versions: those that were read, and the few that were not."""
        from torchsmith.derive.mixed_libraries import contested, mixed

        versions = {entry.path: entry.binary.cudnn for entry in entries if entry.binary and entry.binary.cudnn}
        for path in contested(needs.together):
            if path not in versions and "cudnn" in path.rpartition("/")[2]:  # from outside: LD_LIBRARY_PATH, the system
                answer = self._host.binary("cudnn", path)
                versions[path] = (answer.value or "") if isinstance(answer, Known) else ""
        return mixed(needs.together, versions)

    def _declared(self, main: Entry | None) -> Iterator[Remark]:
        """Where torch's own words and its binaries differ."""
        torch = self._identity()
        if torch is None:
            return
        binary = main.binary if main and main.path.startswith(f"{torch.folder}/") else None
        path = main.path if main and binary else torch.folder
        pins = wheel.pins(self._requires())
        yield from declared_code.differences(
            torch, path, binary.gpu_code if binary else None, binary.needed if binary else (), pins
        )
        listed = self._host.binary("arch-list", f"{torch.folder}/lib/libtorch_python.so") if torch.declared else None
        if isinstance(listed, Known):
            yield from declared_code.lists(torch, listed.value)

    def _requires(self) -> list[str]:
        package = self._packages.get("torch") if self._packages else None
        text = text_of(self._host.read(f"{package.metadata}/METADATA", METADATA_LIMIT)) if package else ""
        return [value for name, value in wheel.headers(text) if name == "requires-dist"]

    def _records(self) -> Iterator[Remark]:
        """Every package held against what its installer noted."""
        for package in self._installed():
            record = f"{package.metadata}/RECORD"
            compared = self._compared.get(record)
            if compared is None:
                levels = 3 if "/lib/python" in package.folder else 2  # from site-packages to the scripts
                compared = self._host.installed(record, package.folder, levels, self._wanted.hash)
            if isinstance(compared, Known):
                yield from altered_files(package.name, compared.value)
            elif compared.reason != NO_FILE:
                yield Remark(
                    "record-unreadable",
                    Severity.NOTE,
                    f"package:{package.name}",
                    f"{package.name}: its RECORD cannot be compared: {compared.reason}",
                )

    def _installed(self) -> tuple[Package, ...]:
        return self._packages.installed if self._packages else ()

    def _identity(self) -> Identity | None:
        """Torch by its own files."""
        torch = self._torch
        if torch is None:
            return None
        config = text_of(self._host.read(f"{torch.folder}/include/ATen/cuda/CUDAConfig.h", METADATA_LIMIT))
        version = text_of(self._host.read(f"{torch.folder}/version.py", METADATA_LIMIT))
        return declared_code.identity(version, config, torch.folder)

    def _value(self, name: str) -> Any:
        fact = self._facts.get(name)
        return fact.value if isinstance(fact, Known) else None
