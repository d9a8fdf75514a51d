"""A transaction for a person: all that it changes before it is agreed to, how it ended, and what was done in the past."""

from __future__ import annotations

from torchsmith.host.redact import without_secrets
from torchsmith.report import text, transaction_json
from torchsmith.report.escape import safe
from torchsmith.report.page import Page
from torchsmith.report.shell import quoted
from torchsmith.report.words import decimal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torchsmith.model.transaction import Edit, Outcome, Past, RegistryEdit, Run, Shown, Transaction

LINES = 60
"""So many lines of one file's difference are shown without ``--verbose``."""
USERS = 6
"""So many processes are named without ``--verbose``."""
LABEL = 13
NARROW_LABEL = 60
"""Below so many columns a label stands on a line of its own."""
_GOOD, _BAD, _ADDED, _REMOVED = "32;1", "31;1", "32", "31"
_HEADS = {
    "done": "Done",
    "nothing": "Nothing to do",
    "declined": "Nothing was changed",
    "refused": "Not carried out",
    "failed": "Failed: everything is as it was before",
    "undone": "Taken back",
    "cut": "Interrupted: everything is as it was before",
    "discarded": "Discarded: everything is as it was before",
}
_OURS = "TORCHSMITH_"
"""How variables begin that torchsmith tells itself."""
SHOWN = "By you: torchsmith never runs these"


def plan(
    made: Transaction, files: Mapping[str, str], shell: str, width: int = 80, colour: bool = False, verbose: bool = False
) -> str:
    """What would change, in full: nobody is asked to agree to something that is not shown.

    ``files`` are the texts that the edits were made from.
    """
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    page.block(f"{page.paint('Plan:', '1')} {safe(made.title)}", "", "  ")
    _environment(page, made, shell, verbose=verbose)
    if made.edits:
        page.gap()
        page.line("Files")
        for edit in made.edits:
            _edit(page, edit, files, verbose=verbose)
    if made.runs:
        page.gap()
        page.block("Commands, run on copies of the environment and of the project's files", "", "  ")
        for run in made.runs:
            _run(page, run, shell)
    if made.registry:
        page.gap()
        page.line("Settings of this user (registry)")
        for value in made.registry:
            _registry(page, value)
    shown(page, made.shown, shell)
    page.gap()
    for label, words in _rows(made):
        _row(page, label, words)
    return page.text()


def refusal(problem: str, commands: Sequence[Shown], shell: str, width: int = 80, colour: bool = False) -> str:
    """Why nothing is done, and what a person would do."""
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    page.block(f"{page.paint('Not carried out:', _BAD)} {safe(problem)}", "", "  ")
    shown(page, tuple(commands), shell)
    return page.text()


def shown(page: Page, commands: Sequence[Shown], shell: str) -> None:
    """Commands that are displayed with what they would do."""
    if not commands:
        return
    page.gap()
    page.line(SHOWN)
    told = ""
    for each in commands:
        if each.why and each.why != told:
            page.block(safe(each.why), "  ")
        told = each.why
        if each.argv:
            page.line("    " + command(each.argv, shell))


def command(argv: Sequence[str], shell: str) -> str:
    """A command as it is typed, without passwords in addresses."""
    return safe(quoted([without_secrets(word) for word in argv], shell))


def _environment(page: Page, made: Transaction, shell: str, *, verbose: bool) -> None:
    place = made.environment
    if place is None:
        return
    page.gap()
    if place.create:
        anew = bool(made.fingerprint)
        page.block(f"Makes {'the environment' if anew else 'a new environment,'} {safe(place.prefix)}{' anew' * anew}", "")
        takes_place = "takes the place of the former one in one step, which is kept" if anew else "is moved there in one step"
        page.block(f"It is built and verified apart, and {takes_place}.", "  ")
        page.line("    " + command(place.create, shell))
    elif made.runs:
        page.block(f"Changes the environment {safe(place.prefix)}", "")
        page.block("A copy of it is changed and verified, then put in its place in one step; the former one is kept.", "  ")
    for user in made.users if verbose else made.users[:USERS]:
        page.block(f"- in use by {safe(user)}", "  ", "    ")
    if len(made.users) > USERS and not verbose:
        page.line(f"  - and by {len(made.users) - USERS} more: --verbose")
    if made.users:
        page.block("Who runs now goes on with the old files until it ends.", "  ")


def _run(page: Page, run: Run, shell: str) -> None:
    if run.why:
        page.block(safe(run.why), "  ")
    page.line("    " + command(run.argv, shell))
    for name, value in run.variables:
        if name.startswith(_OURS):
            continue
        page.line(f"      with {safe(name)}={safe(without_secrets(value))}")
    if run.writes:
        page.block(f"writes {safe(', '.join(run.writes))}", "      ")


def _edit(page: Page, edit: Edit, files: Mapping[str, str], *, verbose: bool) -> None:
    what = "new file" if edit.before is None else "goes" if edit.text is None else "changed"
    page.block(f"{safe(edit.path)} ({what}): {safe(edit.why)}", "  ", "    ")
    lines = transaction_json.diff(edit, files)
    for line in lines if verbose else lines[:LINES]:
        code = _ADDED if line.startswith("+") else _REMOVED if line.startswith("-") else ""
        page.line("    " + (page.paint(safe(line), code) if code else safe(line)))
    if len(lines) > LINES and not verbose:
        page.line(f"    and {len(lines) - LINES} lines more: --verbose")


def _registry(page: Page, edit: RegistryEdit) -> None:
    page.block(f"HKEY_CURRENT_USER\\{safe(edit.key)}, {safe(edit.name)}: {safe(edit.why)}", "  ", "    ")
    for sign, pair, code in (("-", edit.before, _REMOVED), ("+", edit.after, _ADDED)):
        if pair is not None:
            page.line("    " + page.paint(f"{sign}{safe(pair[0])} {safe(without_secrets(pair[1]))}", code))


def _rows(made: Transaction) -> Iterator[tuple[str, tuple[str, ...]]]:
    if made.indexes:
        yield "From", tuple(without_secrets(index) for index in made.indexes)
    taken = takes(made)
    if taken:
        yield "Takes", (taken,)
    own = made.expected.torch
    wanted = [f"{name} {version}" for name, version in made.expected.packages if not (own and name == "torch")]
    wanted = [f"torch {own}", *wanted] if own else wanted
    checked = [*wanted, *(f"no {name}" for name in made.expected.absent), *(["torch sees the GPU"] if made.expected.gpu else [])]
    if checked:
        yield "Verified", (", ".join(checked),)
    if made.notes:
        yield "To know", tuple(without_secrets(note) for note in made.notes)
    yield "Taken back", ("by `torchsmith undo`: every file, byte for byte",)


def takes(made: Transaction) -> str:
    """Download, room and time, as far as they are known."""
    parts = []
    if made.download_bytes:
        parts.append(f"about {decimal(made.download_bytes)} to download")
    if made.disk_bytes:
        parts.append(f"about {decimal(made.disk_bytes)} on disk")
    if made.minutes is not None:
        minutes = f"{made.minutes} minute{'' if made.minutes == 1 else 's'}"
        parts.append(f"{minutes} besides the download" if made.download_bytes else minutes)
    return ", ".join(parts)


def _row(page: Page, label: str, words: Sequence[str]) -> None:
    narrow = page.width < NARROW_LABEL
    if narrow:
        page.line(label)
    mark = "- " if len(words) > 1 else ""
    for number, each in enumerate(words):
        indent = "  " if narrow else f"{'' if number else label:<{LABEL}}"
        page.block(safe(each), indent + mark, " " * (len(indent) + len(mark)))


# ---- how it ended


def outcome(
    ended: Outcome,
    made: Transaction | None,
    width: int = 80,
    colour: bool = False,
    *,
    title: str = "",
    old: Sequence[str] | None = None,
) -> str:
    """What became of it, and how it is taken back. ``title`` is what the run did, where no transaction is at hand.

    ``old``, if not None, says that variables changed that no running shell sees, and names those that this was started from.
    """
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    good = ended.status in {"done", "undone", "nothing", "discarded", "declined"}
    head = _HEADS.get(ended.status) or safe(ended.status)
    took = f" in {ended.seconds:.0f} s" if ended.seconds >= 1 and ended.status in {"done", "undone"} else ""
    numbered = f" (run {ended.run})" if ended.run else ""
    what = title.removeprefix("take back ") or (made.title if made and ended.status == "done" else "")
    page.block(f"{page.paint(head + took, _GOOD if good else _BAD)}{numbered}{': ' + safe(what) if what else ''}", "", "  ")
    if ended.problem:
        page.block(safe(ended.problem), "  ")
    if ended.said:
        page.gap()
        page.line("The program said last" if ended.status == "failed" else "Besides")
        for line in ended.said:
            page.line(f"  | {safe(without_secrets(line))}")
    if ended.checks:
        page.gap()
        # What is live is imported once more: the same is told once.
        for name, passed, found in dict.fromkeys(ended.checks):
            mark = page.paint("ok  ", "32") if passed else page.paint("FAIL", _BAD)
            page.block(f"{safe(name)}{': ' + safe(found) if found else ''}", f"  {mark}  ", "        ")
    if ended.status == "done":
        page.gap()
        if old is not None:
            started = f": {safe(', '.join(old))}" if old else ", and programs such as an editor"
            page.block(f"Open a new terminal: what was started before keeps the old variables{started}.", "")
        page.block(f"To take it back: torchsmith undo{'' if not ended.run else f' {ended.run}'}", "")
    return page.text()


# ---- what was done


def listed(runs: Sequence[Past], what: str, width: int = 80, colour: bool = False) -> str:
    """Runs in a few lines, with what is said of them."""
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    for past in runs:
        page.block(f"run {past.number} {what}: {safe(past.title)}", "", "  ")
        for path in past.paths:
            page.block(safe(path), "    ")
    return page.text()


def history(
    runs: Sequence[Past],
    sizes: Mapping[int, int],
    width: int = 80,
    colour: bool = False,
    *,
    owners: Mapping[int, str] | None = None,
) -> str:
    """Every run, newest first; ``owners`` are the processes that carry one out at this moment."""
    working = owners or {}
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour)
    if not runs:
        page.block("No run is recorded: `torchsmith apply` has changed nothing yet.", "")
        return page.text()
    for past in reversed(runs):
        kept = f", {_room(sizes[past.number])} kept" if past.number in sizes else ""
        undoes = f", takes back run {past.undoes}" if past.undoes else ""
        idle = past.state == "discarded" and past.problem == _NOTHING
        state = "nothing to do" if idle else _STATES.get(past.state) or safe(past.state)
        state = f"under way: {safe(working[past.number])}" if past.number in working else state
        state = page.paint(state, _GOOD if past.state == "done" else "1")
        page.block(f"{_when(past.begun)}, {state}{undoes}{kept}", f"{past.number:>3}  ", "     ")
        page.block(safe(past.title), "     ")
        for path in past.paths:
            page.block(safe(path), "       ")
        if past.problem and not idle:
            page.block(safe(past.problem), "     ")
    total = sum(sizes.values())
    page.gap()
    page.block("`torchsmith undo N` goes back to what was before run N, `torchsmith undo` to what was before the last one.", "")
    if sizes:
        page.block(f"Former environments take {_room(total)}: `torchsmith history --prune` keeps the last two.", "")
    return page.text()


_STATES = {
    "staging": "cut before anything changed",
    "committed": "cut while it was put in place",
    "done": "done",
    "undone": "taken back",
    "discarded": "discarded",
    "failed": "failed, nothing changed",
    "damaged": "its records are damaged",
}
_NOTHING = "there was nothing to change"
"""What the engine notes of a run after whose programs the copy was as before."""


def _room(size: int) -> str:
    return decimal(size) if size >= 10**6 else "less than 1 MB"


def _when(begun: str) -> str:
    """``2026-11-21 21:59`` of ``2026-11-21T21:59:07Z``: UTC."""
    return safe(begun[:16].replace("T", " "))


def cut(past: Past, owner: str = "", width: int = 80) -> str:
    """What is said at the start of any verb of a run that was cut, or that ``owner`` carries out at this moment."""
    state = {
        "staging": "before anything was changed: all is as it was",
        "committed": "while it was put in place: a part may be new and a part old until it is finished",
    }.get(past.state, "and its records are damaged: it is left as it is")
    page = Page(max(text.NARROW, min(text.WIDE, width)), colour=False)
    if owner:
        page.block(f"note: run {past.number} ({safe(past.title)}) is under way: {safe(owner)}.", "", "  ")
        return page.text()
    page.block(f"note: run {past.number} ({safe(past.title)}) was cut {state}.", "", "  ")
    ways = {
        "staging": "`torchsmith resume` does it anew, `torchsmith resume --discard` tidies up",
        "committed": "`torchsmith resume` finishes it, `torchsmith resume --discard` takes it back",
    }.get(past.state, "`torchsmith history` has what is known of it")
    page.block(f"{ways}.", "  ")
    return page.text()
