"""``plan --write FILE``: the plan as a file, with what it rests on, so that ``apply`` can tell a stale or altered one."""

from __future__ import annotations

import json
import time
from hashlib import sha256

from torchsmith import __version__
from torchsmith.app import project as reading
from torchsmith.host.files import write_new
from torchsmith.host.redact import without_secrets
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.report import choice_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact

KIND = "torchsmith-plan"
LIMIT = 32 << 20
"""Bytes of a project file that are read for its hash; a longer one has none."""


def write(path: str, choice: Choice, diagnosis: Diagnosis, host: Host) -> None:
    """Keep the plan in a new file that its owner alone can read.

    Raises:
        UsageError: the file exists, or cannot be written.

    """
    write_new(path, json.dumps(document(choice, diagnosis.facts, host, _now()), indent=2) + "\n")


def document(choice: Choice, facts: Mapping[str, Fact[Any]], host: Host, created: str) -> dict[str, Any]:
    """The file's content: all but ``created`` is the same for the same machine, wishes and tables."""
    return {
        "schema_version": choice_json.SCHEMA_VERSION,
        "kind": KIND,
        "torchsmith": __version__,
        "created": created,
        "rests_on": rests_on(facts, host),
        "plan": choice_json.document(choice),
    }


def rests_on(facts: Mapping[str, Fact[Any]], host: Host) -> dict[str, Any]:
    """What has to be unchanged when the plan is carried out; ``identity`` is the hash of the rest."""

    def value(name: str, kind: type) -> Any:
        fact = facts.get(name)
        return fact.value if isinstance(fact, Known) and isinstance(fact.value, kind) else None

    interpreter, environment, torch = value("interpreter", Interpreter), value("environment", Environment), value("torch", Torch)
    driver, gpus, project = value("driver", Driver), value("gpus", Gpus), value("pasted_project", PastedProject)
    told: dict[str, Any] = {
        "environment": {
            "prefix": interpreter.prefix,
            "python": interpreter.version,
            "kind": environment.kind if environment else None,
            "manager": environment.manager if environment else None,
        }
        if interpreter
        else None,
        "torch": {"version": torch.version, "build": torch.build} if torch else None,
        "driver": driver.version if driver else None,
        "gpus": [device.name or f"GPU {device.index}" for device in gpus] if gpus is not None else None,
        "project": {"folder": project.folder, "files": _unchanged(project, host)} if project and project.folder else None,
        "assumed": sorted(
            {fact.source for fact in facts.values() if isinstance(fact, Known) and fact.source.startswith("assumed")}
        ),
    }
    told = _clean(told)
    return {**told, "identity": f"sha256:{sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()}"}


def _unchanged(project: PastedProject, host: Host) -> dict[str, str | None]:
    """The SHA-256 of each project file, which still says what the plan was made from.

    Raises:
        UsageError: a file was changed while the plan was made.

    """
    before = _hashes(project, host)
    if not any(before.values()):  # a folder that this host cannot see: nothing is attested
        return before
    now = reading.read(host, project.folder)
    if not isinstance(now, Known) or now.value != project or _hashes(project, host) != before:
        raise UsageError(f"the project files in `{project.folder}` changed while the plan was made; ask again")
    return before


def _hashes(project: PastedProject, host: Host) -> dict[str, str | None]:
    """The SHA-256 of each project file that was read; None where its bytes cannot be had."""
    return {name: _hash(host.read(f"{project.folder}/{name}", LIMIT)) for name in sorted(project.files)}


def _hash(fact: Fact[str]) -> str | None:
    if not isinstance(fact, Known) or "\ufffd" in fact.value or len(fact.value) >= LIMIT:
        return None
    return sha256(fact.value.encode("utf-8", "surrogatepass")).hexdigest()


def _clean(value: Any) -> Any:
    """Without credentials that a path or a source might hold."""
    if isinstance(value, dict):
        return {key: _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return without_secrets(value) if isinstance(value, str) else value


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
