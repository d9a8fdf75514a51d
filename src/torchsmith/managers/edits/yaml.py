"""Edits of conda's environment.yml, by lines: channels, dependencies, and pip's own list among them."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError, normalised
from torchsmith.managers.edits.requirement import name_of
from torchsmith.managers.edits.yaml_lines import Tree, scalar
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_SPEC = pattern(r"(?:[^\s:]+::)?\s*([A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?:[\s=<>!~\[].*)?")
_KIND = "an environment.yml"


def conda_name(spec: str) -> str:
    """``pytorch`` of ``conda-forge::pytorch=2.8=cuda*``; empty where it has none."""
    found = _SPEC.fullmatch(spec)
    return found[1].lower() if found else ""


def pip_name(requirement: str) -> str:
    """The normalised name of a requirement; empty for an option or an address."""
    return name_of(requirement)


def dependencies(text: str) -> tuple[str, ...]:
    """Conda's specs, in order, without the list of pip."""
    tree = Tree(text, _KIND)
    return _values(tree, _list(tree, "dependencies"))


def pip_requirements(text: str) -> tuple[str, ...]:
    """What pip's own list has, options too."""
    tree = Tree(text, _KIND)
    return _values(tree, _pip(tree))


def channels(text: str) -> tuple[str, ...]:
    """The channels in order."""
    tree = Tree(text, _KIND)
    return _values(tree, _list(tree, "channels"))


def put_dependency(text: str, spec: str) -> str:
    """Put a spec of conda in the place of the one with its name, else behind the last one.

    Raises:
        EditError: the file is not understood, or the name is there twice.

    """
    name = conda_name(spec)
    if not name:
        raise EditError(f"{spec!r} is no spec of conda")
    return _put(text, "dependencies", spec, lambda value: conda_name(value) == name)


def remove_dependency(text: str, name: str) -> str:
    """Take away conda's spec of that name."""
    tree = Tree(text, _KIND)
    return _removed(text, tree, _list(tree, "dependencies"), lambda value: conda_name(value) == name.lower())


def put_pip(text: str, requirement: str) -> str:
    """Put a requirement into pip's own list: in the place of the one with its name, else at the end.

    An option such as ``--index-url ADDRESS`` takes the place of the same option, else it stands first. The list is made
    where there is none, and pip with it.

    Raises:
        EditError: the file is not understood, or the name is there twice.

    """
    name, word = pip_name(requirement), requirement.replace("=", " ").partition(" ")[0]
    if not name and not requirement.startswith("-"):
        raise EditError(f"{requirement!r} is no requirement")

    def same(value: str) -> bool:
        return pip_name(value) == name if name else value.replace("=", " ").partition(" ")[0] == word

    tree = Tree(text, _KIND)
    if _pip(tree) is None:
        if "pip" not in map(conda_name, _values(tree, _list(tree, "dependencies"))):
            tree = Tree(put_dependency(text, "pip"), _KIND)
        return _new_pip(tree, requirement)
    return _put_item(text, tree, _pip(tree), requirement, same, first=not name)


def remove_pip(text: str, name: str) -> str:
    """Take a requirement out of pip's own list."""
    tree = Tree(text, _KIND)
    return _removed(text, tree, _pip(tree), lambda value: pip_name(value) == normalised(name))


def put_channel(text: str, channel: str, *, first: bool = False) -> str:
    """Add a channel, last or first; where it is there, its place stays."""
    return _put(text, "channels", channel, lambda value: value == channel, first=first)


def remove_channel(text: str, channel: str) -> str:
    """Take a channel away."""
    tree = Tree(text, _KIND)
    return _removed(text, tree, _list(tree, "channels"), lambda value: value == channel)


def _list(tree: Tree, key: str) -> int | None:
    number = tree.child(-1, key)
    if number is not None and tree.entries[number].value:
        entry = tree.entries[number]
        raise EditError(f"`{key}` is not a list with a line for each item", entry.line + 1, entry.at + 1)
    return number


def _pip(tree: Tree) -> int | None:
    parent = _list(tree, "dependencies")
    number = tree.child(parent, "pip") if parent is not None else None
    if number is not None and tree.entries[number].value:
        raise EditError("`pip` is not a list with a line for each item", tree.entries[number].line + 1)
    return number


def _values(tree: Tree, number: int | None) -> tuple[str, ...]:
    if number is None:
        return ()
    return tuple(tree.plain(at) for at in tree.children(number) if tree.entries[at].key is None)


def _put(text: str, key: str, value: str, same: Callable[[str], bool], *, first: bool = False) -> str:
    tree = Tree(text, _KIND)
    number = _list(tree, key)
    if number is None:
        return tree.inserted(len(tree.lines), [f"{key}:", f"  - {scalar(value)}"])
    return _put_item(text, tree, number, value, same, first=first)


def _put_item(text: str, tree: Tree, number: int | None, value: str, same: Callable[[str], bool], *, first: bool = False) -> str:
    if number is None:
        raise EditError("there is no such list")
    children = tree.children(number)
    if any(not tree.entries[at].dash for at in children):
        raise EditError("a list was expected here", tree.entries[number].line + 1)
    items = [at for at in children if tree.entries[at].key is None]
    found = [at for at in items if same(tree.plain(at))]
    if len(found) > 1:
        raise EditError(f"{value.split(maxsplit=1)[0]} stands here {len(found)} times", tree.entries[found[1]].line + 1)
    if found:
        if tree.plain(found[0]) == value:
            return text
        return _replaced(tree, found[0], value)
    parent = tree.entries[number]
    if not children:
        return tree.inserted(parent.line + 1, [" " * (parent.inner + 2) + "- " + scalar(value)])
    indent = " " * tree.entries[children[0]].indent
    if first or not items:
        return tree.inserted(tree.entries[children[0]].line, [f"{indent}- {scalar(value)}"])
    return tree.inserted(tree.entries[items[-1]].last, [f"{indent}- {scalar(value)}"])


def _replaced(tree: Tree, number: int, value: str) -> str:
    entry = tree.entries[number]
    if entry.last != entry.line + 1:
        raise EditError("a value that runs over several lines is not edited here", entry.line + 1)
    line = tree.lines[entry.line]
    new = line[: entry.at] + scalar(value, entry.value[:1]) + line[entry.end :]
    return tree.whole([*tree.lines[: entry.line], new, *tree.lines[entry.line + 1 :]])


def _removed(text: str, tree: Tree, number: int | None, same: Callable[[str], bool]) -> str:
    if number is None:
        return text
    gone: set[int] = set()
    children = tree.children(number)
    found = [at for at in children if tree.entries[at].key is None and same(tree.plain(at))]
    for at in found:
        gone.update(range(tree.entries[at].line, tree.entries[at].last))
    if found and len(found) == len(children):
        # A key without any item would be no list any more.
        gone.update(range(tree.entries[number].line, tree.entries[number].line + 1))
    return tree.whole([line for at, line in enumerate(tree.lines) if at not in gone]) if gone else text


def _new_pip(tree: Tree, requirement: str) -> str:
    parent = _list(tree, "dependencies")
    children = tree.children(parent) if parent is not None else []
    last = tree.entries[children[-1]]
    indent = " " * last.indent
    return tree.inserted(last.last, [f"{indent}- pip:", f"{indent}    - {scalar(requirement)}"])
