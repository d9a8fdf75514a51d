"""``torchsmith inspect`` of a wheel: a file here, or ``NAME==VERSION`` on the configured package index, read by parts."""

from __future__ import annotations

from torchsmith.app import inspect as single
from torchsmith.binaries.wheel import TORCH_TEXTS
from torchsmith.derive import declared_code, wheel_choice
from torchsmith.derive.altered_files import altered_files
from torchsmith.derive.inspection_remarks import cuda_runtime, gpu_coverage
from torchsmith.model.errors import UnreadableInputError, UsageError
from torchsmith.model.finding import Severity
from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.inspection import Entry, Identity, Inspection, Need, Remark
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from torchsmith.app.inspect import Gpus, Wanted
    from torchsmith.derive.wheel_choice import Platform, Python
    from torchsmith.host.base import Host

_PLATFORMS = "linux-x86_64, linux-aarch64, win_amd64, macosx_14_0_arm64, manylinux_2_28_x86_64 ..."


def local(host: Host, path: str, wanted: Wanted, gpus: Gpus) -> Inspection:
    """The wheel at ``path``: what it says of itself, all its native libraries, its RECORD.

    Raises:
        UnreadableInputError: it is no wheel.

    """
    answer = host.binary("wheel-hashed" if wanted.hash else "wheel", path)
    if isinstance(answer, Unknown):
        raise UnreadableInputError(f"`{path}` cannot be read as a wheel: {answer.reason}")
    unused = ("--deep: vector instructions are counted in unpacked files only",) if wanted.deep else ()
    return _inspection(path, answer.value, gpus, (), unused)


def remote(host: Host, requirement: str, wanted: Wanted, gpus: Gpus) -> Inspection:
    """The wheel that pip would take for ``NAME==VERSION`` (or the newest of ``NAME``), without downloading it.

    Raises:
        UsageError: a platform or Python tag that is none.
        UnreadableInputError: no index answers, or it has no such wheel; the message lists what there is.

    """
    if wanted.index_url and "://" not in wanted.index_url:
        raise UsageError("--index-url takes an address with its scheme: https://...")
    name, _, version = (part.strip() for part in requirement.partition("=="))
    system = _platform(host, wanted.platform)
    interpreter = _python(host, wanted.python_tag)
    listed = host.project_files(name, wanted.index_url)
    if isinstance(listed, Unknown):
        raise UnreadableInputError(f"{requirement}: {listed.reason}")
    choice = wheel_choice.choose(listed.value["files"], name, version, interpreter, system)
    if choice.file is None:
        there = f"; there are: {', '.join(choice.there)}" if choice.there else ""
        raise UnreadableInputError(f"{choice.why_none}{there}")
    filename = choice.file["filename"]
    answer = host.remote_wheel(name, filename, wanted.index_url, wanted.deep)
    if isinstance(answer, Unknown):
        command = f"pip download --no-deps {name}=={choice.version}"
        raise UnreadableInputError(
            f"{filename}: {answer.reason}; `{command}` fetches the whole file, which can be inspected then"
        )
    about = (
        ("index", choice.file["index"]),
        ("index_origin", listed.source),
        ("url", choice.file["url"]),
        ("sha256", choice.file["sha256"] or None),
        ("yanked", choice.file["yanked"]),
        ("requests", answer.value.get("requests", 0)),
        ("bytes_read", answer.value.get("bytes", 0)),
    )
    unused = ("--hash: the contents of a wheel on the index are not compared",) if wanted.hash else ()
    notes = (*choice.notes, *listed.value["warnings"], *unused)
    return _inspection(filename, answer.value, gpus, about, notes)


def _inspection(
    path: str, answer: Mapping[str, Any], gpus: Gpus, about: tuple[tuple[str, Any], ...], notes: tuple[str, ...]
) -> Inspection:
    """The wheel, then its libraries by path."""
    wheel = answer["wheel"]
    texts = dict(wheel["texts"])
    version_py, cuda_config = (texts.get(name, "") for name in TORCH_TEXTS)
    torch = declared_code.identity(version_py, cuda_config, f"{path}/torch")
    members, unread = _members(path, answer["objects"], gpus, torch)
    members = [replace(entry, needs=tuple(_needs(entry, members, torch))) for entry in members]
    main = next((entry for entry in members if entry.path in {f"{path}/{name}" for name in single.MAIN}), None)
    if main is None:
        carrying = [entry for entry in members if entry.binary and entry.binary.gpu_code]
        main = carrying[0] if len(carrying) == 1 else None
    warnings = (*wheel["warnings"], *notes, *_not_known(answer, torch))
    kind = "wheel" if path.endswith(".whl") or wheel["name"] else "zip"
    first = Entry(
        path, kind, about=(*_about(answer, torch), *about), cuda_runtime=torch.cuda if torch else None, warnings=warnings
    )
    return Inspection(
        entries=(first, *members),
        remarks=(*_remarks(answer, torch, main), *(_foretold(torch, gpus) if torch and not answer["objects"] else ())),
        torch=torch,
        main=main.path if main else "",
        unread=tuple(unread),
        gpus=tuple(single.named(device) for device in gpus.devices),
    )


def _members(path: str, objects: list[Any], gpus: Gpus, torch: Identity | None) -> tuple[list[Entry], list[tuple[str, str]]]:
    members: list[Entry] = []
    unread = []
    for name, found, problem in objects:
        if found is None:
            unread.append((f"{path}/{name}", problem))
            continue
        for entry in single.entries_of(f"{path}/{name}", found, gpus):
            needed = entry.binary.needed if entry.binary else ()
            own = torch.cuda if torch and name.startswith("torch/") else None
            members.append(replace(entry, cuda_runtime=own or cuda_runtime(needed), warnings=(problem,) if problem else ()))
    return members, unread


def _needs(entry: Entry, members: list[Entry], torch: Identity | None) -> Iterator[Need]:
    """Where each needed library stands: in this wheel, in the system, or in the package that brings it."""
    binary = entry.binary
    if binary is None:
        return
    fold = str.lower if entry.kind == "pe" else str
    inside = {fold(member.path.rpartition("/")[2]): member.path for member in members}
    inside |= {member.binary.soname: member.path for member in members if member.binary and member.binary.soname}
    cuda = int(torch.cuda.partition(".")[0]) if torch and torch.cuda else None
    later = binary.delay_needed if entry.kind in {"pe", "macho"} else ()
    for name in dict.fromkeys((*binary.needed, *later)):
        here = inside.get(fold(name)) or (inside.get(name.rpartition("/")[2]) if entry.kind == "macho" else None)
        need = Need(name, here, "in this wheel") if here else _outside(entry.kind, name, cuda)
        yield replace(need, optional=name not in binary.needed)


def _outside(kind: str, name: str, cuda: int | None) -> Need:
    """Who brings a library that is not in the wheel; what every system of that kind has is found by its name."""
    from torchsmith.knowledge import libraries

    if kind == "pe":
        from torchsmith.derive.windows_loader import provider
        from torchsmith.knowledge.windows_dlls import API_SETS, system_dll

        if name.lower().startswith(API_SETS):
            return Need(name, name, "API set")
        by = (libraries.provider(name, cuda, "windows") if cuda else None) or provider(name)
        return Need(name, name, "System32", by) if system_dll(name) else Need(name, how="outside this wheel", provider=by)
    if kind == "macho":
        from torchsmith.derive.macos_loader import SHARED_CACHE

        return Need(name, name, "system") if name.startswith(SHARED_CACHE) else Need(name, how="outside this wheel")
    return Need(name, how="outside this wheel", provider=libraries.provider(name, cuda) or "")


def _remarks(answer: Mapping[str, Any], torch: Identity | None, main: Entry | None) -> Iterator[Remark]:
    wheel, record = answer["wheel"], answer["record"]
    yield from gpu_coverage(main)
    if torch is not None:
        binary = main.binary if main else None
        pins = [(name, version) for name, version in wheel["pins"]]
        yield from declared_code.differences(
            torch, main.path if main else torch.folder, binary.gpu_code if binary else None, binary.needed if binary else (), pins
        )
        yield from declared_code.lists(torch, answer["arch_list"])
    if record is not None:
        yield from altered_files(wheel["name"], record)


def _foretold(torch: Identity, gpus: Gpus) -> Iterator[Remark]:
    """What the declared architectures promise to each GPU, where the libraries themselves were not read."""
    from torchsmith.derive.runs_on import runs_on

    if not torch.declared:
        return
    sass = tuple(arch for arch in torch.declared if arch.startswith("sm_"))
    ptx = tuple(arch for arch in torch.declared if arch.startswith("compute_"))
    code = GpuCode(sass, ptx, (), (Group(sass, ptx, 1),), 1, None, ())
    for device in gpus.devices:
        found = runs_on(code, device, gpus.cuda, cuda=torch.cuda)
        if found is not None:
            says = {"native": "has code", "jit": "has PTX to compile", "no": "has no code"}[found.how]
            yield Remark(
                "declared-for-gpu",
                Severity.DEGRADED if found.how == "no" else Severity.NOTE,
                found.gpu,
                f"by its own words torch {torch.version} {says} for {found.gpu} ({found.compute_capability});"
                " its binary was not read",
                (("CUDAConfig.h", " ".join(torch.declared)),),
            )


def _about(answer: Mapping[str, Any], torch: Identity | None) -> tuple[tuple[str, Any], ...]:
    """What the wheel says of itself."""
    wheel = answer["wheel"]
    return (
        ("name", wheel["name"]),
        ("version", wheel["version"]),
        ("tags", wheel["tags"]),
        ("build", wheel["build"] or None),
        ("requires_python", wheel["requires_python"] or None),
        ("pins", dict(wheel["pins"])),
        ("generator", wheel["generator"] or None),
        ("pure", wheel["pure"]),
        ("members", None if answer.get("whole") else wheel["members"]),
        ("size", answer["size"]),
        ("unpacked", None if answer.get("whole") else wheel["unpacked"]),
        ("declared", list(torch.declared) if torch else None),
        ("native_libraries", [_native(native) for native in wheel["natives"]]),
    )


def _native(native: Mapping[str, Any]) -> dict[str, Any]:
    """A library as the list of members tells of it; its size and checksum know it again."""
    shown = {"path": native["path"], "size": native["size"], "crc32": f"{native['crc']:08x}"}
    return shown | ({"bundled": native["plain"]} if native["plain"] else {})


def _not_known(answer: Mapping[str, Any], torch: Identity | None) -> Iterator[str]:
    """What a look from afar cannot tell, in honest words."""
    natives = answer["wheel"]["natives"]
    if answer["objects"] or (answer["size"] is not None and not natives):
        return
    if answer.get("whole"):
        yield "only its metadata was read: which libraries are in it, and for which CUDA, is not known"
    elif (gpu := next((native for native in natives if native["path"] in single.MAIN), None)) is not None:
        said = "the declared architectures are those of CUDAConfig.h" if torch and torch.declared else "CUDAConfig.h is not in it"
        yield (
            f"the GPU code that {gpu['path'].rpartition('/')[2]} really holds was not read ({said});"
            f" --deep fetches the libraries, {sum(native['packed'] for native in natives) >> 20} MiB"
        )
    elif natives:
        yield f"{len(natives)} native libraries were not read; --deep fetches them"


def _platform(host: Host, given: str) -> Platform:
    """The platform that is asked for, or this machine's."""
    if given:
        found = wheel_choice.platform(given)
        if found is None:
            raise UsageError(f"`{given}` is no platform: {_PLATFORMS}")
        return found
    fact = single.collected(host, {}, "machine").get("machine")
    if not isinstance(fact, Known):
        raise UsageError(f"this machine's platform is not known; give --platform: {_PLATFORMS}")
    machine = fact.value
    libc = None
    if machine.libc_version:
        major, _, minor = machine.libc_version.partition(".")
        libc = (int(major), int(minor.partition(".")[0] or 0)) if major.isdigit() else None
    system = "musllinux" if machine.libc == "musl" else machine.os
    return wheel_choice.Platform(system, machine.arch, libc)


def _python(host: Host, given: str) -> Python:
    """The interpreter that is asked for, or the one that ``check`` would look at."""
    if not given:
        fact = single.collected(host, {}, "interpreter").get("interpreter")
        given = fact.value.tag if isinstance(fact, Known) else ""
        if not given:
            raise UsageError("no interpreter was found here; give --python-tag: cp313, cp313t ...")
    found = wheel_choice.python(given)
    if found is None:
        raise UsageError(f"`{given}` is no Python tag: cp313, cp313t, pp310 ...")
    return found
