"""``plan --write FILE``: the plan as a file, with what it rests on, so that ``apply`` can tell a stale or altered one.

The file is never carried out: it holds the question, and what came of it. ``apply`` asks again and compares.
"""

from __future__ import annotations

import json
import time
from hashlib import sha256

from torchsmith import __version__
from torchsmith.app import project as reading
from torchsmith.app import question
from torchsmith.host.files import read_input, write_new
from torchsmith.host.redact import without_secrets
from torchsmith.model.errors import StaleError, UnreadableInputError, UsageError
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.project import PastedProject
from torchsmith.model.facts.python import Environment, Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.model.record import record, replace
from torchsmith.report import choice_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.app.question import Asked
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact

KIND = "torchsmith-plan"
SCHEMA_VERSION = 2
"""Of the file; 1 had neither the question nor the transaction, and cannot be carried out."""
LIMIT = 32 << 20
"""Bytes of a project file that are read for its hash; a longer one has none."""
LONGEST = 16 << 20
DEEPEST = 40
"""Bytes of a plan file, and how deep its values may stand in each other."""
PARTS = frozenset({"schema_version", "kind", "torchsmith", "created", "asked", "rests_on", "plan", "carried_out", "hash"})
ACTIONS = frozenset({"create-environment", "change-environment", "edit-file", "run", "set-registry-value"})


@record
class Kept:
    """A plan file as it was read: its question, and the parts that have to come out again."""

    path: str
    asked: Asked
    made_by: str
    rests_on: Any
    carried_out: Any


def write(path: str, choice: Choice, diagnosis: Diagnosis, host: Host, asked: Asked, carried_out: Mapping[str, Any]) -> None:
    """Keep the plan in a new file that its owner alone can read.

    Raises:
        UsageError: the file exists, or cannot be written.

    """
    told = document(choice, diagnosis.facts, host, _now())
    told |= {"asked": _clean(question.document(_anywhere(asked))), "carried_out": carried_out}
    write_new(path, json.dumps({**told, "hash": digest(told)}, indent=2) + "\n")


def _anywhere(asked: Asked) -> Asked:
    """The interpreter by its whole path: the file means the same in every folder."""
    if not asked.python or question.is_elsewhere(asked):
        return asked
    from torchsmith.act import target
    from torchsmith.app import interpreter_path

    return replace(asked, python=target.absolute(interpreter_path.target(asked.python).value.python))


def document(choice: Choice, facts: Mapping[str, Fact[Any]], host: Host, created: str) -> dict[str, Any]:
    """The part that the facts give: all but ``created`` is the same for the same machine, wishes and tables."""
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": KIND,
        "torchsmith": __version__,
        "created": created,
        "rests_on": rests_on(facts, host),
        "plan": choice_json.document(choice),
    }


def digest(told: Mapping[str, Any]) -> str:
    """The hash of everything else in a plan file."""
    rest = {name: value for name, value in told.items() if name != "hash"}
    return f"sha256:{sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()}"


# ---- read again


def read(path: str) -> Kept:
    """A plan file, whose question can be asked again.

    Raises:
        UnreadableInputError: it cannot be read, or is no plan file of this version.
        StaleError: somebody changed it.

    """
    told = _parsed(path)
    if told.get("kind") != KIND:
        raise UnreadableInputError(f"`{path}` is no plan; `torchsmith plan --write FILE` writes one")
    if told.get("schema_version") != SCHEMA_VERSION:
        raise UnreadableInputError(
            f"`{path}` has the schema version {str(told.get('schema_version'))[:20]}, and this torchsmith carries out "
            f"{SCHEMA_VERSION}: write the plan anew"
        )
    if told.keys() != PARTS:
        odd = min(told.keys() ^ PARTS)[:60]
        raise StaleError(f"`{path}` was altered: it {'misses' if odd in PARTS else 'holds an unknown part,'} `{odd}`")
    _known_actions(path, told["carried_out"])
    if not isinstance(told["plan"], dict) or not isinstance(told["plan"].get("options"), list):
        raise StaleError(f"`{path}` was altered: it does not hold the plan that a person would read")
    if told["hash"] != digest(told):
        raise StaleError(f"`{path}` was altered after it was written: write the plan anew")
    try:
        asked = question.from_document(told["asked"])
    except UsageError as error:
        raise UnreadableInputError(f"`{path}`: {error}") from None
    return Kept(path, asked, str(told["torchsmith"]), told["rests_on"], told["carried_out"])


def _parsed(path: str) -> dict[str, Any]:
    data = read_input(path, LONGEST, plain=path != "-", too_long="no plan is that long: write it anew")
    if _depth(data) > DEEPEST:
        raise UnreadableInputError(f"`{path}` is no plan: its values stand deeper in each other than in any plan")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise UnreadableInputError(f"`{path}` was altered: a name stands twice in one place")
        return found

    def never(word: str) -> Any:
        raise UnreadableInputError(f"`{path}` is no plan: {word} is no JSON")

    try:
        told = json.loads(data, object_pairs_hook=once, parse_constant=never)
    except UnicodeDecodeError:
        raise UnreadableInputError(f"`{path}` is no plan: it is no UTF-8 text") from None
    except ValueError as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise UnreadableInputError(f"`{path}` is no plan: it is no JSON{where}") from None
    except RecursionError:
        raise UnreadableInputError(f"`{path}` is no plan: its values stand too deep in each other") from None
    if not isinstance(told, dict):
        raise UnreadableInputError(f"`{path}` is no plan; `torchsmith plan --write FILE` writes one")
    return told


def _depth(data: bytes) -> int:
    """How deep brackets stand in each other; those in texts count too, which makes it an upper bound for honest files."""
    deep = most = 0
    inside = escaped = False
    for byte in data:
        if inside:
            inside = escaped or byte != 0x22
            escaped = not escaped and byte == 0x5C
        elif byte == 0x22:
            inside, escaped = True, False
        elif byte in b"[{":
            deep += 1
            most = max(most, deep)
        elif byte in b"]}":
            deep -= 1
    return most


def _known_actions(path: str, carried_out: Any) -> None:
    """Only actions that this version knows, and no command that is one text.

    Raises:
        StaleError: there is another.

    """
    told = carried_out.get("transaction") if isinstance(carried_out, dict) else {}
    if told is None:
        return
    actions = told.get("actions") if isinstance(told, dict) else None
    if not isinstance(actions, list):
        raise StaleError(f"`{path}` was altered: what it carries out is not what a plan does")
    for action in actions:
        kind = action.get("type") if isinstance(action, dict) else None
        if not isinstance(kind, str) or kind not in ACTIONS:
            raise StaleError(f"`{path}` was altered: no plan has the action `{str(kind)[:60]}`")
        argv = action.get("argv", [])
        if not isinstance(argv, list) or not all(isinstance(word, str) for word in argv):
            raise StaleError(f"`{path}` was altered: a command is a list of words, never one text")


# ---- what it rests on


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
