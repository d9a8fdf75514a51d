"""Whether the environment that would change is the one that is meant: named, active or this folder's, or only found."""

from __future__ import annotations

from torchsmith.model.facts.python import Environment, Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.app.apply import Looked
    from torchsmith.model.transaction import Transaction

ON_PATH = " on PATH"
"""How the word ends for an environment that PATH alone leads to."""


def refusal(looked: Looked, made: Transaction, *, chosen: bool) -> str:
    """Why it is not changed without a person's word; empty where it is meant. ``chosen``: a person has seen the plan."""
    if chosen or looked.asked.option or looked.asked.approach:
        return ""
    if looked.situation.torch is None and (found := _by_path(looked, made)):
        return (
            f"{found}: neither active nor of this folder, and without torch. To have one in this folder: `uv venv` or"
            f" `python3 -m venv .venv`, then ask again; to change that one all the same: `--python {_prefix(looked)}`"
        )
    if other := _another(looked, made):
        return f"{other}. Without `--python` that one is made; `--approach` and `--option` choose another way"
    return ""


def note(looked: Looked, made: Transaction) -> tuple[str, ...]:
    """What a person has to know of it."""
    return tuple(filter(None, (_by_path(looked, made), _another(looked, made))))


def _by_path(looked: Looked, made: Transaction) -> str:
    found = looked.situation.environment
    if not isinstance(found, Environment) or not found.found_by.endswith(ON_PATH) or not _same(looked, made):
        return ""
    return f"{_prefix(looked)} is only what {found.found_by} leads to"


def _another(looked: Looked, made: Transaction) -> str:
    """An environment is named, and another one made."""
    place = made.environment
    if not looked.asked.python or place is None or not place.create or not _prefix(looked) or _same(looked, made):
        return ""
    return f"`--python` names {_prefix(looked)}, which stays as it is: this would make another environment, {place.prefix}"


def _same(looked: Looked, made: Transaction) -> bool:
    return made.environment is not None and made.environment.prefix == _prefix(looked)


def _prefix(looked: Looked) -> str:
    have = looked.situation.interpreter
    return have.prefix if isinstance(have, Interpreter) else ""
