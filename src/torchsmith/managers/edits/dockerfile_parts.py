"""A Dockerfile in parts: parser directives, instructions with their lines, heredocs, stages, the words of a command."""

from __future__ import annotations

from torchsmith.managers.edits.base import BOM, EditError, bare, lines
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTIVE = pattern(r"#[ \t]*([a-zA-Z]+)[ \t]*=[ \t]*(\S.*?)[ \t]*")
_HEREDOC = pattern(r"""(?<![<\w])\d*<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_]*)\2(?!\w)""")
_HEAD = pattern(r"([A-Za-z]+)(?:[ \t]+|\Z)")
_PIECE = (
    r"(?P<gap>(?:[ \t]++|{e}[ \t]*\r?\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*+)++)"
    r"|(?P<operator>&&|\|\||[;|&()]|\r?\n)"
    r"""|(?P<word>(?:'[^']*+'|"(?:[^"\\]++|\\[\s\S])*+"|{e}[^\r\n]|[^\s;|&()'"{e}])++)"""
)


@record
class Instruction:
    """One instruction: its keyword in capitals, its words as one line, its lines (``first`` to before ``last``, from 0).

    ``stage`` counts the FROM lines, -1 before the first; ``heredoc`` says that lines of other text belong to it.
    """

    keyword: str
    arguments: str
    first: int
    last: int
    stage: int
    heredoc: bool = False


@record
class Token:
    """A word, a gap or an operator of a command, and where it stands in the text of its instruction."""

    kind: str
    text: str
    start: int
    end: int


def escape(text: str) -> str:
    """The letter that continues a line: a backslash, unless a directive at the top says a backtick."""
    for line in lines(text.removeprefix(BOM)):
        match = _DIRECTIVE.fullmatch(bare(line).strip())
        if not match:
            break
        if match[1].lower() == "escape":
            if match[2] not in {"\\", "`"}:
                raise EditError(f"escape={match[2]} is no escape that Docker knows", 1)
            return str(match[2])
    return "\\"


def instructions(text: str) -> tuple[Instruction, ...]:
    """The instructions in order.

    Raises:
        EditError: a line is none, or a heredoc has no end; with the line.

    """
    if "\0" in text:
        raise EditError("this is no Dockerfile: it has NUL bytes")
    return tuple(_read(lines(text.removeprefix(BOM)), escape(text)))


def raw(text: str, instruction: Instruction) -> str:
    """The text of an instruction as it stands."""
    return "".join(lines(text.removeprefix(BOM))[instruction.first : instruction.last])


def with_lines(text: str, first: int, last: int, new: str) -> str:
    """The text with ``new`` in the place of these lines."""
    physical = lines(text.removeprefix(BOM))
    start = BOM if text.startswith(BOM) else ""
    return start + "".join(physical[:first]) + new + "".join(physical[last:])


def tokens(source: str, sign: str) -> tuple[Token, ...]:
    """The tokens of an instruction in shell form.

    Raises:
        EditError: quotes that are not closed.

    """
    import re

    found: list[Token] = []
    at = 0
    reader = re.compile(_PIECE.replace("{e}", re.escape(sign)))
    while at < len(source):
        match = reader.match(source, at)
        if match is None:
            raise EditError("quotes in this command are not closed, or not understood")
        found.append(Token(str(match.lastgroup), match[0], match.start(), match.end()))
        at = match.end()
    return tuple(found)


def stages(text: str) -> tuple[tuple[str, str], ...]:
    """The image and the name of each stage; the name is empty where it has none."""
    found = []
    for each in instructions(text):
        if each.keyword == "FROM":
            words = [word for word in each.arguments.split() if not word.startswith("--")]
            if not words:
                raise EditError("FROM without an image", each.first + 1)
            found.append((words[0], words[2].lower() if len(words) > 2 and words[1].lower() == "as" else ""))
    return tuple(found)


def source_stages(text: str) -> tuple[int, ...]:
    """The last stage and those that it is made of, by FROM, COPY --from and RUN --mount=from."""
    named = stages(text)
    numbers = {name: at for at, (_, name) in enumerate(named) if name}
    all_of_them = instructions(text)
    wanted, found = [len(named) - 1] if named else [], list[int]()
    while wanted:
        stage = wanted.pop()
        if stage in found:
            continue
        found.append(stage)
        for word in (named[stage][0], *(name for each in all_of_them if each.stage == stage for name in _sources(each))):
            at = numbers.get(word.lower(), int(word) if word.isascii() and word.isdecimal() and len(word) < 4 else -1)
            if 0 <= at < stage:
                wanted.append(at)
    return tuple(sorted(found))


def _sources(instruction: Instruction) -> tuple[str, ...]:
    import re

    if instruction.keyword not in {"COPY", "RUN", "ADD"}:
        return ()
    return tuple(re.findall(r"(?:--from=|--mount=\S*\bfrom=)([^\s,]+)", instruction.arguments))


def _read(physical: list[str], sign: str) -> Iterator[Instruction]:
    at, stage = 0, -1
    while at < len(physical):
        line = bare(physical[at]).strip(" \t")
        if not line or line.startswith("#"):
            at += 1
            continue
        first = at
        words, at = _joined(physical, at, sign)
        head = _HEAD.match(words)
        if head is None:
            raise EditError("an instruction was expected here", first + 1, 1)
        keyword, arguments = head[1].upper(), words[head.end() :].strip()
        stage += keyword == "FROM"
        last = _after_heredocs(physical, first, at, keyword, arguments)
        yield Instruction(keyword, arguments, first, last, stage, last > at)
        at = last


def _joined(physical: list[str], at: int, sign: str) -> tuple[str, int]:
    """The words of an instruction over its lines; comments and blank lines between them are passed over."""
    parts: list[str] = []
    while at < len(physical):
        line = bare(physical[at])
        at += 1
        if parts and (not line.strip() or line.lstrip().startswith("#")):
            continue
        if not line.rstrip().endswith(sign):
            parts.append(line)
            break
        parts.append(line.rstrip()[:-1])
    return "".join(parts).strip(), at


def _after_heredocs(physical: list[str], first: int, at: int, keyword: str, arguments: str) -> int:
    if keyword not in {"RUN", "COPY", "ADD"} or arguments.startswith("["):
        return at
    for match in _HEREDOC.finditer(arguments):
        while at < len(physical):
            line = bare(physical[at])
            at += 1
            if (line.lstrip("\t") if match[1] else line) == match[3]:
                break
        else:
            raise EditError(f"the heredoc {match[3]} has no end", first + 1)
    return at
