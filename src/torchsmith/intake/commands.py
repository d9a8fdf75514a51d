"""Commands that ask for packages, in a shell, a Dockerfile or prose: ``pip install torch --index-url ...``."""

from __future__ import annotations

import re

from torchsmith.host.redact import without_secrets
from torchsmith.intake.clue import Clue, Line
from torchsmith.model.facts.install import Index
from torchsmith.model.facts.project import Request
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "command"
JOINED = 20
"""Lines that a command may run over."""
WORDS = 200
_COMMAND = pattern(
    r"\b(?P<tool>uv pip|uv|pip3?(?:\.\d{1,2})?|poetry|pdm|pipenv|(?:micro)?mamba|conda)(?:\.exe)?(?: env)?"
    r" (?:--?[a-z-]{1,20} ){0,4}(?P<verb>install|add|sync|run|lock|update|upgrade|create|compile|download)\b(?P<rest>.{0,4000})"
)
_VERBS = ("install", "add", "sync", "run", "lock", "update", "upgrade", "create", "compile", "download")
_TOOLS = ("pip", "uv", "poetry", "pdm", "conda", "mamba")
_END = pattern(r"&&|[;|`]|\s\d?>|\s#\s")
_REQUIREMENT = pattern(
    r"(?:(?P<channel>[A-Za-z0-9_/.-]{1,40})::)?(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,80}[A-Za-z0-9])?)(?:\[[\w,.-]{1,60}\])?"
    r"(?P<rest>(?:[=<>!~@]=?.{0,80})?)$"
)
_PROSE = pattern(
    r"and|then|but|to|the|in|with|from|on|for|i|it|was|which|gives|fails|does|is|works|after|before|command|again|or|this|that|my|a|as"
    r"|when|still|always|because|installs|inside|into|using",
    re.IGNORECASE,
)
_INDEX = {
    "--index-url": "index",
    "-i": "index",
    "--default-index": "index",
    "--extra-index-url": "extra",
    "--index": "extra",
    "--find-links": "links",
    "-f": "links",
}
_VALUED = pattern(
    r"-[crnpEtG]|--(?:channel|constraint|requirements?|torch-backend|source|extras?|group|name|python|prefix|index-strategy|with|without|only"
    r"|target|platform|override|file|python-version|package|no-binary|only-binary|priority|prerelease|progress-bar|timeout|retries"
    r"|trusted-host)"
)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """One clue per command, and the options of requirements files that stand on lines of their own."""
    for place, line in enumerate(lines):
        text = line.text
        if any(map(text.__contains__, _VERBS)) and any(map(text.__contains__, _TOOLS)) and (matched := _COMMAND.search(text)):
            rest = matched["rest"]
            for following in lines[place + 1 : place + JOINED]:
                if not rest.rstrip().endswith(("\\", "^")):
                    break
                rest = f"{rest.rstrip()[:-1]} {following.text.strip()}"
            yield Clue("request", _request(matched["tool"], matched["verb"], rest, line.number), FORM, line.number)
        elif text.lstrip().startswith(("--index-url", "--extra-index-url", "--find-links", "-i http", "-f http")):
            request = _request("requirements", "", text, line.number)
            yield Clue("request", request, FORM, line.number)


def _request(tool: str, verb: str, rest: str, number: int) -> Request:
    end = _END.search(rest)
    words = [word.strip("\"',()") for word in (rest[: end.start()] if end else rest).split()[:WORDS]]
    manager = "conda" if tool.endswith(("conda", "mamba")) else "pip" if tool.startswith("pip") and tool != "pipenv" else tool
    packages: list[str] = []
    indexes: list[Index] = []
    options: list[str] = []
    waiting = iter(words)
    for word in waiting:
        option, _, given = word.partition("=")
        if word.startswith("-"):
            if option in _INDEX and not (manager == "conda" and option == "-c"):
                url = given or next(waiting, "")
                name, _, address = url.partition("=") if not url.startswith("http") else ("", "", url)
                del name
                if address.startswith(("http://", "https://")):
                    indexes.append(Index(without_secrets(address), _INDEX[option], f"the {manager} command"))
            elif _VALUED.fullmatch(option):
                options.append(f"{option}={given or next(waiting, '')}")
            else:
                options.append(word)
        elif verb == "run" or _PROSE.fullmatch(word):
            break
        elif _REQUIREMENT.fullmatch(word):
            packages.append(word)
    return Request(manager, verb, tuple(packages), tuple(indexes), tuple(options), number)
