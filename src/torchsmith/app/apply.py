"""``torchsmith apply``: a question, the decision, one option as a transaction, and the transaction carried out.

What is carried out was always made here and now: a plan file only says which question to ask and what has to come of it.
"""

from __future__ import annotations

import json

from torchsmith.act import target, tools
from torchsmith.app import meant, plan, question, taken_away
from torchsmith.choose import root_cause
from torchsmith.managers import transactions
from torchsmith.managers.base import CannotDo
from torchsmith.managers.edits.base import EditError
from torchsmith.model.choice import EVERYDAY
from torchsmith.model.errors import UnreadableInputError, UsageError
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.known import Known
from torchsmith.model.record import plain, record, replace
from torchsmith.model.transaction import Edit, Outcome, Shown, Transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torchsmith.act.registry import Registry
    from torchsmith.act.watch import Watch
    from torchsmith.app.plan_file import Kept
    from torchsmith.app.question import Asked
    from torchsmith.choose.situation import Situation
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice, Option, Place
    from torchsmith.model.diagnosis import Diagnosis

PROGRAMS = {
    "poetry": ("poetry",),
    "pdm": ("pdm",),
    "pipenv": ("pipenv",),
    "conda": ("conda", "mamba", "micromamba"),
    "mamba": ("mamba", "micromamba", "conda"),
    "pixi": ("pixi",),
}
"""The programs whose versions an approach has to know, beside uv."""
WRITTEN = frozenset({"docker", "nix", "flox", "source"})
"""Approaches that give files to be written and commands that are not torchsmith's to run."""
SETTINGS = frozenset({"env-vars", "user-path"})
"""Approaches that change variables of the user or of a project."""
ELSEWHERE = "elsewhere"
"""The status of a plan for another machine, in a plan file."""
BY_HAND = "add-to-pyproject.toml"
"""The name of lines that a person has to put into a file."""


@record
class Looked:
    """What was found and decided for one question, on this machine."""

    asked: Asked
    situation: Situation
    diagnosis: Diagnosis
    choice: Choice
    host: Host


@record
class Prepared:
    """An option that is ready to be carried out, or why it is not.

    ``status`` is ready, nothing (nothing is left to do), refused (``problem`` says why, ``shown`` what a person would run),
    or unsatisfied (no option does what was asked). ``files`` are the texts that the transaction was made from.
    """

    status: str
    option: Option | None = None
    transaction: Transaction | None = None
    files: Any = ()
    problem: str = ""
    shown: tuple[Shown, ...] = ()


def look(asked: Asked, host: Host) -> Looked:
    """Facts, diagnosis and decision.

    Raises:
        UsageError: another machine than this one is meant.

    """
    here, assumed = question.here(asked, host)
    situation, diagnosis = plan.look(here, assumed, question.wishes(asked))
    return Looked(asked, situation, diagnosis, plan.composed(situation, diagnosis, told=None), here)


def prepared(looked: Looked, option: Option | None, *, allow_root: bool = False, chosen: bool = False) -> Prepared:
    """The option as a transaction: complete, with what it rests on; ``chosen`` where a person named it who saw the others.

    Raises:
        UnreadableInputError: a file that it would change cannot be read or parsed.

    """
    if option is None:
        return Prepared("unsatisfied", problem=_why_none(looked.choice))
    place = _place(looked, option)
    named = bool(looked.asked.python) and place.environment is not None and not place.environment.changeable
    if named and place.environment is not None:
        why = f"this environment must not be changed: {place.environment.why_not}"
        return Prepared(
            "refused", option, problem=f"{why}. Without `--python` a new one is made in this folder", shown=by_you(option)
        )
    files = _files(option, place)
    try:
        made = transactions.made(option, place, files)
    except EditError as error:
        raise UnreadableInputError(f"a project file cannot be edited as it is: {error}") from None
    except CannotDo as reason:
        if option.approach.name not in WRITTEN or not (option.files or option.commands):
            return Prepared("refused", option, problem=str(reason), shown=by_you(option))
        made = _written(option, place.here, str(reason))
    files = {**target.texts(edit.path for edit in made.edits), **files}
    if made.empty:
        status = "refused" if made.shown else "nothing"
        why = "none of this is torchsmith's to run" if made.shown else ""
        return Prepared(status, option, made, files, why, made.shown)
    status, why = ("", "") if chosen else taken_away.held(looked, option, made)
    if status:
        return Prepared(status, option, problem=why)
    if other := meant.refusal(looked, made, chosen=chosen):
        return Prepared("refused", option, problem=other)
    ready = Prepared("ready", option, completed(made, option, looked), files)
    return refused_to_root(_possible(ready), allow_root=allow_root)


def _why_none(choice: Choice) -> str:
    """What excludes every option, and what would have to change, in a sentence or two."""
    because = [reason.because for conflict in choice.conflicts[:1] for reason in conflict.reasons[:3]]
    together = "these do not go together: " if len(because) > 1 else ""
    would = [f". A way out: {', and '.join(repair.changes)}" for repair in choice.repairs[:1]]
    return (
        f"no option does here what was asked{': ' if because else ''}{together}{'; '.join(because)}{''.join(would)}. "
        "More: torchsmith plan"
    )


def _possible(ready: Prepared) -> Prepared:
    """Refused where it could not be carried out."""
    from torchsmith.act import preflight

    made = ready.transaction
    if made is None:
        return ready
    led = tools.led_elsewhere(made)
    problems = (*_links(made), *preflight.problems(made, registry()), *([led] if led else []))
    if problems and ready.option is not None:
        # What needs an environment of its own is not to be put into this one by hand either.
        mine = () if any("make an environment" in problem for problem in problems) else by_you(ready.option)
        return replace(ready, status="refused", problem="; ".join(problems), shown=mine)
    return ready


def _links(made: Transaction) -> Iterator[str]:
    """Project files that are links: a program that runs on a copy of the folder follows them to what is not changed yet."""
    folders = {run.folder.rstrip("/") for run in made.runs if run.folder}
    for edit in made.edits:
        if any(edit.path.startswith(f"{folder}/") for folder in folders) and (real := target.link(edit.path)):
            yield f"`{edit.path}` is a symbolic link to `{real}`: put the file itself in its place, then ask again"


def refused_to_root(ready: Prepared, *, allow_root: bool) -> Prepared:
    """Root changes nothing of another user's, where it would leave files of its own."""
    made, option = ready.transaction, ready.option
    foreign = target.of_another_user(_touched(made)) if made and ready.status == "ready" else ""
    if not foreign or option is None or made is None:
        return ready
    if allow_root:
        told = f"{foreign}, and this is root: what is new will be root's, `.torchsmith` with what is kept in it too"
        return replace(ready, transaction=replace(made, notes=tuple(dict.fromkeys((told, *made.notes)))))
    why = f"{foreign}, and this is root: it would be left with files of root's. Run it as that user, or add --allow-root"
    return replace(ready, status="refused", problem=why, shown=by_you(option))


def completed(made: Transaction, option: Option, looked: Looked) -> Transaction:
    """With what only the machine knows: the environment's fingerprint and users, and the estimates of the decision."""
    place = made.environment
    expected = made.expected
    gpus = looked.diagnosis.facts.get("gpus")
    seen = isinstance(gpus, Known) and isinstance(gpus.value, Gpus) and bool(gpus.value)
    if expected.gpu and (not seen or not isinstance(gpus, Known) or gpus.source.startswith("assumed")):
        expected = replace(expected, gpu=False)
    from torchsmith.report import choice_words

    # What the option takes says nothing of the packages beside it.
    estimated = None if looked.asked.goal in EVERYDAY else option
    return replace(
        made,
        title=choice_words.named(option) if made.title == transactions.title(option) else made.title,
        expected=expected,
        notes=(*meant.note(looked, made), *taken_away.note(looked, option, made), *made.notes),
        fingerprint=made.fingerprint or (target.fingerprint(place.prefix) if place else ""),
        users=made.users or (target.users(place.prefix) if place else ()),
        download_bytes=_given(made.download_bytes, estimated, "download_bytes"),
        disk_bytes=_given(made.disk_bytes, estimated, "disk_bytes"),
        minutes=_given(made.minutes, estimated, "minutes"),
    )


def by_you(option: Option) -> tuple[Shown, ...]:
    """The commands of an option as a person would run them."""
    return tuple(Shown(command, "") for command in option.commands)


def remedies(diagnosis: Diagnosis) -> tuple[Shown, ...]:
    """What cures the root cause where no torch does: shown, never run."""
    cause = root_cause.cause(diagnosis)
    if cause is None or not cause.remedies:
        return ()
    first = cause.remedies[0]
    return tuple(Shown(command, first.title) for command in first.commands) or (Shown((), first.title),)


def ill(looked: Looked, ready: Prepared | None = None) -> bool:
    """Whether something is wrong that no option cures; that no GPU is to be seen is none of it where torch stays for one."""
    from torchsmith.report import choice_words

    if ready is not None and ready.status == "nothing" and ready.problem and taken_away.only_unseen(looked):
        return False
    return root_cause.left(looked.diagnosis, kept=choice_words.kept(looked.choice))


def carry_out(ready: Transaction, watch: Watch) -> Outcome:
    """Carry it out, verified before and after it takes the place of what is there."""
    from torchsmith.act import store, transaction, verify

    return transaction.carry_out(ready, store.opened(), verify.verify, watch, registry())


def in_old_shells(ready: Prepared) -> tuple[str, ...] | None:
    """The programs that this one was started from, where variables changed that they do not see; else None."""
    made = ready.transaction
    if made is None or ready.option is None or ready.option.approach.name not in SETTINGS:
        return None
    prefix = made.environment.prefix if made.environment else ""
    outside = [edit.path for edit in made.edits if not (prefix and edit.path.startswith((f"{prefix}/", f"{prefix}\\")))]
    if not (outside or made.registry):
        return None
    from torchsmith.act import fresh_shell

    return tuple(fresh_shell.parents())


def tidy() -> None:
    """Delete what earlier runs left to be deleted, after the answer was given."""
    from torchsmith.act import generations, store

    generations.sweep(store.opened())


def _place(looked: Looked, option: Option) -> Place:
    """Where it is carried out: here, whatever was assumed of what it is to work with."""
    place = plan.place_of(looked.situation, looked.diagnosis, looked.choice.shell)
    folders = looked.host.folders()
    here = str(folders.value["cwd"]) if isinstance(folders, Known) else ""
    names = dict.fromkeys(("uv", *PROGRAMS.get(option.approach.name, ())))
    found = ((name, tools.find(name)) for name in names)
    at_hand = tuple((name, tool.version) for name, tool in found if tool)
    alone = tools.pip_alone()
    if option.approach.name not in SETTINGS and not looked.asked.python and place.environment is not None:
        # A Python without an environment of its own is nobody's to change, whoever may write to it.
        place = replace(place, fresh=place.fresh or place.environment.kind == "system")
    place = replace(place, elsewhere=False, here=here, tools=at_hand, pip_alone=alone, goal=looked.asked.goal)
    if option.approach.name not in SETTINGS:
        return place
    from torchsmith.app import settings

    place = replace(place, remove_stale=looked.asked.remove_stale_paths)
    return settings.seen(looked.host, place, registry())


def registry() -> Registry | None:
    """Where Windows keeps the settings of this user; None elsewhere."""
    from torchsmith.act import registry as port

    return port.WindowsRegistry() if target.on_windows() else None


def _files(option: Option, place: Place) -> dict[str, str]:
    """The files that the manager wants to read; what stands in one may lead to the next."""
    files: dict[str, str] = {}
    asked: set[str] = set()
    while more := [path for path in transactions.wanted(option, place, files) if path not in asked]:
        asked.update(more)
        files |= target.texts(more)
    return files


def _written(option: Option, folder: str, why: str) -> Transaction:
    """Files that an approach gives, as edits, and its commands, which are not ours to run."""
    paths = {f"{folder.rstrip('/')}/{name}": text for name, text in option.files if name != BY_HAND}
    present = target.texts(paths)
    edits = tuple(
        Edit(path, transactions.digest(present[path]) if path in present else None, text, f"of {option.approach.title}")
        for path, text in paths.items()
        if present.get(path) != text
    )
    return Transaction(transactions.title(option), edits=edits, shown=by_you(option), notes=(*option.notes, why))


def _touched(made: Transaction) -> tuple[str, ...]:
    place = made.environment
    return (
        *((place.prefix,) if place else ()),
        *(edit.path for edit in made.edits),
        *(run.folder for run in made.runs if run.folder),
    )


def _given(known: int | None, option: Option | None, criterion: str) -> int | None:
    if known is not None or option is None:
        return known
    shown = next((cell.shown for cell in option.scores if cell.criterion == criterion), None)
    return int(shown) if isinstance(shown, int | float) and not isinstance(shown, bool) else None


# ---- as a plan file holds it


def carried_out(ready: Prepared) -> dict[str, Any]:
    """What ``apply`` would do, as a document."""
    from torchsmith.report import transaction_json

    option, made = ready.option, ready.transaction
    return {
        "status": ready.status,
        "problem": ready.problem or None,
        "option": {
            "rank": option.rank,
            "approach": option.approach.name,
            "torch": option.candidate.torch,
            "build": option.candidate.build,
            "python": option.candidate.python,
            "index": option.index,
            "packages": [plain(pin) for pin in option.packages],
        }
        if option
        else None,
        "transaction": transaction_json.document(made, ready.files) if made is not None else None,
    }


def kept(asked: Asked, host: Host) -> dict[str, Any]:
    """The same for a question, as ``plan --write`` keeps it.

    Raises:
        UsageError: there is no such option.

    """
    looked = look(asked, host)
    return carried_out(prepared(looked, question.picked(looked.choice, asked), allow_root=True))


def for_elsewhere() -> dict[str, Any]:
    """What a plan for another machine holds in its place."""
    return carried_out(Prepared(ELSEWHERE, problem="the plan is for another machine than this one"))


def again(kept: Kept, host: Host, *, allow_root: bool = False) -> tuple[Looked, Prepared]:
    """The plan file's question asked anew, and its option as it is now.

    Raises:
        StaleError: something else comes of it than what the file holds.
        UsageError: the plan was made for another machine.

    """
    from torchsmith.app import named_python, plan_file, stale

    if isinstance(kept.carried_out, dict) and kept.carried_out.get("status") == ELSEWHERE:
        raise UsageError(f"`{kept.path}` is for another machine than this one: make it on that machine, and carry it out there")
    if not allow_root and (stranger := target.whose_program(kept.asked.python)):
        raise UsageError(f"`{kept.path}` names an interpreter that is not yours: {stranger}; make the plan yourself")
    named_python.refuse_a_strangers(kept, host)
    looked = look(kept.asked, host)
    ready = prepared(looked, question.picked(looked.choice, kept.asked), allow_root=True)
    now = json.loads(json.dumps(carried_out(ready)))
    stale.refuse_a_changed(kept, plan_file.rests_on(looked.diagnosis.facts, looked.host), now)
    return looked, refused_to_root(ready, allow_root=allow_root)
