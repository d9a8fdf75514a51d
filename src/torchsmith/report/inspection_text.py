"""What a person reads of ``inspect``: the GPU code and whom it serves, what is missing or does not agree, then the objects."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.model.finding import Severity
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.words import listed, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.gpu_code import GpuCode
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.inspection import Entry, Identity, Inspection, Need, Remark, RunsOn

NARROW, WIDE = 40, 100
FEW_OBJECTS = 3
"""So many objects are shown in full; of more, what each one is takes a line."""
_BYTES = frozenset({"size", "unpacked", "bytes_read"})
FEW_NOTES, FEW_FILES = 3, 4
GROUPS_SHOWN = 6
_COLOURS = {Severity.BLOCKER: "31;1", Severity.DEGRADED: "33;1", Severity.NOTE: "36"}
_HOW = {"native": "32", "jit": "33", "no": "31;1"}


def render(found: Inspection, width: int = 80, colour: bool = False, verbose: bool = False) -> str:
    """The answer, at most ``width`` columns wide where words allow it."""
    page = Page(max(NARROW, min(WIDE, width)), colour)
    count = len(found.entries)
    where = found.environment or (found.entries[0].path if found.entries else "nothing")
    page.block(f"torchsmith {__version__}: {safe(where)}" + (f", {count} objects" if count != 1 else ""), "", "  ")
    if found.torch:
        page.block(_torch(found.torch), "  ")
    main = next((entry for entry in found.entries if entry.path == found.main), None)
    if main is not None and count > FEW_OBJECTS:
        page.gap()
        _main(page, main, found)
    _remarks(page, found, verbose)
    if count <= FEW_OBJECTS or verbose:
        for entry in found.entries:
            page.gap()
            _entry(page, entry, found, verbose)
    else:
        for entry in found.entries:
            if entry.binary is None:  # a wheel, an image: what it says of itself
                page.gap()
                _entry(page, entry, found, verbose)
        _lines(page, found, main)
    _unread(page, found, verbose)
    return page.text()


def _unread(page: Page, found: Inspection, verbose: bool) -> None:
    """What could not be read, files of one fault together."""
    reasons: dict[str, list[str]] = {}
    for path, reason in found.unread:
        reasons.setdefault(reason, []).append(path)
    for reason, paths in reasons.items():
        page.gap()
        shown = paths if verbose else paths[:FEW_NOTES]
        more = f" and {len(paths) - len(shown)} more" if len(paths) > len(shown) else ""
        named = ", ".join(safe(_short(path, found)) for path in shown)
        page.block(f"not read: {named}{more}: {safe(reason)}", "", "  ")


def _remarks(page: Page, found: Inspection, verbose: bool) -> None:
    """Faults in full; what is only good to know in a sentence, and many of one kind in one."""
    notes: dict[str, list[Remark]] = {}
    for remark in found.remarks:
        if remark.severity is Severity.NOTE and not verbose:
            notes.setdefault(remark.what, []).append(remark)
            continue
        page.gap()
        page.line(f"{page.paint(f'{remark.severity.value.upper():<8}', _COLOURS[remark.severity])} {remark.what}")
        page.block(safe(remark.summary), "  ")
        for name, value in remark.evidence:
            page.block(f"{safe(name)}: {safe(value)}", "    ", "      ")
    for what, alike in notes.items():
        page.gap()
        if len(alike) <= FEW_NOTES:
            for remark in alike:
                page.block(f"{safe(remark.summary)} ({what})", "note     ", "         ")
        else:
            subjects = ", ".join(safe(remark.subject) for remark in alike)
            page.block(f"{len(alike)} x {what}: {subjects}; --verbose says more of each", "note     ", "         ")


def _torch(torch: Identity) -> str:
    return safe(
        f"torch {torch.version}"
        + (f" | CUDA {torch.cuda}" if torch.cuda else "")
        + (f" | built for {' '.join(torch.declared)}" if torch.declared else "")
        + (f" | git {torch.git[:10]}" if torch.git else "")
    )


def _short(path: str, found: Inspection) -> str:
    """The path from site-packages on, or from the folder that was inspected."""
    for site in ("/site-packages/", "/dist-packages/"):
        _, mark, inside = path.rpartition(site)
        if mark:
            return inside
    return path.removeprefix(f"{found.environment}/") if found.environment else path


def _main(page: Page, entry: Entry, found: Inspection) -> None:
    code = entry.binary.gpu_code if entry.binary else None
    if code is not None:
        page.block(f"GPU code of {safe(_short(entry.path, found))}: {_kernels(code)} kernel groups", "", "  ")
        _code(page, code, alone=not _hidden_ptx(entry))
        _elsewhere(page, entry)
    _runs(page, entry.runs_on)


def _kernels(code: GpuCode) -> int:
    """Containers that hold a kernel: what a device link leaves behind is none."""
    return sum(group.count for group in code.groups if not group.stub)


def _hidden_ptx(entry: Entry) -> bool:
    """Whether PTX lies outside the usual sections, or may: those that were spared."""
    binary = entry.binary
    found = any(code.ptx for _, code in binary.gpu_code_elsewhere) if binary else False
    return found or any("not searched" in warning for warning in (binary.warnings if binary else ()))


def _code(page: Page, code: GpuCode, *, alone: bool) -> None:
    """The groups; what they lack is told only where they are all that the file has (``alone``)."""
    stubs = code.containers - _kernels(code)
    groups = [group for group in code.groups if not group.stub]
    for group in groups[:GROUPS_SHOWN]:
        page.block(" ".join((*group.sass, *group.ptx)) or "empty", f"  {group.count:>5} x ", "          ")
    if len(groups) > GROUPS_SHOWN:
        rest = sum(group.count for group in groups[GROUPS_SHOWN:])
        page.line(f"  {rest:>5} x {len(groups) - GROUPS_SHOWN} other sets (--json has them)")
    if stubs:
        page.line(f"  {stubs:>5} x without a kernel (left by the device link)")
    if code.ptx:
        page.block(f"PTX: {' '.join(code.ptx)}" + (f", ISA {code.ptx_isa}" if code.ptx_isa else ""), "  ", "    ")
    elif alone and code.sass and not any("lost" in warning for warning in code.warnings):
        page.block("no PTX: nothing in it can be compiled for a GPU of another kind", "  ", "    ")
    if code.lto:
        page.block(f"link-time code: {' '.join(code.lto)}", "  ", "    ")
    for warning in code.warnings:
        page.block(f"warning: {safe(warning)}", "  ", "    ")


def _elsewhere(page: Page, entry: Entry) -> None:
    for section, code in entry.binary.gpu_code_elsewhere if entry.binary else ():
        archs = " ".join((*code.sass, *code.ptx))
        page.block(f"apart from these, in {safe(section)}: {code.containers} x {archs}", "  ", "    ")


def _runs(page: Page, runs_on: tuple[RunsOn, ...]) -> None:
    for one in runs_on:
        how = page.paint(one.how, _HOW[one.how])
        page.block(f"{safe(one.gpu)} ({one.compute_capability}): {how}: {safe(one.why)}", "  ", "    ")


def _entry(page: Page, entry: Entry, found: Inspection, verbose: bool) -> None:
    binary = entry.binary
    page.line(safe(_short(entry.path, found)) + ("" if binary else f" ({safe(entry.kind)})"))
    if binary:
        _facts(page, entry, binary)
    for name, value in entry.about:
        if value in (None, "", [], {}, ()):
            continue
        many = isinstance(value, list | tuple) and len(value) > FEW_FILES and isinstance(value[0], dict) and not verbose
        shown = f"{len(value)}; --verbose lists them" if many else _phrase(name, value)
        page.block(f"{safe(name.replace('_', ' '))}: {shown}", "  ", "    ")
    if binary and binary.gpu_code:
        page.line(f"  GPU code: {_kernels(binary.gpu_code)} kernel groups")
        _code(page, binary.gpu_code, alone=not _hidden_ptx(entry))
    _elsewhere(page, entry)
    if binary and binary.hip_code:
        page.block(f"AMD GPU code: {_hip(entry)}", "  ", "    ")
    _runs(page, entry.runs_on)
    _needs(page, entry.needs, found, verbose)
    for warning in (*(binary.warnings if binary else ()), *entry.warnings):
        page.block(f"warning: {safe(warning)}", "  ", "    ")


def _facts(page: Page, entry: Entry, binary: BinaryObject) -> None:
    kind = {"elf": "ELF", "pe": "PE", "macho": "Mach-O"}.get(binary.format, binary.format)
    version = binary.file_version or (f"cuDNN {binary.cudnn}" if binary.cudnn else "")
    page.block(safe(listed(kind, binary.machine, size(binary.size), version, binary.compiler)), "  ", "    ")
    abi = binary.abi
    cxx = {True: "C++11 strings", False: "old C++ strings", None: ""}[abi.cxx11]
    numpy = {"1": "NumPy 1 only", "both": "NumPy 1 and 2", "2": "NumPy 2 only"}.get(abi.numpy or "", "")
    floors = listed(
        f"Python {abi.python}" if abi.python else "",
        numpy,
        f"glibc >= {abi.glibc}" if abi.glibc else "",
        f"GLIBCXX >= {abi.glibcxx}" if abi.glibcxx else "",
        f"macOS >= {abi.macos}" if abi.macos else "",
        cxx,
        f"pybind11 {abi.pybind11}" if abi.pybind11 else "",
        f"CUDA runtime {entry.cuda_runtime}" if entry.cuda_runtime else "",
        " ".join(abi.msvc),
    )
    if floors:
        page.block(safe(f"made for {floors}"), "  ", "    ")
    baseline = binary.cpu_baseline or ("not told" if binary.cpu_reason else "")
    if baseline:
        page.block(safe(f"processor: {baseline} ({binary.cpu_reason})"), "  ", "    ")
    if binary.rpath or binary.runpath:
        kind = "RUNPATH" if binary.runpath else "RPATH"
        page.block(safe(f"{kind} {binary.runpath or binary.rpath}"), "  ", "    ")


def _needs(page: Page, needs: tuple[Need, ...], found: Inspection, verbose: bool) -> None:
    sets = sum(need.how == "API set" for need in needs)
    for need in needs:
        if need.found:
            if (verbose or len(found.entries) <= FEW_OBJECTS) and (verbose or need.how != "API set"):
                place = "" if need.found == need.name else f": {_short(need.found, found)}"
                page.block(safe(f"needs {need.name}{place} [{need.how}]"), "  ", "    ")
            continue
        after = f"; after `import torch`: {_short(need.after_torch, found)}" if need.after_torch else ""
        brought = f" (package {need.provider})" if need.provider else ""
        page.block(safe(f"needs {need.name}: {need.how or 'not found'}{brought}{after}"), "  ", "    ")
    if sets and not verbose and len(found.entries) <= FEW_OBJECTS:
        page.line(f"  needs {sets} API sets, which are parts of Windows")


def _lines(page: Page, found: Inspection, main: Entry | None) -> None:
    """One line for each object that carries GPU code, and a count of the others."""
    carrying = [
        (entry, entry.binary.gpu_code) for entry in found.entries if entry.binary and entry.binary.gpu_code and entry is not main
    ]
    if carrying:
        page.gap()
        page.line("Other objects with GPU code, each by itself")
        for entry, code in carrying:
            archs = " ".join((*code.sass, *code.ptx))
            runs = "".join(f" [{one.compute_capability}: {one.how}]" for one in entry.runs_on)
            spared = (
                next((f"; {warning}" for warning in entry.binary.warnings if "not searched" in warning), "")
                if entry.binary
                else ""
            )
            many = f"{_kernels(code)} kernel groups, among them {archs}" if _kernels(code) else "no kernel in the usual sections"
            page.block(f"{safe(_short(entry.path, found))}: {many}{runs}{safe(spared)}", "  ", "    ")
    amd = [entry for entry in found.entries if entry.binary and entry.binary.hip_code]
    if amd:
        page.gap()
        page.line("Objects with AMD GPU code")
        for entry in amd:
            page.block(f"{safe(_short(entry.path, found))}: {_hip(entry)}", "  ", "    ")
    others = sum(entry.binary is not None for entry in found.entries) - len(carrying) - len(amd) - (main is not None)
    if others > 0:
        page.gap()
        more = " more" if carrying or amd or main else ""
        page.block(f"{others}{more} objects without GPU code; --verbose shows each one, --json has every fact", "", "  ")


def _hip(entry: Entry) -> str:
    code = entry.binary.hip_code if entry.binary else None
    return safe(f"{code.bundles} bundles: {' '.join(code.targets) or code.unknown}") if code else ""


def _phrase(name: str, value: object) -> str:
    """JSON-able data in words; a size in bytes as people say it, a file as its path and size."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and name in _BYTES:
        return size(value)
    if isinstance(value, dict) and "path" in value:
        extent = f" ({size(value['size'])})" if isinstance(value.get("size"), int) else ""
        return f"{safe(value['path'])}{extent}"
    if isinstance(value, dict):
        return ", ".join(f"{safe(key)} {_phrase(key, item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_phrase(name, item) for item in value)
    return "none" if value is None else safe(value)
