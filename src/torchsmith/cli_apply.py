"""The verbs that change something: ``apply``, ``undo``, ``resume``, ``history``; what they ask, and what they call."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress

from torchsmith import cli_plan, console
from torchsmith.model.choice import EVERYDAY, GOALS
from torchsmith.model.errors import TorchsmithError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from torchsmith.app.apply import Looked, Prepared
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Option
    from torchsmith.model.transaction import Outcome, Shown
    from torchsmith.report.apply_progress import Progress

TRIES = 5
"""So often an answer is asked for that names no option."""
_WISHES = ("need", "keep", "torch", "no_admin", "offline", "python", "assume", "option", "approach", "remove_stale_paths")


def apply_options(parser: argparse.ArgumentParser) -> None:
    """What ``apply`` understands."""
    parser.add_argument("plan", nargs="?", metavar="PLAN", help="a file of `plan --write`; without it the plan is made now")
    cli_plan.wish_options(parser, (*GOALS, *EVERYDAY))
    parser.add_argument("--approach", default="", metavar="NAME", help="the first option by this approach: pip, uv-project ...")
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--allow-root", action="store_true", help="also as root in another user's environment")
    parser.add_argument(
        "--remove-stale-paths", action="store_true", help="take folders of other CUDA versions out of the user's PATH"
    )
    console.output_options(parser, judges=False)
    parser.set_defaults(verb=cli_plan.uncollected(_run_apply))


def undo_options(parser: argparse.ArgumentParser) -> None:
    """What ``undo`` understands."""
    parser.add_argument("run", nargs="?", type=_number, metavar="N", help="the run to take back; the last one if not given")
    parser.add_argument("--discard-changes", action="store_true", help="also where something was changed since")
    parser.add_argument("--dry-run", action="store_true", help="show which runs would be taken back")
    console.output_options(parser, judges=False)
    parser.set_defaults(verb=_run_undo)


def resume_options(parser: argparse.ArgumentParser) -> None:
    """What ``resume`` understands."""
    parser.add_argument("--discard", action="store_true", help="take it back, or tidy up, instead of finishing it")
    console.output_options(parser, judges=False)
    parser.set_defaults(verb=_run_resume)


def history_options(parser: argparse.ArgumentParser) -> None:
    """What ``history`` understands."""
    parser.add_argument(
        "--prune", nargs="?", type=_how_many, const=2, metavar="N", help="keep the last N former environments of each (2)"
    )
    console.output_options(parser, judges=False)
    parser.set_defaults(verb=_run_history)


def tell_cut_runs() -> None:
    """A line on standard error for each run that was cut. Called where the folder of open runs is not empty."""
    from torchsmith.act import store, transaction
    from torchsmith.report import apply_text

    with suppress(TorchsmithError, OSError):  # whatever lies there, the verb that was called goes on
        here = store.opened()
        for past in here.pending():
            sys.stderr.write(apply_text.cut(past, transaction.under_way(here, past.number)))


# ---- apply


def _run_apply(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import apply, question

    here = host or console.local(options)
    if options.plan:
        from torchsmith.app import plan_file

        _no_wishes(options)
        looked, ready = apply.again(plan_file.read(options.plan), here, allow_root=options.allow_root)
    else:
        looked = apply.look(question.of(options), here)
        option = question.picked(looked.choice, looked.asked)
        led = _is_asked(options)
        if led:
            _opened(options, looked)
            if not _to_choose(looked):
                return int(apply.ill(looked))
            with _nothing_changed():
                option = _chosen(looked)
            if option is None:
                sys.stderr.write("nothing was changed\n")
                return 0
        elif not looked.choice.satisfied and not (options.option or options.approach or options.goal in EVERYDAY):
            option = None
        ready = apply.prepared(looked, option, allow_root=options.allow_root, chosen=led)
    if ready.status == "ready" and ready.transaction is not None:
        return _changed(options, looked, ready)
    return _not_changed(options, looked, ready)


def _no_wishes(options: argparse.Namespace) -> None:
    """A plan file holds its own question."""
    given = [name for name in _WISHES if getattr(options, name)] + (["goal"] if options.goal != GOALS[0] else [])
    if given:
        name = given[0].replace("_", "-")
        raise UsageError(f"`--{name}` belongs to the question, which the plan file holds: leave it out, or the file")


def _is_asked(options: argparse.Namespace) -> bool:
    """Whether a person is led through: at a terminal, where nothing was decided by a flag."""
    decided = options.yes or options.dry_run or options.option or options.approach or options.goal in EVERYDAY
    decided = decided or options.format != "text"
    return not decided and console.terminal()


def _to_choose(looked: Looked) -> bool:
    """Whether there is anything that an option would change."""
    from torchsmith.report import choice_words

    return bool(looked.choice.options) and not choice_words.kept(looked.choice)


def _opened(options: argparse.Namespace, looked: Looked) -> None:
    """What is wrong, what cures it where no torch does, and how the options compare."""
    from torchsmith.app import apply, causes_elsewhere
    from torchsmith.report import wizard_text

    shown = causes_elsewhere.shown(looked.diagnosis, looked.host) if apply.ill(looked) else ()
    console.write(wizard_text.opening(looked.choice, looked.diagnosis, shown, *console.screen(options)))


def _chosen(looked: Looked) -> Option | None:
    """The option that the person names; Enter is the first where it does what was asked, the end of the input none."""
    options = {str(option.rank): option for option in looked.choice.options}
    first = next(iter(options)) if looked.choice.satisfied else ""
    for _ in range(TRIES):
        said = console.answer(f"Which one? Its number, {f'Enter for {first}, ' if first else ''}q to leave: ")
        if said is None or said.lower() in {"q", "quit", "n", "no"} or not (said or first):
            return None
        if not said or said.rstrip(".") in options:
            return options[said.rstrip(".") or first]
        sys.stderr.write("There is no such option. ")
    return None


def _changed(options: argparse.Namespace, looked: Looked, ready: Prepared) -> int:
    """Show, ask, carry out, report."""
    from torchsmith.app import apply
    from torchsmith.report import apply_text

    made = ready.transaction
    assert made is not None  # noqa: S101 - the status says so
    width, colour = console.screen(options)
    page = apply_text.plan(made, ready.files, looked.choice.shell, width, colour, options.verbose)
    as_text = options.format == "text"
    if as_text:
        console.write(page + "\n")
    with _nothing_changed():
        refused = _agreed(options, "" if as_text else page)
    if refused:
        from torchsmith.model.transaction import Outcome

        return _told(options, Outcome("declined", problem=refused), ready)
    ended = _watched(options, lambda watch: apply.carry_out(made, watch))
    code = _told(options, ended, ready)
    apply.tidy()
    return code


@contextmanager
def _nothing_changed() -> Iterator[None]:
    """While somebody is asked: Ctrl-C leaves everything as it is, and that is said."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was changed") from None


def _agreed(options: argparse.Namespace, page: str) -> str:
    """Empty where it may be done, else why not."""
    if options.dry_run:
        return "this was a dry run"
    if options.yes or console.agreed(page, "Change it?"):
        return ""
    return "you said no" if console.terminal() else "nobody could be asked; the same command with --yes carries it out"


def _watched(options: argparse.Namespace, work: Callable[[Progress], Outcome]) -> Outcome:
    """Do it with its progress on standard error; an error becomes an outcome where a document is wanted."""
    from torchsmith.model.transaction import Outcome
    from torchsmith.report.apply_progress import Progress

    moving = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    width = os.get_terminal_size(2).columns if moving else 80
    watch = Progress(sys.stderr, moving=moving, width=width or 80, verbose=options.verbose)
    try:
        return work(watch)
    except TorchsmithError as error:
        if options.format == "text" or error.exit_code == 70:
            raise
        return Outcome("refused" if error.exit_code in {2, 73} else "failed", problem=str(error), exit_code=error.exit_code)
    finally:
        watch.end()


def _told(options: argparse.Namespace, ended: Outcome, ready: Prepared) -> int:
    made = ready.transaction
    if options.format == "json":
        from torchsmith.report import apply_json, transaction_json

        told = transaction_json.document(made, ready.files) if made is not None else None
        console.write(apply_json.render(apply_json.document("apply", ended, told, ready.shown)))
    else:
        from torchsmith.report import apply_text

        gap = "\n" if sys.stdout is not None and sys.stdout.isatty() else ""
        console.write(gap + apply_text.outcome(ended, made, *console.screen(options), old=_in_old_shells(ready)))
    return ended.exit_code


def _in_old_shells(ready: Prepared) -> tuple[str, ...] | None:
    """The shells and programs that keep the old variables, where variables of the user changed; else None."""
    from torchsmith.app import apply

    return apply.in_old_shells(ready)


def _not_changed(options: argparse.Namespace, looked: Looked, ready: Prepared) -> int:
    """Nothing to do, refused, or nothing that does what was asked."""
    from torchsmith.app import apply, causes_elsewhere
    from torchsmith.model.transaction import Outcome
    from torchsmith.report import apply_text

    ill = ready.status in {"nothing", "unsatisfied"} and apply.ill(looked, ready)
    remedies: Sequence[Shown] = causes_elsewhere.shown(looked.diagnosis, looked.host) if ill else ()
    code = {"nothing": int(ill), "unsatisfied": 1}.get(ready.status, 2)
    wrong = f"{causes_elsewhere.told(looked.diagnosis)}; another torch does not cure that" if ill else ""
    problem = ". ".join(filter(None, (ready.problem, wrong)))
    ended = Outcome("nothing" if ready.status == "nothing" else "refused", problem=problem, exit_code=code)
    if options.format == "json":
        from torchsmith.report import apply_json, transaction_json

        told = transaction_json.document(ready.transaction, ready.files) if ready.transaction is not None else None
        console.write(apply_json.render(apply_json.document("apply", ended, told, ready.shown, remedies)))
        return code
    screen = console.screen(options)
    if code == 0:
        torch = f"torch {ready.option.candidate.version} is installed as it should be" if ready.option else ""
        console.write(apply_text.outcome(Outcome("nothing", problem=problem or torch), None, *screen))
    else:
        console.write(apply_text.refusal(problem, (*ready.shown, *remedies), looked.choice.shell, *screen))
    return code


# ---- undo, resume, history


def _run_undo(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import undo

    del host
    if options.dry_run:
        runs = undo.would(options.run)
        return _past(options, runs, "would be taken back")
    return _ends(options, "undo", lambda watch: undo.undo(options.run, watch, discard_changes=options.discard_changes))


def _run_resume(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import undo

    del host
    return _ends(options, "resume", lambda watch: undo.resume(watch, discard=options.discard))


def _ends(options: argparse.Namespace, verb: str, work: Callable[[Any], tuple[Outcome, ...]]) -> int:
    """Do it and tell how each run ended; the worst decides the exit code."""
    from torchsmith.app import undo
    from torchsmith.model.transaction import Outcome

    found: list[Outcome] = []

    def whole(watch: Progress) -> Outcome:
        found.extend(work(watch))
        return found[-1] if found else Outcome("nothing", problem="no run was cut")

    last = _watched(options, whole)
    ended = found or [last]
    if options.format == "json":
        from torchsmith.report import apply_json

        console.write(apply_json.render(apply_json.several(verb, ended)))
    else:
        from torchsmith.report import apply_text

        titles = undo.titles()
        parts = (apply_text.outcome(each, None, *console.screen(options), title=titles.get(each.run, "")) for each in ended)
        console.write("".join(parts))
    return max(each.exit_code for each in ended)


def _run_history(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import undo

    del host
    pruned = undo.prune(options.prune) if options.prune is not None else ()
    runs, sizes, owners = undo.history()
    if options.format == "json":
        from torchsmith.report import apply_json

        console.write(apply_json.render(apply_json.history(runs, sizes, pruned, owners)))
        return 0
    from torchsmith.report import apply_text

    console.write(apply_text.history(runs, sizes, *console.screen(options), owners=owners))
    if options.prune is not None:
        told = f"the former environments of runs {', '.join(map(str, pruned))} are gone" if pruned else "nothing had to go"
        sys.stderr.write(f"{told}\n")
    return 0


def _past(options: argparse.Namespace, runs: Sequence[Any], what: str) -> int:
    from torchsmith.report import apply_json, apply_text

    if options.format == "json":
        console.write(apply_json.render(apply_json.history(runs, {})))
        return 0
    console.write(apply_text.listed(runs, what, *console.screen(options)))
    return 0


def _number(text: str) -> int:
    """The number of a run."""
    return _counted(text, "a number from 1 on; `torchsmith history` lists the runs")


def _how_many(text: str) -> int:
    """How many former environments stay."""
    return _counted(text, "how many former environments stay of each: a number from 1 on")


def _counted(text: str, wanted: str) -> int:
    import argparse

    if not text.isascii() or not text.isdigit() or int(text[:8]) < 1 or len(text) > 6:
        raise argparse.ArgumentTypeError(wanted)
    return int(text)
