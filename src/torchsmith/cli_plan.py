"""The options of ``plan`` and ``why-not``, and what they call."""

from __future__ import annotations

from torchsmith import console
from torchsmith.model.choice import GOALS
from torchsmith.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.choice import Wishes
    from torchsmith.model.known import Fact


def plan_options(parser: argparse.ArgumentParser) -> None:
    """What ``plan`` understands."""
    _question_options(parser)
    parser.add_argument("--all", action="store_true", help="every option and every rejection")
    parser.add_argument(
        "--resolve", action="store_true", help="let uv, pip or Poetry check the options against the package index"
    )
    parser.add_argument("--write", metavar="FILE", help="keep the plan in a file, for `torchsmith apply`")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--upgrade", action="store_true", help="what newer combination would work, what it gains and breaks")
    mode.add_argument("--outdated", action="store_true", help="only whether a newer combination would work")
    mode.add_argument("--trial", action="store_true", help="build the first option beside the environment and compare both")
    mode.add_argument(
        "--model", metavar="MODEL", help="whether a model fits into GPU memory: 7b@bf16, whisper:large-v2@faster-whisper"
    )
    parser.add_argument("--yes", action="store_true", help="with --trial: do not ask before downloading")
    console.output_options(parser, "markdown")
    parser.set_defaults(verb=_run_plan)


def why_not_options(parser: argparse.ArgumentParser) -> None:
    """What ``why-not`` understands."""
    parser.add_argument("candidate", metavar="CANDIDATE", help="cu124, torch==2.2.0, conda, python3.14 ...")
    _question_options(parser)
    console.output_options(parser)
    parser.set_defaults(verb=_run_why_not)


def _question_options(parser: argparse.ArgumentParser) -> None:
    console.target_options(parser)
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="a bundle or pasted text instead of this machine; - for stdin"
    )
    parser.add_argument(
        "--machine", metavar="PROFILE", help="another machine: a profile's file, or the name of a shipped one; `list` names those"
    )
    parser.add_argument(
        "--assume", action="append", default=[], metavar="KEY=VALUE", help="take a fact as given: gpu, driver, os ..."
    )
    parser.add_argument("--goal", choices=GOALS, default=GOALS[0], help=f"what matters most ({GOALS[0]})")
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
    from torchsmith.app import plan

    if options.yes and not options.trial:
        raise UsageError("`--yes` belongs to `--trial`: nothing else here changes anything")
    host, assumed, wishes = _question(options, host)
    choice, diagnosis = plan.plan(host, assumed, wishes, every=options.all)
    if options.format == "json":
        from torchsmith.report import choice_json

        console.write(choice_json.render(choice))
    else:
        from torchsmith.report import choice_text

        console.write(choice_text.render(choice, diagnosis, *console.screen(options), options.verbose))
    return 0 if choice.satisfied else 1


def _run_why_not(options: argparse.Namespace, host: Host | None) -> int:
    if options.machine and _listed(options):
        return 0
    from torchsmith.app import why_not

    host, assumed, wishes = _question(options, host)
    answer = why_not.answer(host, assumed, wishes, options.candidate)
    if options.format == "json":
        from torchsmith.report import choice_json

        console.write(choice_json.render_answer(answer))
    else:
        from torchsmith.report import choice_text

        console.write(choice_text.render_answer(answer, *console.screen(options)))
    return 0 if answer.verdict != "unknown-candidate" else 2
