"""The commands of one RUN by which pip installs, and torch among their words."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.managers.edits.dockerfile_parts import Token, tokens
from torchsmith.managers.edits.requirement import split
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_INSTALLS = pattern(r"\bpip3?(?:\.\d+)?(?:[\"',\s\\]|`\s)+install\b")
_PIP = pattern(r"(?:\S*/)?pip3?(?:\.\d+)?")
_PYTHON = pattern(r"(?:\S*/)?python3?(?:\.\d+)?")
_ASSIGNMENT = pattern(r"[A-Za-z_]\w*=\S*")
_BUILD_INDEX = pattern(r"/whl(?:/(?:nightly/|test/)?(?:cu\d+|cpu|rocm[0-9.]+|xpu))?/?\Z")
_SAFE = pattern(r"[A-Za-z0-9_@%+=:,./-]+")
_THE_INDEX = frozenset({"--index-url", "-i", "--default-index"})
_INDEX = frozenset({*_THE_INDEX, "--extra-index-url", "--index", "--find-links", "-f", "--torch-backend"})
_WITH_VALUE = frozenset(
    (
        *_INDEX,
        *("-r", "--requirement", "-c", "--constraint", "-t", "--target", "--prefix", "--root", "-e", "--editable", "--timeout"),
        *("--retries", "--proxy", "--cert", "--client-cert", "--cache-dir", "--trusted-host", "--platform", "--python-version"),
        *("--implementation", "--abi", "--no-binary", "--only-binary", "--progress-bar", "--log", "--src", "--report", "-C"),
        *("--config-settings", "--global-option", "--upgrade-strategy", "--python", "-p", "--root-user-action"),
        *("--exists-action", "--torch-backend", "--index-strategy", "--link-mode", "--prerelease", "--resolution", "--index"),
        *("--default-index", "--config-file", "--group", "--override", "--excludes", "--use-feature", "--use-deprecated"),
    )
)


@record
class Command:
    """A command of pip: its words, where those behind ``install`` begin, the requirements, and the options of an index.

    ``more`` says that it installs something else by a file or a folder, ``simple`` that another command can go before it.
    """

    words: tuple[Token, ...]
    begin: int
    requirements: tuple[tuple[str, Token], ...]
    indexes: tuple[tuple[str, tuple[Token, ...], str], ...]
    more: bool
    simple: bool = True


def name_of(requirement: str) -> str:
    """The name of a requirement; empty if it is none."""
    found = split(requirement)
    return found[0] if found else ""


def installs(source: str) -> bool:
    """Whether pip installs something in this instruction."""
    return bool(_INSTALLS.search(source))


def names(source: str, wanted: set[str]) -> bool:
    """Whether pip installs one of these here, as far as a look can tell."""
    import re

    return installs(source) and any(
        re.search(rf"(?<![\w./-]){re.escape(name).replace('-', '[-_.]')}(?![\w./-]|\s*=\s*[^=])", source, re.IGNORECASE)
        for name in wanted
    )


def installed(source: str, wanted: set[str], sign: str) -> bool:
    """Whether a command of this instruction installs one of these."""
    if source.partition(" ")[2].lstrip().startswith("["):
        return True
    return any(normalised(name) in wanted for each in _commands(source, sign) for name, _ in each.requirements)


def patched(source: str, requirements: Sequence[str], index: str | None, sign: str) -> str:
    """The instruction with these requirements and their index.

    Raises:
        EditError: how torch is installed here is not understood.

    """
    if source.partition(" ")[2].lstrip().startswith("["):
        return _json(source, requirements, index)
    wanted = {normalised(name_of(word)): word for word in requirements}
    those = [each for each in _commands(source, sign) if any(normalised(name) in wanted for name, _ in each.requirements)]
    if not those and any(names(token.text, set(wanted)) for token in tokens(source, sign)):
        raise EditError("how torch is installed here is not understood")
    for each in reversed(those):
        source = _edited(source, each, wanted, index)
    return source


def _commands(source: str, sign: str) -> list[Command]:
    found: list[Command] = []
    words: list[Token] = []
    before = ""
    for token in (*tokens(source, sign), Token("operator", "", len(source), len(source))):
        if token.kind == "word":
            words.append(token)
        elif token.kind == "operator":
            command = _command(tuple(words), before)
            found.extend([command] if command else [])
            words, before = [], token.text
    return found


def _command(words: tuple[Token, ...], before: str) -> Command | None:
    """The command of pip among these words; another program (``sudo``, ``conda run``) may stand before it."""
    at = 0
    while at < len(words) and (
        words[at].text.upper() == "RUN" or words[at].text.startswith("--") or _ASSIGNMENT.fullmatch(words[at].text)
    ):
        at += 1
    rest = [_plain(word.text) for word in words[at:]]
    pip = next((n for n, word in enumerate(rest[:-1]) if _PIP.fullmatch(word) and rest[n + 1] == "install"), None)
    if pip is None:
        return None
    program = rest[:pip]
    plain = not program or program == ["uv"] or (len(program) == 2 and _PYTHON.fullmatch(program[0]) and program[1] == "-m")
    made = _sorted(words[at:], pip + 2)
    return replace(made, simple=bool(plain) and before in {"", "&&", ";", "\n", "\r\n"})


def _sorted(words: tuple[Token, ...], begin: int) -> Command:
    requirements: list[tuple[str, Token]] = []
    indexes: list[tuple[str, tuple[Token, ...], str]] = []
    more, at = False, begin
    while at < len(words):
        word = _plain(words[at].text)
        option, equals, value = word.partition("=")
        if word.startswith("-"):
            two = option in _WITH_VALUE and not equals
            those = words[at : at + 2] if two else words[at : at + 1]
            if option in _INDEX:
                indexes.append((option, those, _plain(those[-1].text) if two else value))
            more = more or option in {"-r", "--requirement", "-e", "--editable"}
            at += len(those)
            continue
        requirements.append((name_of(word), words[at]))
        at += 1
    return Command(words, begin, tuple(requirements), tuple(indexes), more)


def _edited(source: str, command: Command, wanted: dict[str, str], index: str | None) -> str:
    """One command. What it installs besides comes after torch, and names torch again: then it fails rather than replace it."""
    family = [(normalised(name), token) for name, token in command.requirements if normalised(name) in wanted]
    mixed = command.more or len(family) < len(command.requirements)
    if mixed and not command.simple:
        raise EditError("torch stands in this command beside something else: split it first")
    changes: list[tuple[int, int, str]] = [(token.start, token.end, _word(wanted[name])) for name, token in family]
    have = {name for name, _ in family}
    missing = " ".join(_word(word) for name, word in wanted.items() if name not in have)
    if missing:
        last = family[-1][1].end
        changes.append((last, last, " " + missing))
    own = [entry for entry in command.indexes if not mixed or entry[0] == "--torch-backend" or _BUILD_INDEX.search(entry[2])]
    if mixed and (own or index):
        changes.extend(_first(source, command, wanted, index))
    changes.extend(_index_changes(source, command, own, None if mixed else index))
    for start, end, new in sorted(changes, key=lambda change: change[:2], reverse=True):
        source = source[:start] + new + source[end:]
    return source


def _first(source: str, command: Command, wanted: dict[str, str], index: str | None) -> list[tuple[int, int, str]]:
    """The command for torch alone that goes before, unless it is there."""
    start = command.words[0].start
    program = source[start : command.words[command.begin - 1].end]
    flags = [word.text for word in command.words[command.begin :] if word.text in {"--no-cache-dir", "--system"}]
    words = [program, *flags, *map(_word, wanted.values()), *(("--index-url", _word(index)) if index else ())]
    made = " ".join(words)
    return [] if source[:start].rstrip().endswith(f"{made} &&") else [(start, start, f"{made} && ")]


def _index_changes(
    source: str, command: Command, own: list[tuple[str, tuple[Token, ...], str]], index: str | None
) -> list[tuple[int, int, str]]:
    """``index`` in the place of the options ``own``, or none of them."""
    if not own:
        end = command.words[-1].end
        return [(end, end, f" --index-url {_word(index)}")] if index else []
    kept = next((entry for entry in own if entry[0] in _THE_INDEX), own[0]) if index else None
    changes = []
    for entry in own:
        option, those, value = entry
        if entry is not kept or index is None:
            changes.append((_before(source, those[0].start), those[-1].end, ""))
        elif value != index or option not in _THE_INDEX:
            changes.append((those[0].start, those[-1].end, f"--index-url {_word(index)}"))
    return changes


def _before(source: str, at: int) -> int:
    """Where the blanks before a word begin, on its line."""
    while at and source[at - 1] in " \t":
        at -= 1
    return at


def _json(source: str, requirements: Sequence[str], index: str | None) -> str:
    from json import dumps, loads

    keyword, _, rest = source.partition(" ")
    try:
        words = loads(rest)
    except (ValueError, RecursionError):
        raise EditError("the words of this command are not understood") from None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise EditError("the words of this command are not understood")
    at = next((at + 1 for at, word in enumerate(words) if word == "install"), 0)
    names_there = [name_of(word) for word in words[at:] if isinstance(word, str) and not word.startswith("-")]
    wanted = {normalised(name_of(word)): word for word in requirements}
    flags = [word for word in words[at:] if word.startswith("-")]
    urls = {"--index-url", "-i", "--extra-index-url"}
    values = [words[number + 1] for number, word in enumerate(words[:-1]) if word in urls]
    others = [name for name in names_there if normalised(name) not in wanted and name not in map(name_of, values)]
    if not at or others or any(flag in _WITH_VALUE and flag not in urls for flag in flags):
        raise EditError("torch stands in this command beside something else: split it first")
    plain = [flag for flag in flags if flag not in urls and not flag.startswith(("--index-url=", "--extra-index-url="))]
    new = [*words[:at], *plain, *requirements, *(("--index-url", index) if index else ())]
    # The order of its words is its own, as long as they are the same.
    if sorted(new) == sorted(words):
        return source
    tail = source[len(source.rstrip("\r\n")) :]
    return f"{keyword} {dumps(new)}{tail}"


def _plain(word: str) -> str:
    return word.replace("'", "").replace('"', "")


def _word(word: str) -> str:
    return word if _SAFE.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"
