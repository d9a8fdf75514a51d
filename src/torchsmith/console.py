"""What the verbs of the command line share: their common options, and how an answer is printed."""

from __future__ import annotations

import argparse
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.host.base import Host


def target_options(parser: argparse.ArgumentParser) -> None:
    """Which environment to look at, and how long to wait for an answer."""
    parser.add_argument("--python", metavar="PATH", help="the interpreter, or the folder of the environment, to look at")
    parser.add_argument("--wait", type=seconds, default=2.0, metavar="SECONDS", help="limit for each program and driver call (2)")


def output_options(parser: argparse.ArgumentParser, *pages: str, judges: bool = True) -> None:
    """``pages`` are the formats of this verb besides text and JSON; one that ``judges`` has findings to fail on."""
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", default="text", help="the same as --format json"
    )
    parser.add_argument("--format", choices=("text", "json", *pages), default="text")
    if judges:
        parser.add_argument(
            "--fail-on", choices=("blocker", "degraded", "note"), default="blocker", help="exit 1 from this severity on"
        )
    parser.add_argument("--verbose", "-v", action="store_true", help="everything that was found")
    parser.add_argument("--no-color", action="store_true", help="no colours, also on a terminal")


def screen(options: argparse.Namespace) -> tuple[int, bool]:
    """Columns (``COLUMNS`` decides, as everywhere), and whether colours are welcome."""
    terminal = sys.stdout is not None and sys.stdout.isatty()
    colour = terminal and not options.no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    asked = os.environ.get("COLUMNS", "")
    if asked.isascii() and asked.isdigit() and int(asked[:5]):
        return int(asked[:5]), bool(colour)
    return (os.get_terminal_size(1).columns if terminal else 80), bool(colour)


def local(options: argparse.Namespace) -> Host:
    """This machine."""
    from torchsmith.host.local import LocalHost

    return LocalHost(wait=options.wait)


def write(text: str) -> None:
    """Print, also on a console that cannot show every character."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def agreed(told: str, question: str) -> bool:
    """Whether somebody at the terminal agrees to what is told; without a terminal nobody does."""
    said = f"{told.rstrip()}\n" if told else ""
    if sys.stdin is not None and sys.stdin.isatty():
        return (answer(f"{said}{question} [y/N] ") or "").lower() in {"y", "yes"}
    sys.stderr.write(f"{said}{question} not asked, since this is no terminal: --yes agrees\n")
    sys.stderr.flush()
    return False


def terminal() -> bool:
    """Whether somebody can be asked: both what is read and what is told are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def answer(question: str) -> str | None:
    """What somebody at the terminal answers, None at the end of their input; what follows stands on a line of its own."""
    typed = ""
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        typed = sys.stdin.readline()
    finally:  # Ctrl-C and Ctrl-D leave the line as it is
        if not typed.endswith("\n"):
            sys.stderr.write("\n")
            sys.stderr.flush()
    return typed.strip() if typed else None


def seconds(text: str) -> float:
    """A number of seconds that a program may take."""
    try:
        given = float(text)
    except ValueError:
        given = -1
    if not 0.1 <= given <= 600:
        raise argparse.ArgumentTypeError("a number of seconds from 0.1 to 600")
    return given
