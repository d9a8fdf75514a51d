"""``torchsmith inspect``: what binaries contain, read and never run."""

from __future__ import annotations

from torchsmith.host.redact import without_secrets
from torchsmith.model.errors import UnreadableInputError, UsageError
from torchsmith.model.finding import Severity
from torchsmith.model.inspected import binary_object
from torchsmith.model.inspection import Entry, Inspection
from torchsmith.model.known import Known, Unknown
from torchsmith.model.paths import normal
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from torchsmith.engine.declare import Node
    from torchsmith.host.base import Host
    from torchsmith.model.facts.gpu import Device
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.known import Fact

_REQUIREMENT = pattern(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\s*==\s*[A-Za-z0-9.!+_-]{1,80}")
MAIN = ("torch/lib/libtorch_cuda.so", "torch/lib/torch_cuda.dll", "torch/lib/libtorch_hip.so", "torch/lib/torch_hip.dll")
"""The library whose GPU code speaks for the whole of torch."""

LIST_LIMIT = 64 << 20
"""Bytes of a list of paths."""

_ORDER = (Severity.NOTE, Severity.DEGRADED, Severity.BLOCKER)


@record
class Wanted:
    """What is asked of ``inspect``, beside its targets."""

    platform: str = ""
    """Of a wheel on an index: ``linux-x86_64``, ``win_amd64`` ...; "" for this machine's."""
    python_tag: str = ""
    """Of a wheel on an index: ``cp313``; "" for this interpreter's."""
    index_url: str = ""
    deep: bool = False
    """Read what is costly too: vector instructions, the whole of a remote library."""
    hash: bool = False
    """Compare contents with RECORD, not only sizes."""
    listed: str = ""
    """A file with more paths, one a line; ``-`` for standard input."""


@record
class Gpus:
    """The GPUs to answer for, and the highest CUDA version that their driver supports (None: no driver known)."""

    devices: tuple[Device, ...]
    cuda: str | None


def inspect(
    host: Host, targets: Sequence[str], wanted: Wanted, assumed: Mapping[str, Fact[Any]], other: Host | None = None
) -> Inspection:
    """Read every target: a file, a folder, an environment, or ``NAME==VERSION`` on the package index.

    Without a target: the environment that ``check`` would look at. Files are read by ``host``; where another machine is assumed,
    ``other`` answers for its GPUs.

    Raises:
        TorchsmithError: a target that does not exist, or holds nothing that can be read.

    """
    gpus = _gpus(other or host, assumed)
    targets = (*targets, *_listed(wanted.listed))
    if not targets and wanted.listed:
        raise UsageError(f"`{wanted.listed}` lists no paths")
    targets = targets or (_here(host, assumed),)
    if len(targets) == 1:
        return _target(host, targets[0], wanted, gpus, assumed)
    found: list[Inspection] = []
    unread: list[tuple[str, str]] = []
    together: dict[str, list[str]] = {}
    homes: dict[str, str] = {}
    for target in targets:
        if _is_binary(host, target):  # read with its neighbours: one environment is looked at once, by all processors
            together.setdefault(_environment_of(host, normal(target), homes), []).append(normal(target))
            continue
        try:
            found.append(_target(host, target, wanted, gpus, assumed))
        except UnreadableInputError as error:
            unread.append((target, str(error)))
    found += [_binaries(host, paths, wanted, gpus, assumed) for paths in together.values()]
    if not any(part.entries for part in found):
        unread += [pair for part in found for pair in part.unread]
        raise UnreadableInputError(f"none of the {len(targets)} targets can be read; the first: {unread[0][0]}: {unread[0][1]}")
    refused = sum(path in targets for path, _ in (*(pair for part in found for pair in part.unread), *unread))
    return replace(joined(found, unread), refused=refused)


def exit_code(found: Inspection, fail_on: Severity) -> int:
    """1 for a finding at or above ``fail_on``, 2 where a target could not be read, else 0."""
    if any(_ORDER.index(remark.severity) >= _ORDER.index(fail_on) for remark in found.remarks):
        return 1
    return 2 if found.refused else 0


def joined(parts: Iterable[Inspection], unread: Iterable[tuple[str, str]] = ()) -> Inspection:
    """Several answers as one, with what else could not be read; which object speaks for all of them is not said."""
    parts = tuple(parts)
    return Inspection(
        entries=tuple(entry for part in parts for entry in part.entries),
        remarks=tuple(remark for part in parts for remark in part.remarks),
        unread=(*(pair for part in parts for pair in part.unread), *unread),
        gpus=parts[0].gpus,
    )


def _listed(path: str) -> tuple[str, ...]:
    """The paths in a list, one a line; none where no list was given."""
    if not path:
        return ()
    from torchsmith.host import files

    text = files.read_input(path, LIST_LIMIT).decode("utf-8", "surrogateescape")
    return tuple(line for line in text.replace("\0", "\n").splitlines() if line.strip())


def _target(host: Host, target: str, wanted: Wanted, gpus: Gpus, assumed: Mapping[str, Fact[Any]]) -> Inspection:
    stat = host.stat(target)
    if isinstance(stat, Unknown):
        if _REQUIREMENT.fullmatch(target):
            from torchsmith.app import inspect_wheel

            return inspect_wheel.remote(host, target, wanted, gpus)
        raise UnreadableInputError(
            f"`{without_secrets(target)}` cannot be read: {stat.reason}; give a file, a folder, an environment, or NAME==VERSION"
            " for a wheel on the package index"
        )
    if stat.value.kind == "dir":
        return _folder(host, target, wanted, gpus, assumed)
    if stat.value.kind != "file":
        raise UnreadableInputError(f"`{target}` is no regular file")
    return _file(host, target, wanted, gpus, assumed)


def _folder(host: Host, target: str, wanted: Wanted, gpus: Gpus, assumed: Mapping[str, Fact[Any]]) -> Inspection:
    from torchsmith.app import inspect_environment
    from torchsmith.probes.prefix import prefix

    found = prefix(host, target)
    if isinstance(found, Unknown):
        raise UnreadableInputError(f"`{target}` cannot be read: {found.reason}")
    inspection = inspect_environment.inspect(host, normal(target), found.value, wanted, gpus, assumed)
    if not (inspection.entries or inspection.unread or found.value):
        raise UnreadableInputError(f"`{target}` holds no binaries")
    return inspection


def _file(host: Host, target: str, wanted: Wanted, gpus: Gpus, assumed: Mapping[str, Fact[Any]]) -> Inspection:
    """A wheel or an image by what it is, anything else as one binary."""
    start = host.binary("first-bytes", target)
    kind = start.value if isinstance(start, Known) else ""
    if kind == "zip":
        from torchsmith.app import inspect_wheel

        return inspect_wheel.local(host, target, wanted, gpus)
    if kind == "tar":
        from torchsmith.app import inspect_image

        return inspect_image.inspect(host, target, wanted, gpus)
    found = _binaries(host, [normal(target)], wanted, gpus, assumed)
    if not found.entries:
        reason = found.unread[0][1] if found.unread else "nothing in it is known"
        raise UnreadableInputError(f"`{target}` cannot be read as a binary: {reason}")
    return found


def _environment_of(host: Host, path: str, homes: dict[str, str]) -> str:
    """The prefix of the environment that a file lies in, "" for none; ``homes`` remembers it for each folder."""
    from torchsmith.probes.prefix import around

    folder = path.rpartition("/")[0]
    if folder not in homes:
        _, interpreter = around(host, path)
        homes[folder] = interpreter.prefix if interpreter else ""
    return homes[folder]


def _is_binary(host: Host, target: str) -> bool:
    """Whether it is a file, and no archive of other files."""
    stat = host.stat(target)
    if isinstance(stat, Unknown) or stat.value.kind != "file":
        return False
    start = host.binary("first-bytes", target)
    return isinstance(start, Known) and not start.value


def _binaries(host: Host, paths: Sequence[str], wanted: Wanted, gpus: Gpus, assumed: Mapping[str, Fact[Any]]) -> Inspection:
    """Files of one environment, or of none."""
    from torchsmith.app import inspect_environment
    from torchsmith.probes.prefix import around

    home, interpreter = around(host, paths[0])
    return inspect_environment.inspect(host, home, interpreter, wanted, gpus, assumed, tuple(paths))


def entries_of(path: str, answer: dict[str, Any], gpus: Gpus) -> Iterable[Entry]:
    """The entry of one binary, whose plain form a host answered, and those of its members if it is an archive."""
    return entries_for(path, binary_object(answer), gpus)


def entries_for(path: str, binary: BinaryObject, gpus: Gpus) -> Iterable[Entry]:
    """The same of the binary itself."""
    if not binary.members:
        yield judged(Entry(path, binary.format, binary), gpus)
        return
    yield judged(Entry(path, binary.format, replace(binary, members=())), gpus)
    for name, member in binary.members:
        yield judged(Entry(f"{path}({name})", member.format, member), gpus)


def judged(entry: Entry, gpus: Gpus) -> Entry:
    """The entry with an answer for each GPU, where it has GPU code."""
    binary = entry.binary
    if binary is None or not gpus.devices or not (binary.gpu_code or binary.gpu_code_elsewhere):
        return entry
    from torchsmith.derive.runs_on import runs_on

    answers = (
        runs_on(binary.gpu_code, device, gpus.cuda, binary.gpu_code_elsewhere, entry.cuda_runtime) for device in gpus.devices
    )
    found = tuple(answer for answer in answers if answer)
    if binary.cut_short:
        found = tuple(replace(answer, why=f"{answer.why}, as far as the file goes: it was cut short") for answer in found)
    return replace(entry, runs_on=found)


def named(device: Device) -> str:
    """A GPU's name, or its number."""
    return device.name or f"GPU {device.index}"


def _here(host: Host, assumed: Mapping[str, Fact[Any]]) -> str:
    """The prefix of the environment that ``check`` would look at; its interpreter is not run."""
    target = collected(host, assumed, "target").get("target")
    if not isinstance(target, Known):
        raise UnreadableInputError("no environment was found here: name a file, a folder, or NAME==VERSION")
    python = normal(target.value.python)
    folder = python.rpartition("/")[0]
    return folder.rpartition("/")[0] if folder.endswith(("/bin", "/Scripts")) else folder


def _gpus(host: Host, assumed: Mapping[str, Fact[Any]]) -> Gpus:
    """GPUs and driver, live or assumed."""
    facts = collected(host, assumed, "gpus", "driver")
    found, driver = facts.get("gpus"), facts.get("driver")
    return Gpus(
        tuple(found.value) if isinstance(found, Known) and found.value else (),
        driver.value.cuda if isinstance(driver, Known) and driver.value else None,
    )


def collected(host: Host, assumed: Mapping[str, Fact[Any]], *wanted: str) -> dict[str, Fact[Any]]:
    """These facts, with what they need and nothing else."""
    from torchsmith.app.catalogue import NODES
    from torchsmith.engine.collect import collect

    by_fact: dict[str, Node] = {node.fact: node for node in NODES}
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        fact = waiting.pop()
        if fact not in needed and fact in by_fact:
            needed.add(fact)
            waiting += [need.fact for need in by_fact[fact].needs]
    return collect(host, [node for node in NODES if node.fact in needed], assumed)
