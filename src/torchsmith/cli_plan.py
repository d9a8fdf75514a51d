"""The options of ``plan`` and ``why-not``, and what they call."""

from __future__ import annotations

import gc

from torchsmith import console
from torchsmith.model.choice import GOALS
from torchsmith.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Choice, Wishes
    from torchsmith.model.diagnosis import Diagnosis
    from torchsmith.model.known import Fact
    from torchsmith.model.trial import Preview

    Verb = Callable[[argparse.Namespace, Host | None], int]


def plan_options(parser: argparse.ArgumentParser) -> None:
    """What ``plan`` understands."""
    _question_options(parser)
    parser.add_argument("--all", action="store_true", help="every option, every rejection with its source")
    parser.add_argument(
        "--resolve", action="store_true", help="let uv, pip or Poetry check the options against the package index"
    )
    parser.add_argument("--write", metavar="FILE", help="keep the plan in a new file, for `apply`")
    option_option(parser)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--upgrade", action="store_true", help="what newer combination would work, what it gains and breaks")
    mode.add_argument("--outdated", action="store_true", help="only whether a newer combination would work")
    mode.add_argument("--trial", action="store_true", help="build the first option beside the environment and compare both")
    mode.add_argument(
        "--model", metavar="MODEL", help="whether a model fits into GPU memory: 7b@bf16, whisper:large-v2@faster-whisper"
    )
    parser.add_argument("--yes", action="store_true", help="with --trial: do not ask before downloading")
    console.output_options(parser, "markdown")
    parser.set_defaults(verb=uncollected(_run_plan))


def why_not_options(parser: argparse.ArgumentParser) -> None:
    """What ``why-not`` understands."""
    parser.add_argument(
        "candidate", metavar="CANDIDATE", nargs="+", help="cu124, torch==2.2.0, conda, python3.14 ...; several are one question"
    )
    _question_options(parser)
    console.output_options(parser)
    parser.set_defaults(verb=uncollected(_run_why_not))


def uncollected(answer: Verb) -> Verb:
    """A verb without the collector of cyclic garbage: some ten thousand values are made, and the process ends with them."""

    def run(options: argparse.Namespace, host: Host | None) -> int:
        collecting = gc.isenabled()
        gc.disable()
        try:
            return answer(options, host)
        finally:
            if collecting:
                gc.enable()

    return run


def _question_options(parser: argparse.ArgumentParser) -> None:
    console.target_options(parser)
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="a bundle or pasted text instead of this machine; - for stdin"
    )
    parser.add_argument(
        "--machine", metavar="PROFILE", help="another machine: a profile's file, or the name of a shipped one; `list` names those"
    )
    _wishes(parser)


def wish_options(parser: argparse.ArgumentParser, goals: tuple[str, ...]) -> None:
    """What may be wished for of this very machine, and which option is meant."""
    console.target_options(parser)
    _wishes(parser, goals)
    option_option(parser)


def option_option(parser: argparse.ArgumentParser) -> None:
    """The number of an option."""
    parser.add_argument("--option", type=int, default=0, metavar="N", help="this option of `plan` instead of the first")


def _wishes(parser: argparse.ArgumentParser, goals: tuple[str, ...] = GOALS) -> None:
    parser.add_argument(
        "--assume", action="append", default=[], metavar="KEY=VALUE", help="take a fact as given: gpu, driver, os ..."
    )
    parser.add_argument("--goal", choices=goals, default=GOALS[0], help=f"what matters most ({GOALS[0]})")
    parser.add_argument(
        "--need", action="append", default=[], metavar="PACKAGE", help="a package that must work beside torch: whisperx==3.4.2"
    )
    parser.add_argument("--keep", action="append", default=[], metavar="PACKAGE", help="what must stay as it is: 'numpy<2'")
    parser.add_argument("--torch", default="", metavar="VERSIONS", help="the torch that is wanted: '>=2.6', 2.9.1+cu129")
    parser.add_argument("--no-admin", action="store_true", help="nothing that needs an administrator")
    parser.add_argument("--offline", action="store_true", help="nothing that needs the network")


def _listed(options: argparse.Namespace) -> bool:
    """Whether the shipped machines were asked for; then they are told."""
    from torchsmith.app import machines

    if options.machine != machines.LIST:
        return False
    console.write(machines.listing())
    return True


def _question(options: argparse.Namespace, host: Host | None) -> tuple[Host, dict[str, Fact[Any]], Wishes]:
    """Whom to ask, what is given, and what is wished for."""
    from torchsmith.app import asked, wishes

    assumptions = list(options.assume)
    if options.machine:
        from torchsmith.app import machines

        assumptions = [*machines.assumptions(options.machine, assumptions), *assumptions]
    host, assumed = asked.evidence(host or console.local(options), options.source, options.python, assumptions)
    return host, assumed, wishes.of(options)


def _run_plan(options: argparse.Namespace, host: Host | None) -> int:
    if options.machine and _listed(options):
        return 0
    if options.yes and not options.trial:
        raise UsageError("`--yes` belongs to `--trial`: nothing else here changes anything")
    for mode, answer in (("model", _run_model), ("trial", _run_trial), ("upgrade", _run_upgrade), ("outdated", _run_upgrade)):
        if getattr(options, mode):
            _alone(options, mode)
            return answer(options, host)
    from torchsmith.app import plan

    if options.option and not options.write:
        raise UsageError("`--option` says which option `--write` keeps for `apply`")
    if options.option and options.all:
        raise UsageError("`--option` takes a number of `plan` without `--all`")
    if options.resolve and options.offline:
        raise UsageError("`--resolve` asks the package index: it cannot go with `--offline`")
    host, assumed, wishes = _question(options, host)
    # A person reads the commands of the first option alone.
    whole = options.all or options.resolve or options.write or options.format == "json"
    choice, diagnosis = plan.plan(host, assumed, wishes, every=options.all, resolve=options.resolve, told=None if whole else 1)
    if options.write:
        _write(options, host, choice, diagnosis)
    console.write(_rendered(options, choice, diagnosis))
    return 0 if choice.satisfied else 1


def _write(options: argparse.Namespace, host: Host, choice: Choice, diagnosis: Diagnosis) -> None:
    """Keep the plan, with what ``apply`` would do; a plan for another machine has nothing of that."""
    from torchsmith.app import apply, plan_file, question

    asked = question.of(options)
    elsewhere = bool(options.machine or options.source) or question.is_elsewhere(asked)
    told = apply.for_elsewhere() if elsewhere else apply.kept(asked, host)
    plan_file.write(options.write, choice, diagnosis, host, asked, told)


def _alone(options: argparse.Namespace, mode: str) -> None:
    """What belongs to a list of options alone is refused beside another question, instead of being ignored."""
    for name in ("all", "resolve", "write"):
        if getattr(options, name):
            raise UsageError(f"`--{name}` belongs to the list of options: it cannot go with `--{mode}`")
    if options.format == "markdown":
        raise UsageError(f"`--{mode}` answers as text or JSON")
    wished = [name for name in ("need", "keep", "torch", "no_admin", "offline") if getattr(options, name)]
    wished += ["goal"] if options.goal != GOALS[0] else []
    if mode == "model" and wished:
        raise UsageError(f"`--{wished[0].replace('_', '-')}` says nothing of a model's memory: it cannot go with `--model`")


def _rendered(options: argparse.Namespace, choice: Choice, diagnosis: Diagnosis) -> str:
    if options.format == "json":
        from torchsmith.report import choice_json

        return choice_json.render(choice)
    if options.format == "markdown":
        from torchsmith.report import choice_markdown

        return choice_markdown.render(choice, diagnosis)
    from torchsmith.report import choice_text

    return choice_text.render(choice, diagnosis, *console.screen(options), options.verbose, options.all, options.write or "")


def _run_upgrade(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import upgrade

    host, assumed, wishes = _question(options, host)
    answer = upgrade.upgrade(host, assumed, wishes)
    if options.format == "json":
        from torchsmith.report import upgrade_json

        console.write(upgrade_json.render(answer, short=options.outdated))
    else:
        from torchsmith.report import upgrade_text

        console.write(upgrade_text.render(answer, console.screen(options)[0], short=options.outdated))
    return 0


def _run_trial(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import trial

    host, assumed, wishes = _question(options, host)
    report = trial.trial(host, assumed, wishes, _agreed(yes=options.yes))
    if options.format == "json":
        from torchsmith.report import trial_json

        console.write(trial_json.render(report))
    else:
        from torchsmith.report import trial_text

        console.write(trial_text.render(report, console.screen(options)[0]))
    return {"fails": 1, "not-built": 1, "unable": 3}.get(report.status, 0)


def _agreed(*, yes: bool) -> Callable[[Preview], bool]:
    """Who is asked before a trial fetches anything: nobody with ``--yes``, else the terminal; where there is none, it is a no."""

    def asked(preview: Preview) -> bool:
        if yes:
            return True
        from torchsmith.report import trial_text

        return console.agreed(trial_text.preview(preview), "Build it?")

    return asked


def _run_model(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import model_fit

    if "://" in options.model:
        raise UsageError("`--model` takes the name of a model or a file on this machine, no address")
    here = host or console.local(options)
    asked, assumed, _wishes = _question(options, host)
    found = model_fit.answer(asked, here, assumed, options.model)
    if options.format == "json":
        from torchsmith.report import model_fit_json

        console.write(model_fit_json.render(found))
    else:
        from torchsmith.report import model_fit_text

        console.write(model_fit_text.render(found, *console.screen(options), options.verbose))
    return {"fits": 0, "tight": 0, "does-not-fit": 1}.get(found.verdict, 3)


def _run_why_not(options: argparse.Namespace, host: Host | None) -> int:
    if options.machine and _listed(options):
        return 0
    from torchsmith.app import why_not

    host, assumed, wishes = _question(options, host)
    answer = why_not.answer(host, assumed, wishes, " ".join(options.candidate))
    if options.format == "json":
        from torchsmith.report import choice_json

        console.write(choice_json.render_answer(answer))
    else:
        from torchsmith.report import choice_text

        console.write(choice_text.render_answer(answer, *console.screen(options)))
    return 0 if answer.verdict != "unknown-candidate" else 2
