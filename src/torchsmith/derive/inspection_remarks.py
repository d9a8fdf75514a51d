"""What stands out between the objects of an environment: libraries that nobody has, interfaces that do not meet."""

from __future__ import annotations

from torchsmith.binaries.abi import importable
from torchsmith.model.finding import Severity
from torchsmith.model.inspection import Entry, Remark
from torchsmith.model.pattern import pattern
from torchsmith.model.versions import at_least, major

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from torchsmith.model.library_needs import LibraryNeeds, Mixed

SHOWN = 8
"""Names in a sentence; the evidence has them all."""

_CUDART = pattern(r"(?:libcudart(?:[-.][0-9a-f]{8,64})?\.so\.|cudart64_)(\d{1,2}(?:\.\d+)?)\d*(?:\.dll)?")


def cuda_runtime(needed: Iterable[str]) -> str | None:
    """The CUDA runtime that the names of needed libraries tell: ``13`` of ``libcudart.so.13``, ``11.0`` of older ones."""
    return next((matched[1] for name in needed if (matched := _CUDART.fullmatch(name))), None)


def missing_libraries(needs: LibraryNeeds, entries: Iterable[Entry]) -> Iterator[Remark]:
    """One remark for each library that nothing answers, with all that need it.

    It blocks where torch cannot be imported without it, and harms where an extension module cannot. What only keeps a plug-in
    from being opened, and what the driver brings, is good to know. What is answered once torch was imported is no fault.
    """
    modules = {entry.path for entry in entries if entry.binary and entry.binary.abi.python}
    for lost in needs.missing:
        if lost.after_torch:
            continue
        who = lost.stops or lost.needed_by
        severity = (
            Severity.BLOCKER
            if lost.name in needs.torch_fails
            else Severity.NOTE
            if lost.later or "driver" in lost.note or modules.isdisjoint(who)
            else Severity.DEGRADED
        )
        packages = (("pip", lost.pip), ("Debian", lost.debian), ("Fedora", lost.fedora))
        named = " or ".join(f"{name} ({where})" for where, name in packages if name)
        brings = lost.note or (f"{named} brings it" if named else "")
        yield Remark(
            "missing-library",
            severity,
            lost.name,
            (f"{lost.fault}" if lost.fault else f"{lost.name} is nowhere that the loader looks")
            + f"; {_listed(who)} need{'s' if len(who) == 1 else ''} it"
            + (f"; {brings}" if brings else ""),
            (("needed by", ", ".join(lost.needed_by)), *(("lies elsewhere", path) for path in lost.elsewhere)),
        )


def machine_needs(needs: LibraryNeeds) -> Iterator[Remark]:
    """What the machine itself must have besides the environment, and how much of it the loader was not simulated for."""
    for condition in needs.conditions:
        by = f"{condition.by} {condition.since} or newer" if condition.since else condition.by
        count = len(condition.needed_by)
        yield Remark(
            "needed-of-the-machine",
            Severity.NOTE,
            condition.by,
            f"the machine must have: {by}, which {count} object{'s' if count != 1 else ''} need{'s' if count == 1 else ''}"
            f" ({_listed(condition.names)})",
            (("libraries", ", ".join(condition.names)), ("needed by", ", ".join(condition.needed_by))),
        )
    if needs.skipped:
        yield Remark(
            "loader-not-simulated",
            Severity.NOTE,
            "environment",
            f"{needs.skipped} objects need so much that it was not looked up what they would be given",
        )


def cut_files(entries: Iterable[Entry]) -> Iterator[Remark]:
    """Binaries that lost their end: what they lack says nothing about the build."""
    for entry in entries:
        if entry.binary and entry.binary.cut_short:
            yield Remark(
                "file-cut-short",
                Severity.BLOCKER if "/torch/" in entry.path else Severity.DEGRADED,
                entry.path,
                f"{entry.path.rpartition('/')[2]} ends before its own headers say: a copy or an installation that stopped early",
                (
                    ("size", f"{entry.binary.size} bytes"),
                    *((("damage", entry.binary.warnings[0]),) if entry.binary.warnings else ()),
                ),
            )


def unread_libraries(unread: Iterable[tuple[str, str]], torch: str) -> Iterator[Remark]:
    """Libraries of torch itself that are no binaries any more."""
    for path, reason in unread:
        if path.startswith(f"{torch}/"):
            name = path.rpartition("/")[2]
            yield Remark("unreadable-library", Severity.BLOCKER, path, f"torch's {name} cannot be read: {reason}")


def not_one_environment(folder: str, count: int) -> Remark:
    """What is said in place of the loader's answers for a folder of many environments."""
    return Remark(
        "loader-not-simulated",
        Severity.NOTE,
        folder,
        f"{count} objects are more than one environment has: what the loader picks is told when one of them is inspected",
    )


def mixed_libraries(found: Iterable[Mixed]) -> Iterator[Remark]:
    """Parts of one library in different versions, or two copies of one that must be alone, in one process."""
    for mixed in found:
        severe = mixed.component == "cudnn"
        yield Remark(
            "mixed-libraries",
            Severity.BLOCKER if severe else Severity.DEGRADED,
            mixed.component,
            f"{mixed.component}: {mixed.why}, loaded together by {_listed(mixed.objects)}",
            tuple((path, version or "version not told") for path, version in mixed.files),
        )


def shadowed_libraries(entries: Iterable[Entry], library_path: Sequence[str]) -> Iterator[Remark]:
    """CUDA libraries that are taken from LD_LIBRARY_PATH although the object would have found another one."""
    seen: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for entry in entries:
        for need in entry.needs:
            if need.how == "LD_LIBRARY_PATH" and need.shadowed:
                seen.setdefault((need.found, need.shadowed), []).append(entry.path)
    for (taken, others), paths in seen.items():
        yield Remark(
            "shadowed-library",
            Severity.NOTE,
            taken,
            f"LD_LIBRARY_PATH gives {_listed(paths)} {taken} in place of {others[0]}",
            (("taken", taken), *(("shadowed", other) for other in others), ("LD_LIBRARY_PATH", ":".join(library_path))),
        )


def python_abi(entries: Iterable[Entry], tag: str) -> Iterator[Remark]:
    """Extension modules that this interpreter (``cp311``) will not import, where no other file of that name replaces them."""
    unfit: dict[str, list[str]] = {}
    fit: set[str] = set()
    for entry in entries:
        made = entry.binary.abi.python if entry.binary else None
        if not made:
            continue
        if importable(made, tag):
            unfit.setdefault(made, []).append(entry.path)
        else:
            fit.add(_module(entry.path))
    for made, found in unfit.items():
        paths = [path for path in found if _module(path) not in fit]  # a package may have a module for each Python
        if paths:
            yield Remark(
                "python-abi-mismatch",
                Severity.DEGRADED,
                paths[0],
                f"{_listed(paths)}: {importable(made, tag)}",
                (("made for", made), ("interpreter", tag), ("files", ", ".join(paths))),
            )


def _module(path: str) -> str:
    """Folder and name of an extension module, without what says for which Python it is."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}"


def numpy_abi(entries: Iterable[Entry], numpy: str | None) -> Iterator[Remark]:
    """Extensions made with NumPy 1 headers beside NumPy 2, and the reverse; ``numpy`` is the installed version."""
    if numpy is None:
        return
    unfit = "1" if major(numpy) >= 2 else "2"
    paths = [entry.path for entry in entries if entry.binary and entry.binary.abi.numpy == unfit]
    if paths:
        made = "NumPy 1 headers and fails" if unfit == "1" else "NumPy 2 alone and fails"
        yield Remark(
            "numpy-abi-mismatch",
            Severity.DEGRADED,
            "package:numpy",
            f"{_listed(paths)} {'were' if len(paths) > 1 else 'was'} built with {made} on the installed NumPy {numpy}",
            (("numpy", numpy), ("files", ", ".join(paths))),
        )


def glibc_floor(entries: Iterable[Entry], libc: str, version: str) -> Iterator[Remark]:
    """Objects that need a newer glibc than this machine has."""
    if libc != "glibc" or not version:
        return
    beyond = [(entry, entry.binary.abi.glibc) for entry in entries if entry.binary and entry.binary.abi.glibc]
    failing = [(entry.path, floor) for entry, floor in beyond if floor and not at_least(version, floor)]
    if failing:
        highest = max((floor for _, floor in failing), key=lambda floor: [int(part) for part in floor.split(".")])
        yield Remark(
            "glibc-too-old",
            Severity.BLOCKER if any("/torch/lib/" in path for path, _ in failing) else Severity.DEGRADED,
            "machine",
            f"{_listed([path for path, _ in failing])} need{'s' if len(failing) == 1 else ''} glibc {highest}; here is {version}",
            (("glibc", version), ("needed", highest)),
        )


def gpu_coverage(entry: Entry | None) -> Iterator[Remark]:
    """GPUs that the main object has no code for."""
    for one in entry.runs_on if entry else ():
        if one.how == "no" and entry:
            yield Remark(
                "no-gpu-code",
                Severity.BLOCKER,
                one.gpu,
                f"{one.gpu} ({one.compute_capability}) cannot run {entry.path.rpartition('/')[2]}: {one.why}",
                (("kernel groups", f"{one.none} of {one.total} have no code for {one.compute_capability}"),),
            )


def _listed(paths: Sequence[str]) -> str:
    names = [path.rpartition("/")[2] for path in paths]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
