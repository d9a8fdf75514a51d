"""A plan file against what its question gives here and now: the same, or what has changed since, by name."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.model.errors import StaleError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.app.plan_file import Kept

ESTIMATES = frozenset({"users", "download_bytes", "disk_bytes", "minutes", "notes", "shown"})
"""What may differ, from one terminal to the next too: it is shown as it is now, and nothing is done by it."""
_SHOWN = 4
"""So many differences are told."""

_ENVIRONMENT = (
    ("prefix", "the environment is"),
    ("python", "its Python is"),
    ("kind", "its kind is"),
    ("manager", "it is changed by"),
)


def refuse_a_changed(kept: Kept, rests_on: dict[str, Any], carried_out: dict[str, Any]) -> None:
    """Nothing, where the plan is what comes of its question now.

    Raises:
        StaleError: it is not; the message names what differs.

    """
    changed = list(_facts(kept.rests_on, rests_on))
    if not changed and _fixed(kept.carried_out) == _fixed(carried_out):
        return
    if not changed:
        changed = [f"torchsmith is {__version__}, and the plan was made by {kept.made_by[:20]}"] * (kept.made_by != __version__)
        changed += _outcome(kept.carried_out, carried_out)
        if not changed:
            changed = ["it holds something else than what its own question gives here: somebody altered it"]
    more = f", and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
    raise StaleError(f"`{kept.path}` is not carried out: {'; '.join(changed[:_SHOWN])}{more}. Write the plan anew and read it")


def _facts(before: Any, now: dict[str, Any]) -> Iterator[str]:
    """What the machine, the environment and the project have become."""
    if not isinstance(before, dict):
        yield "it does not say what it rests on"
        return
    there = _within(before, "environment")
    if bool(there) != bool(now["environment"]):
        gone = f"the environment {_told(_within(there, 'prefix'))} is gone, or its Python does not start"
        yield gone if there else f"there is an environment now, {_told(_within(now, 'environment', 'prefix'))}"
        return
    for name, word in _ENVIRONMENT:
        old, new = _within(before, "environment", name), _within(now, "environment", name)
        if old != new:
            yield f"{word} {_told(new)}, it was {_told(old)}"
    if before.get("torch") != now["torch"]:
        yield f"torch is {_torch(now['torch'])}, it was {_torch(before.get('torch'))}"
    for name, word in (("driver", "the driver is"), ("gpus", "the GPUs are"), ("assumed", "assumed is")):
        if before.get(name) != now[name]:
            yield f"{word} {_told(now[name])}, it was {_told(before.get(name))}"
    yield from _files(before.get("project"), now["project"])


def _files(before: Any, now: Any) -> Iterator[str]:
    old = before if isinstance(before, dict) else {}
    new = now if isinstance(now, dict) else {}
    if old.get("folder") != new.get("folder"):
        yield f"the project is {_told(new.get('folder'))}, it was {_told(old.get('folder'))}"
        return
    was, are = old.get("files"), new.get("files")
    was, are = was if isinstance(was, dict) else {}, are if isinstance(are, dict) else {}
    for name in sorted({*was, *are}, key=str):
        if name not in are:
            yield f"{_told(name)} is gone"
        elif name not in was:
            yield f"{_told(name)} is new"
        elif was[name] != are[name]:
            yield f"{_told(name)} has changed"


def _outcome(before: Any, now: dict[str, Any]) -> Iterator[str]:
    """What comes of the question, where the facts are the same: other tables, other files, or an alteration."""
    old = before if isinstance(before, dict) else {}
    if old.get("option") != now["option"]:
        yield f"the option is now {_option(now['option'])}, it was {_option(old.get('option'))}"
    if old.get("status") != now["status"]:
        yield f"it is now {now['status']}{': ' + now['problem'] if now['problem'] else ''}"
    was, are = old.get("transaction"), now["transaction"]
    if not isinstance(was, dict) or not isinstance(are, dict):
        return
    if _before(was) != _before(are):
        yield f"{_told(_within(are, 'environment', 'prefix'))} has changed"
    paths = [action.get("path") for made in (was, are) for action in _actions(made) if action.get("type") == "edit-file"]
    for name in sorted({path for path in paths if isinstance(path, str)}):
        if _edit(was, name) != _edit(are, name):
            yield f"what is done to {name[:200]} differs"
    if [action.get("argv") for action in _actions(was)] != [action.get("argv") for action in _actions(are)]:
        yield "the commands differ"


def _fixed(carried_out: Any) -> Any:
    """Without the estimates."""
    if not isinstance(carried_out, dict) or not isinstance(carried_out.get("transaction"), dict):
        return carried_out
    kept = {name: value for name, value in carried_out["transaction"].items() if name not in ESTIMATES}
    return {**carried_out, "transaction": kept}


def _actions(made: dict[str, Any]) -> list[dict[str, Any]]:
    found = made.get("actions")
    return [action for action in found if isinstance(action, dict)] if isinstance(found, list) else []


def _before(made: dict[str, Any]) -> Any:
    return next((action.get("before") for action in _actions(made) if action.get("type") == "change-environment"), None)


def _edit(made: dict[str, Any], path: str) -> Any:
    return next((action for action in _actions(made) if action.get("path") == path), None)


def _within(told: Any, *names: str) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _torch(told: Any) -> str:
    return f"{_told(_within(told, 'version'))}" if told else "not installed"


def _option(told: Any) -> str:
    if not isinstance(told, dict):
        return "none"
    return f"torch {_told(told.get('torch'))}+{_told(told.get('build'))} by {_told(told.get('approach'))}"


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_told(item) for item in value[:8]) or "nothing"
    return "nothing" if value is None else str(value)[:200]
