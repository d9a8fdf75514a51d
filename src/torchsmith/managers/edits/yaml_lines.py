"""The lines of a YAML file as a tree, as far as block style goes. What is not understood is refused, never guessed at."""

from __future__ import annotations

from torchsmith.managers.edits.base import BOM, EditError, bare, end_of, lines, newline, refuse_bytes
from torchsmith.model.pattern import pattern

_DASH = pattern(r"-(?:[ ]+|\Z)")
_KEY = pattern(
    r"""("(?:[^"\\]++|\\.)*+"[ ]*+|'(?:[^']++|'')*+'[ ]*+"""
    r"""|(?:[^\s"'#:&*!|>%@`,\[\]{}?-]|[?-](?=\S))(?:[^:#]++|:(?=\S)|(?<=\S)#)*+):(?=\s|\Z)[ ]*+"""
)
_QUOTED = pattern(r"""("(?:[^"\\]++|\\.)*+"|'(?:[^']++|'')*+')(?:[ \t]*+\Z|[ \t]++#.*)""")
_BLOCK = pattern(r"[|>][-+0-9]*[ \t]*(?:#.*)?")
_ODD = pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x85\u2028\u2029]")


class Entry:
    """A key, an item, or an item that is a key: ``- pip:``.

    ``line`` and ``last`` are its lines, from 0 and to before ``last``, with all that is below it. ``indent`` is where its
    dash or its key stands, ``inner`` where its key does. ``value`` is what stands in the line behind it, without the comment,
    between ``at`` and ``end`` of the line. ``parent`` is the number of the entry that it belongs to, -1 at the top.
    """

    __slots__ = ("at", "dash", "end", "indent", "inner", "key", "last", "line", "parent", "value")

    def __init__(self, line: int, indent: int, inner: int, dash: bool, key: str | None, value: str, at: int) -> None:
        self.line, self.last, self.parent = line, line + 1, -1
        self.indent, self.inner, self.dash, self.key = indent, inner, dash, key
        self.value, self.at, self.end = value, at, at + len(value)


class Tree:
    """The entries of a file.

    Raises:
        EditError: it is not written in a way that can be edited by lines; with the line.

    """

    def __init__(self, text: str, kind: str) -> None:
        refuse_bytes(text, kind)
        self.bom = BOM if text.startswith(BOM) else ""
        self.lines = lines(text.removeprefix(BOM))
        self.entries = _read(self.lines)

    def children(self, number: int) -> list[int]:
        """The numbers of the entries right below one."""
        return [at for at, each in enumerate(self.entries) if each.parent == number]

    def child(self, number: int, key: str) -> int | None:
        """The entry with this key right below one.

        Raises:
            EditError: there are two.

        """
        found = [at for at in self.children(number) if self.entries[at].key == key]
        if len(found) > 1:
            raise EditError(f"`{key}` stands here twice", self.entries[found[1]].line + 1)
        return found[0] if found else None

    def whole(self, physical: list[str]) -> str:
        """These lines as a text."""
        return self.bom + "".join(physical)

    def inserted(self, at: int, new: list[str]) -> str:
        """The text with these lines before the line ``at``. A file whose last line has no end keeps that.

        Raises:
            EditError: that would give a block of text at the end of the file a newline.

        """
        end = newline("".join(self.lines))
        if at and not end_of(self.lines[at - 1]):
            if any(entry.value[:1] in {"|", ">"} and entry.last == at for entry in self.entries):
                raise EditError("a block of text ends the file without a newline: end its last line first", at)
            return self.whole(self.lines) + "".join(end + line for line in new)
        end = end_of(self.lines[at - 1]) if at else end
        return self.whole([*self.lines[:at], *(line + end for line in new), *self.lines[at:]])

    def plain(self, number: int) -> str:
        """The value of an entry, without quotes.

        Raises:
            EditError: it is an anchor, an alias, a tag, or in flow style.

        """
        entry = self.entries[number]
        value = entry.value
        if value[:1] in {"&", "*", "!", "[", "{", "|", ">", "%", "@", "`"}:
            raise EditError("anchors, tags and flow style are not edited here", entry.line + 1, entry.at + 1)
        return unquoted(value)


def unquoted(value: str) -> str:
    """A scalar without its quotes."""
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    if len(value) > 1 and value[0] == value[-1] == '"':
        import re

        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return value


def scalar(value: str, style: str = "") -> str:
    """``value`` as YAML writes a text, in the quotes ``style`` if it gives some."""
    if any(letter < " " for letter in value):
        raise EditError("the value has letters that a line of YAML cannot hold")
    if style == '"' and "\\" not in value:
        return '"' + value.replace('"', '\\"') + '"'
    plain = value and value == value.strip() and value[0] not in "&*!|>%@`\"'#,[]{}?:" and not value.startswith("- ")
    plain = plain and ": " not in value and " #" not in value and not value.endswith(":") and value != "-"
    if plain and style not in {"'", '"'} and value.lower() not in {"null", "true", "false", "yes", "no", "on", "off", "~"}:
        return value
    return "'" + value.replace("'", "''") + "'"


def _read(physical: list[str]) -> list[Entry]:
    found: list[Entry] = []
    stack: list[tuple[int, int, bool]] = []
    at, begun = 0, False
    while at < len(physical):
        line = bare(physical[at])
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        if not words.strip("\t ") or words.startswith("#") or (line.startswith("%") and not begun):
            at += 1
            continue
        if line.rstrip() == "---" and not begun:
            begun, at = True, at + 1
            continue
        begun = True
        entry = _entry(at, line, indent)
        while stack and (stack[-1][0] > indent or (stack[-1][0] == indent and (stack[-1][2] or not entry.dash))):
            stack.pop()
        if not stack and found and indent != found[0].indent:
            raise EditError("the indentation fits nothing above it", at + 1)
        entry.parent = stack[-1][1] if stack else -1
        entry.last = at = _last(physical, at, entry)
        found.append(entry)
        stack.append((indent, len(found) - 1, entry.dash))
        if entry.dash and entry.key is not None:
            stack.append((entry.inner, len(found) - 1, False))
    for entry in reversed(found):
        if entry.parent >= 0:
            above = found[entry.parent]
            above.last = max(above.last, entry.last)
    return found


def _entry(number: int, line: str, indent: int) -> Entry:
    odd = _ODD.search(line)
    if odd or line[indent] == "\t" or line.startswith(("---", "...")):
        raise EditError("this line is not understood here", number + 1, (odd.start() if odd else indent) + 1)
    at, dash = indent, False
    match = _DASH.match(line, at)
    if match:
        dash, at = True, match.end()
        if _DASH.match(line, at):
            raise EditError("a list within a list is not understood here", number + 1, at + 1)
    inner = at
    key = _KEY.match(line, at)
    if key is not None:
        at = key.end()
    elif not dash:
        raise EditError("this line is not understood here", number + 1, indent + 1)
    value = line[at:]
    quoted = _QUOTED.fullmatch(value)
    if quoted:
        value = quoted[1]
    else:
        comment = value.find(" #") if not value.startswith("#") else 0
        tab = value.find("\t#")
        cut = min((place for place in (comment, tab) if place >= 0), default=len(value))
        value = value[:cut].rstrip()
    return Entry(number, indent, inner, dash, unquoted(key[1].rstrip()) if key else None, value, at)


def _last(physical: list[str], number: int, entry: Entry) -> int:
    """The line behind an entry's own value: a block of text, or brackets that are closed later."""
    value = entry.value.lstrip()
    if value.startswith(("&", "!")):
        value = value.partition(" ")[2].lstrip()
    level = entry.inner if entry.dash and entry.key is not None else entry.indent
    after = number + 1
    if _BLOCK.fullmatch(value):
        return _after_block(physical, after, level, keep="+" in value.partition("#")[0])
    if value.startswith(("[", "{")):
        depth = _depth(value)
        while depth > 0 and after < len(physical):
            depth += _depth(bare(physical[after]))
            after += 1
        if depth:
            raise EditError("a bracket is not closed", number + 1, entry.at + 1)
        return after
    if value[:1] in {'"', "'"} and not _QUOTED.fullmatch(value):
        raise EditError("a text in quotes that runs over several lines is not understood here", number + 1, entry.at + 1)
    return after if not value or value.startswith("*") else _after_plain(physical, after, level)


def _after_block(physical: list[str], after: int, level: int, *, keep: bool) -> int:
    """Behind the lines of ``|`` and ``>``; blank lines at the end are a part of it where ``+`` keeps them."""
    end = after
    while after < len(physical) and (not physical[after].strip() or _indent(physical[after]) > level):
        after += 1
        end = after if keep or physical[after - 1].strip() else end
    return end


def _after_plain(physical: list[str], after: int, level: int) -> int:
    """Behind the lines in which a text without quotes goes on."""
    while after < len(physical) and physical[after].strip() and _indent(physical[after]) > level:
        line = bare(physical[after]).strip()
        if line.startswith("#"):
            break
        if _KEY.match(line) or _DASH.match(line):
            raise EditError("this line is not understood here", after + 1)
        after += 1
    return after


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _depth(line: str) -> int:
    import re

    if len(line) > 20_000:
        raise EditError("a line in flow style is too long to be understood here")
    outside = re.sub(r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|(?:^|\s)#.*""", "", line)
    return sum(outside.count(sign) for sign in "[{") - sum(outside.count(sign) for sign in "]}")
