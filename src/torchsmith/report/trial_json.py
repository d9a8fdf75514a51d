"""The JSON of ``plan --trial``."""

from __future__ import annotations

import json

from torchsmith.model.record import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torchsmith.model.trial import Preview, Trial

SCHEMA_VERSION = 1


def document(report: Trial) -> dict[str, Any]:
    """Both environments side by side; null for what was not built or could not be measured."""
    return {
        "schema_version": SCHEMA_VERSION,
        "status": report.status,
        "problem": report.problem or None,
        "plan": _preview(report.preview) if report.preview else None,
        "build_seconds": None if report.seconds is None else round(report.seconds, 1),
        "bytes_on_disk": report.bytes_on_disk,
        "checks": [plain(check) for check in report.checks],
        "present": plain(report.present) if report.present else None,
        "candidate": plain(report.candidate) if report.candidate else None,
    }


def render(report: Trial) -> str:
    """The document as text."""
    return json.dumps(document(report), indent=2, ensure_ascii=True).replace("##[", "#\\u0023[") + "\n"


def _preview(preview: Preview) -> dict[str, Any]:
    candidate = preview.option.candidate
    return {
        "approach": preview.option.approach.name,
        "torch": candidate.torch,
        "build": candidate.build,
        "python": candidate.python,
        "index": preview.option.index,
        "requirements": list(preview.requirements),
        "tool": preview.tool,
        "folder": preview.folder,
        "download_bytes": preview.download,
        "free_bytes": preview.free,
    }
