"""What was asked, in the words of the command line: kept in a plan file, and asked again before a plan is carried out."""

from __future__ import annotations

from torchsmith.model.choice import EVERYDAY, GOALS
from torchsmith.model.errors import UsageError
from torchsmith.model.record import plain, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice, Option, Wishes
    from torchsmith.model.known import Fact

HARMLESS = frozenset({"gpu", "driver", "cpu", "ram", "disk", "toolkit", "container", "variable"})
"""Assumptions under which this machine can be changed: they say what it is to work with, not what is changed."""
_LISTS = ("need", "keep", "assume")
LONGEST = 4096
"""Characters of one word of a question: so long a path may be."""


@record
class Asked:
    """One question. ``python`` is ``--python``, empty where the environment was found.

    ``option`` is the number of an option, ``approach`` the name of one; without either the first option is meant.
    ``remove_stale_paths``: folders of other CUDA versions go from the user's PATH.
    """

    goal: str = GOALS[0]
    need: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    torch: str = ""
    no_admin: bool = False
    offline: bool = False
    python: str = ""
    assume: tuple[str, ...] = ()
    option: int = 0
    approach: str = ""
    remove_stale_paths: bool = False


def of(options: argparse.Namespace) -> Asked:
    """The question of a command line."""
    return Asked(
        options.goal,
        tuple(options.need),
        tuple(options.keep),
        options.torch,
        options.no_admin,
        options.offline,
        options.python or "",
        tuple(options.assume),
        getattr(options, "option", None) or 0,
        getattr(options, "approach", None) or "",
        bool(getattr(options, "remove_stale_paths", False)),
    )


def document(asked: Asked) -> dict[str, Any]:
    """The question as JSON."""
    told: dict[str, Any] = plain(asked)
    return told


def from_document(told: Any) -> Asked:
    """The question that a plan file holds.

    Raises:
        UsageError: it is none.

    """
    if not isinstance(told, dict) or told.keys() != document(Asked()).keys():
        raise UsageError("`asked` is not the question of a plan")
    for name, default in document(Asked()).items():
        value = told[name]
        fits = isinstance(value, list) and all(isinstance(word, str) for word in value) if name in _LISTS else None
        if fits is False or (fits is None and type(value) is not type(default)):
            raise UsageError(f"`asked` is not the question of a plan: `{name}` is not what it should be")
        words = value if isinstance(value, list) else [value]
        if any(isinstance(word, str) and (len(word) > LONGEST or "\0" in word) for word in words):
            raise UsageError(f"`asked` is not the question of a plan: `{name}` is longer than a path, or holds a zero byte")
    if told["goal"] not in {*GOALS, *EVERYDAY} or not 0 <= told["option"] < 10**6:
        raise UsageError("`asked` is not the question of a plan")
    kept: dict[str, Any] = {name: tuple(value) if name in _LISTS else value for name, value in told.items()}
    return Asked(**kept)


def wishes(asked: Asked) -> Wishes:
    """What is wished for of the decision.

    Raises:
        UsageError: a requirement or a version that cannot be read.

    """
    from torchsmith.app import wishes as reading

    return reading.of(replace(asked, goal=GOALS[0]) if asked.goal in EVERYDAY else asked)


def here(asked: Asked, host: Host) -> tuple[Host, dict[str, Fact[Any]]]:
    """This machine, and what is taken as given of it; its own system may be named, as nothing new.

    Raises:
        UsageError: another machine is meant, or what would be changed is assumed instead of being looked at.

    """
    from torchsmith.app import asked as asking
    from torchsmith.host.local import LocalHost

    if not isinstance(host, LocalHost):
        raise UsageError("a plan is carried out on the machine that it is for")
    kept = []
    for item in asked.assume:
        name, _, value = (part.strip().lower() for part in item.partition("="))
        if name in {"os", "arch"}:
            _same(name, value, item, host)
        elif name not in HARMLESS:
            raise UsageError(
                f"`--assume {item}`: what is changed is what is here; {', '.join(sorted(HARMLESS))} may be assumed with `apply`"
            )
        else:
            kept.append(item)
    there, assumed = asking.evidence(host, None, asked.python or None, kept)
    _is_there(asked.python, assumed, host)
    return there, assumed


def _is_there(named: str, assumed: Mapping[str, Fact[Any]], host: Host) -> None:
    """What is named with ``--python`` is an interpreter, or an environment, be it one that lost its Python."""
    from torchsmith.model.facts.python import Target
    from torchsmith.model.known import Known

    target = assumed.get("target")
    if not named or not isinstance(target, Known) or not isinstance(target.value, Target):
        return
    path = target.value.python
    about = host.stat(path)
    folder = isinstance(about, Known) and about.value.kind == "dir"
    if not isinstance(about, Known):
        raise UsageError(f"`--python {named}`: there is no such interpreter, and no such environment")
    if folder and not any(host.exists(f"{path}/{mark}") for mark in ("pyvenv.cfg", "conda-meta")):
        raise UsageError(f"`--python {named}`: this folder is no environment")


def _same(name: str, value: str, item: str, host: Host) -> None:
    from torchsmith.app import assume
    from torchsmith.model.known import Known
    from torchsmith.probes import machine

    found = machine.machine(host)
    if not isinstance(found, Known):
        raise UsageError(f"`--assume {item}`: nobody can tell what this machine is, so the plan cannot be carried out here")
    system = "wsl" if found.value.wsl else found.value.os
    have, wanted = (system, value) if name == "os" else (found.value.arch, assume.ARCHES.get(value, value))
    if wanted != have and not (name == "os" and (wanted, have) == ("linux", "wsl")):
        raise UsageError(f"`--assume {item}`: this machine is {have}; carry the plan out on the machine that it is for")


def is_elsewhere(asked: Asked) -> bool:
    """Whether it is asked of another machine than this one, or of an environment that is not here."""
    return any(item.partition("=")[0].strip().lower() not in HARMLESS for item in asked.assume)


def picked(choice: Choice, asked: Asked) -> Option | None:
    """The option that is meant; None where there is none at all.

    Raises:
        UsageError: the number or the approach is not among them.

    """
    if asked.option:
        found = next((option for option in choice.options if option.rank == asked.option), None)
        if found is None:
            raise UsageError(f"there is no option {asked.option}; `torchsmith plan` lists {_ranks(choice.options)}")
        if asked.approach and found.approach.name != asked.approach:
            raise UsageError(f"option {asked.option} is by {found.approach.name}, not by {asked.approach}: leave out one of both")
        return found
    if asked.approach:
        found = next((option for option in choice.options if option.approach.name == asked.approach), None)
        if found is None:
            names = ", ".join(dict.fromkeys(option.approach.name for option in choice.options))
            said = f"the approaches with an option are {names}" if names else "no approach has an option"
            raise UsageError(f"no option is by `{asked.approach}`; {said}; `torchsmith why-not {asked.approach}` says why")
        return found
    return next(iter(choice.options), None)


def _ranks(options: Sequence[Option]) -> str:
    return f"1 to {options[-1].rank}" if options else "none"
