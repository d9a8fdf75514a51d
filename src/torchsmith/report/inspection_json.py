"""The JSON of ``inspect``, to the letter of the contract."""

from __future__ import annotations

import json

from torchsmith import __version__
from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.gpu_code import GpuCode
    from torchsmith.model.inspected import BinaryObject
    from torchsmith.model.inspection import Entry, Inspection, Need, RunsOn

SCHEMA_VERSION = 1
_WORST_FIRST = ("no", "jit", "native")


def document(found: Inspection) -> dict[str, Any]:
    """The whole answer."""
    return {
        "schema_version": SCHEMA_VERSION,
        "torchsmith": __version__,
        "environment": found.environment or None,
        "torch": plain(found.torch),
        "objects": [_entry(entry) for entry in found.entries],
        "runs_on": _summary(found),
        "findings": [
            {
                "finding": remark.what,
                "severity": str(remark.severity),
                "subject": remark.subject,
                "summary": remark.summary,
                "evidence": dict(remark.evidence),
            }
            for remark in found.remarks
        ],
        "unread": [{"path": path, "reason": reason} for path, reason in found.unread],
    }


def render(found: Inspection) -> str:
    """The document as text; ASCII, so that no name in it can do anything to a terminal."""
    return json.dumps(document(found), indent=1, ensure_ascii=True) + "\n"


def _entry(entry: Entry) -> dict[str, Any]:
    binary = entry.binary
    shown: dict[str, Any] = {
        "path": entry.path,
        "format": entry.kind,
        "gpu_code": _code(binary.gpu_code if binary else None),
        "gpu_code_elsewhere": {name: _code(code) for name, code in (binary.gpu_code_elsewhere if binary else ())},
        "needs": [_need(need) for need in entry.needs],
        "cuda_runtime": entry.cuda_runtime,
        "cudnn": binary.cudnn if binary else None,
        "abi": _abi(binary, entry.torch_symbols),
        "cpu_baseline": binary.cpu_baseline if binary else None,
        "cpu_baseline_reason": (binary.cpu_reason if binary else "") or None,
        "runs_on": [_runs_on(one) for one in entry.runs_on],
        "warnings": [*(binary.warnings if binary else ()), *entry.warnings],
    }
    if binary is not None:
        shown |= _binary(binary)
    return shown | dict(entry.about)


def _binary(binary: BinaryObject) -> dict[str, Any]:
    """What the contract leaves open: fields of our own, which may grow."""
    return {
        "size": binary.size,
        "machine": binary.machine,
        "bits": binary.bits,
        "soname": binary.soname,
        "file_version": binary.file_version,
        "build_id": binary.build_id,
        "compiler": binary.compiler,
        "rpath": binary.rpath,
        "runpath": binary.runpath,
        "hip_code": plain(binary.hip_code),
        "places": {name: plain(place) for name, place in binary.places},
    }


def _code(code: GpuCode | None) -> dict[str, Any]:
    if code is None:
        return {"sass": [], "ptx": []}
    return {
        "sass": list(code.sass),
        "ptx": list(code.ptx),
        "lto": list(code.lto),
        "ptx_isa": code.ptx_isa,
        "containers": code.containers,
        "groups": [
            {"count": group.count, "sass": list(group.sass), "ptx": list(group.ptx), "stub": group.stub} for group in code.groups
        ],
        "warnings": list(code.warnings),
    }


def _need(need: Need) -> dict[str, Any]:
    return {
        "name": need.name,
        "found": need.found or None,
        "how": need.how or None,
        "provider": need.provider or None,
        "after_torch": need.after_torch or None,
        "shadowed": list(need.shadowed),
        "optional": need.optional,
    }


def _abi(binary: BinaryObject | None, symbols: Any) -> dict[str, Any]:
    names = ("python", "numpy", "glibc", "glibcxx", "cxx11", "pybind11", "msvc", "macos")
    found = {name: plain(getattr(binary.abi, name)) if binary else None for name in names}
    return found | {"torch": plain(symbols)}


def _runs_on(one: RunsOn) -> dict[str, Any]:
    return {
        "gpu": one.gpu,
        "compute_capability": one.compute_capability,
        "how": one.how,
        "containers": {"total": one.total, "native": one.native, "jit": one.jit, "none": one.none},
        "needs_driver_cuda": one.ptx_driver or None,
        "why": one.why,
    }


def _summary(found: Inspection) -> dict[str, Any] | None:
    """The answer of the main object: for the GPU that is served worst, and for each of them."""
    entry = next((entry for entry in found.entries if entry.path == found.main and entry.runs_on), None)
    if entry is None:
        return None
    worst = min(entry.runs_on, key=lambda one: _WORST_FIRST.index(one.how))
    return {"object": entry.path, **_runs_on(worst), "gpus": [_runs_on(one) for one in entry.runs_on]}
