"""Parses arguments, calls app, prints. stdout is data, stderr is talk."""

from __future__ import annotations

import argparse
import os
import sys

from torchsmith import __version__, console
from torchsmith.model.errors import TorchsmithError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from torchsmith.host.base import Host
    from torchsmith.model.diagnosis import Diagnosis

NAGIOS = {0: 0, 1: 2, 3: 3}
NAGIOS_WARNING = 1
LONGEST = 600
"""Characters of an error line; of a longer one the ends are shown."""


def run(arguments: Sequence[str], host: Host | None = None) -> int:
    """The exit status of a command line; every error of ours is one line on stderr.

    ``host`` takes the place of this machine (tests).
    """
    words = _with_verb(list(arguments))
    try:
        options = _parser(words[0]).parse_args(words)
        if _was_cut(os.environ) and words[0] not in {"resume", "history"}:
            from torchsmith import cli_apply

            cli_apply.tell_cut_runs()
        return int(options.verb(options, host))
    except TorchsmithError as error:
        print(f"error: {_shown(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt as end:
        print(": ".join(filter(None, ("interrupted", str(end)))), file=sys.stderr)
        return 130
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            print(f"error: the answer cannot be written: {error.strerror or error}", file=sys.stderr)
            return 70
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader has gone: say nothing more, not even at exit
        return 0
    except Exception as error:
        if os.environ.get("TORCHSMITH_TRACEBACK"):
            raise
        said = _shown(f"{type(error).__name__}: {error}").encode("ascii", "backslashreplace").decode()[:300]
        print(f"error: a fault of torchsmith itself: {said!r}; TORCHSMITH_TRACEBACK=1 shows where", file=sys.stderr)
        return 70


def _was_cut(environ: Mapping[str, str]) -> bool:
    """Whether a run is open: a look at one folder's names, where ``act.store`` leaves a mark for each."""
    if sys.platform == "win32":
        base = environ.get("LOCALAPPDATA", "")
    elif sys.platform == "darwin":
        base = environ.get("XDG_STATE_HOME", "") or f"{environ.get('HOME', '')}/Library/Application Support"
    else:
        base = environ.get("XDG_STATE_HOME", "") or f"{environ.get('HOME', '')}/.local/state"
    try:
        return bool(os.listdir(f"{base}/torchsmith/open"))
    except OSError:
        return False


def _shown(problem: str) -> str:
    """One line of a length to read, with nothing of what was given that is secret or that a terminal obeys."""
    from torchsmith.host.redact import without_secrets
    from torchsmith.report.escape import safe

    said = safe(without_secrets(problem))
    return said if len(said) <= LONGEST else f"{said[: LONGEST // 2]} ... {said[-LONGEST // 2 :]}"


def _with_verb(arguments: list[str]) -> list[str]:
    """``check`` where no verb is given."""
    first = next((argument for argument in arguments if not argument.startswith("-")), None)
    if arguments and arguments[0] in {"-h", "--help", "--version", "-V"}:
        return arguments
    if first in VERBS and arguments[0] == first:
        return arguments
    if arguments and not arguments[0].startswith("-"):
        return arguments  # an unknown verb: argparse names the known ones
    return ["check", *arguments]


class _Parser(argparse.ArgumentParser):
    """Help for 80 columns: a formatter without a width loads shutil to ask the terminal, once per argument."""

    def error(self, message: str) -> NoReturn:
        """As argparse says it, without what may not be shown."""
        super().error(_shown(message))

    def _get_formatter(self) -> argparse.HelpFormatter:
        return argparse.HelpFormatter(self.prog, width=80)


def _parser(verb: str) -> argparse.ArgumentParser:
    """The parser, with the options of ``verb`` alone: the others' would be made for nothing."""
    parser = _Parser(
        prog="torchsmith",
        description="Names the root cause when PyTorch and CUDA do not fit a machine, and says what to do.",
        epilog="Without a verb: check. Exit codes: docs/reference/exit-codes.md",
        allow_abbrev=False,
    )
    parser.add_argument("--version", "-V", action="version", version=f"torchsmith {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True, prog="torchsmith")
    for name, (help_text, options) in VERBS.items():
        added = verbs.add_parser(name, help=help_text, allow_abbrev=False)
        if name == verb:
            options(added)
    return parser


def _check(parser: argparse.ArgumentParser) -> None:
    console.target_options(parser)
    parser.add_argument("--all", action="store_true", help="every environment on this machine")
    parser.add_argument(
        "--from", dest="source", metavar="FILE", help="a bundle or pasted text instead of this machine; - for stdin"
    )
    parser.add_argument(
        "--assume", action="append", default=[], metavar="KEY=VALUE", help="take a fact as given: gpu, driver, os ..."
    )
    parser.add_argument("--select", action="append", default=[], metavar="SLUG", help="run only these rules")
    parser.add_argument("--ignore", action="append", default=[], metavar="SLUG[=REASON]", help="leave a rule out")
    parser.add_argument("--exit-style", choices=("contract", "nagios"), default="contract")
    console.output_options(parser, "markdown")
    parser.set_defaults(verb=_run_check)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="the text; standard input if not given, or for -")
    parser.add_argument(
        "--assume", action="append", default=[], metavar="KEY=VALUE", help="take a fact as given: gpu, driver, os ..."
    )
    parser.add_argument("--select", action="append", default=[], metavar="SLUG", help="consider only these causes")
    parser.add_argument("--ignore", action="append", default=[], metavar="SLUG[=REASON]", help="leave a cause out")
    parser.add_argument("--exit-style", choices=("contract", "nagios"), default="contract")
    console.output_options(parser, "markdown", "github")
    parser.set_defaults(verb=_run_explain)


def _inspect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="PATH|NAME==VERSION",
        help="a binary, wheel, image, folder, environment, or a wheel on the index",
    )
    parser.add_argument("--list", dest="listed", metavar="FILE", help="more paths, one a line; - for stdin")
    parser.add_argument("--platform", default="", help="of the wheel on the index: linux-x86_64, win_amd64 ... (this machine's)")
    parser.add_argument("--python-tag", default="", metavar="TAG", help="of the wheel on the index: cp313 ... (this Python's)")
    parser.add_argument("--index-url", default="", metavar="URL", help="the package index to ask instead of the configured one")
    parser.add_argument("--deep", action="store_true", help="also what is costly: a remote library whole, vector instructions")
    parser.add_argument("--hash", action="store_true", help="compare contents with RECORD, not only sizes")
    parser.add_argument(
        "--assume", action="append", default=[], metavar="KEY=VALUE", help="take a fact as given: gpu, driver ..."
    )
    parser.add_argument("--wait", type=console.seconds, default=2.0, metavar="SECONDS", help="limit for each driver call (2)")
    console.output_options(parser)
    parser.set_defaults(verb=_run_inspect)


def _plan(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_plan

    cli_plan.plan_options(parser)


def _why_not(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_plan

    cli_plan.why_not_options(parser)


def _apply(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_apply

    cli_apply.apply_options(parser)


def _undo(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_apply

    cli_apply.undo_options(parser)


def _history(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_apply

    cli_apply.history_options(parser)


def _resume(parser: argparse.ArgumentParser) -> None:
    from torchsmith import cli_apply

    cli_apply.resume_options(parser)


def _bundle(parser: argparse.ArgumentParser) -> None:
    console.target_options(parser)
    parser.add_argument("--output", "-o", metavar="FILE", help="where to write it; standard output if not given")
    parser.add_argument("--note", default="", help="a line of your own in it")
    parser.set_defaults(verb=_run_bundle)


def _rule(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("slug", nargs="?", metavar="SLUG")
    parser.set_defaults(verb=_run_rule)


def _facts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("table", nargs="?", metavar="TABLE")
    parser.add_argument("--json", action="store_true", help="the table as JSON")
    parser.set_defaults(verb=_run_facts)


VERBS = {
    "check": ("inspect and diagnose: one root cause first", _check),
    "explain": ("the root cause behind a pasted log, traceback or report", _explain),
    "inspect": ("what binaries contain: GPU code, libraries, ABI; read, never run", _inspect),
    "plan": ("which torch, from where, by which approach: options in order", _plan),
    "why-not": ("why an option was rejected, and what would have to change", _why_not),
    "apply": ("carry a plan out: shown, agreed to, made on a copy, verified, put in place", _apply),
    "undo": ("take a run of `apply` back, byte for byte", _undo),
    "history": ("what `apply` has done, and what is kept of it", _history),
    "resume": ("finish or discard a run that was cut", _resume),
    "bundle": ("record this machine, redacted, into one file for `check --from`", _bundle),
    "rule": ("a rule's page; without SLUG, the list", _rule),
    "facts": ("the knowledge tables with their sources", _facts),
}


def _run_check(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import asked, catalogue, check
    from torchsmith.model.finding import Severity

    known = {node.slug for node in catalogue.RULES}
    ignore = dict(item.partition("=")[::2] for item in options.ignore)
    for slug in (*options.select, *ignore):
        if slug not in known:
            raise UsageError(f"no rule is called `{slug}`; `torchsmith rule` lists them")
    host, assumed = asked.evidence(host or console.local(options), options.source, options.python, options.assume)
    detail = options.verbose or options.format != "text"
    if options.all:
        from torchsmith.app import environments

        diagnoses = environments.check_all(host, assumed, options.select, ignore, detail)
    else:
        diagnoses = [check.check(host, assumed, options.select, ignore, detail)]
    _print_diagnoses(diagnoses, options)
    codes = [check.exit_code(diagnosis, Severity(options.fail_on)) for diagnosis in diagnoses]
    code = 1 if 1 in codes else max(codes, default=0)
    if options.exit_style == "nagios":
        return NAGIOS_WARNING if code == 0 and any(d.verdict == "degraded" for d in diagnoses) else NAGIOS.get(code, code)
    return code


def _run_explain(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import assume, check, explain_stream
    from torchsmith.host import stream
    from torchsmith.model.finding import Severity

    del host
    from torchsmith.knowledge import causes

    ignore = dict(item.partition("=")[::2] for item in options.ignore)
    for slug in (*options.select, *ignore):
        if slug not in causes.slugs():
            raise UsageError(f"no cause is called `{slug}`; `torchsmith facts causes` lists them")
    reading = explain_stream.Reading(assume.facts(options.assume), tuple(options.select), ignore)
    early = (lambda diagnosis: _print_explanation(diagnosis, options)) if options.format == "text" else None
    with stream.opened(options.file) as source:
        answer = explain_stream.follow(source, reading, early)
    if not answer.given:
        _print_explanation(answer.diagnosis, options)
    if answer.interrupted:
        return 130
    code = check.exit_code(answer.diagnosis, Severity(options.fail_on))
    return NAGIOS.get(code, code) if options.exit_style == "nagios" else code


def _run_inspect(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import asked, inspect
    from torchsmith.model.finding import Severity

    host = host or console.local(options)
    other, assumed = asked.evidence(host, None, None, options.assume)
    wanted = inspect.Wanted(
        options.platform, options.python_tag, options.index_url, deep=options.deep, hash=options.hash, listed=options.listed or ""
    )
    found = inspect.inspect(host, options.targets, wanted, assumed, other)
    if options.format == "json":
        from torchsmith.report import inspection_json

        console.write(inspection_json.render(found))
    else:
        from torchsmith.report import inspection_text

        console.write(inspection_text.render(found, *console.screen(options), options.verbose))
    return inspect.exit_code(found, Severity(options.fail_on))


def _print_diagnoses(diagnoses: Sequence[Diagnosis], options: argparse.Namespace) -> None:
    if options.format == "json":
        from torchsmith.report import json

        console.write(json.render(diagnoses, options.all))
        return
    if options.format == "markdown":
        from torchsmith.report import markdown

        console.write("\n".join(markdown.render(diagnosis) for diagnosis in diagnoses))
        return
    from torchsmith.report import text

    width, colour = console.screen(options)
    console.write("\n".join(text.render(diagnosis, width, colour, options.verbose) for diagnosis in diagnoses))


def _print_explanation(diagnosis: Diagnosis, options: argparse.Namespace) -> None:
    if options.format == "text":
        from torchsmith.report import explanation

        console.write(explanation.render(diagnosis, *console.screen(options), options.verbose))
    elif options.format == "github":
        from torchsmith.report import github

        console.write(github.render(diagnosis))
    else:
        options.all = False
        _print_diagnoses([diagnosis], options)


def _run_bundle(options: argparse.Namespace, host: Host | None) -> int:
    from torchsmith.app import asked, bundle
    from torchsmith.host import files

    host, assumed = asked.evidence(host or console.local(options), None, options.python, ())
    text = bundle.record(host, assumed, options.note)
    if options.output:
        files.write_new(options.output, text)
        print(f"wrote {options.output}: read it before you share it; nothing was sent anywhere", file=sys.stderr)
    else:
        console.write(text)
    return 0


def _run_rule(options: argparse.Namespace, host: Host | None) -> int:
    del host
    from torchsmith.app import pages

    console.write(pages.page(options.slug) if options.slug else pages.listing())
    return 0


def _run_facts(options: argparse.Namespace, host: Host | None) -> int:
    del host
    from torchsmith.app import tables

    console.write(tables.show(options.table, options.json) if options.table else tables.listing())
    return 0
