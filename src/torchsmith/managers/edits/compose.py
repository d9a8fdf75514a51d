"""Edits of a compose file: a GPU, shared memory and the like for one service; by lines, refused where it is not understood."""

from __future__ import annotations

from torchsmith.managers.edits.base import EditError
from torchsmith.managers.edits.yaml_lines import Tree, scalar

_KIND = "a compose file"


def services(text: str) -> tuple[str, ...]:
    """The names of the services, in order.

    Raises:
        EditError: the file is not understood.

    """
    tree = Tree(text, _KIND)
    number = _mapping(tree, tree.child(-1, "services"), "services")
    return tuple(key for at in tree.children(number) if (key := tree.entries[at].key) is not None)


def value(text: str, service: str, key: str) -> str | None:
    """The value of a key of a service: ``image``, ``ipc``; None where it has none in one line."""
    tree = Tree(text, _KIND)
    number = tree.child(_service(tree, service), key)
    return None if number is None or not tree.entries[number].value else tree.plain(number)


def put_key(text: str, service: str, key: str, new: str) -> str:
    """Set a key of a service that has one value: ``put_key(text, "train", "ipc", "host")``.

    Raises:
        EditError: the file is not understood there.

    """
    tree = Tree(text, _KIND)
    parent = _service(tree, service)
    number = tree.child(parent, key)
    if number is None:
        return _below(tree, parent, [f"{key}: {scalar(new)}"])
    entry = tree.entries[number]
    if tree.children(number) or entry.last != entry.line + 1:
        raise EditError(f"`{key}` is more than one value here", entry.line + 1)
    if entry.value and tree.plain(number) == new:
        return text
    line = tree.lines[entry.line]
    space = "" if line[: entry.at].endswith(" ") else " "
    made = line[: entry.at] + space + scalar(new, entry.value[:1]) + line[entry.end :]
    return tree.whole([*tree.lines[: entry.line], made, *tree.lines[entry.line + 1 :]])


def put_gpu(text: str, service: str, count: str = "all") -> str:
    """Reserve GPUs for a service, unless it has some, by ``deploy`` or ``gpus``.

    Raises:
        EditError: the file is not understood there.

    """
    tree = Tree(text, _KIND)
    number = _service(tree, service)
    if tree.child(number, "gpus") is not None:
        return text
    block = ["- driver: nvidia", f"  count: {count}", "  capabilities: [gpu]"]
    path = ["deploy", "resources", "reservations", "devices"]
    for at, key in enumerate(path):
        found = tree.child(number, key)
        if found is None:
            return _below(tree, number, _nested(path[at:], block, _step(tree)))
        number = found
        if tree.entries[number].value:
            if key == "devices" and "gpu" in tree.entries[number].value:
                return text
            raise EditError(f"`{key}` is not written in lines of its own", tree.entries[number].line + 1)
    entry = tree.entries[number]
    if any("gpu" in each.value for each in tree.entries if entry.line < each.line < entry.last):
        return text
    return _below(tree, number, block)


def _nested(path: list[str], block: list[str], step: int) -> list[str]:
    made = [" " * (step * depth) + f"{key}:" for depth, key in enumerate(path)]
    return [*made, *(" " * (step * len(path)) + line for line in block)]


def _step(tree: Tree) -> int:
    """By how much the file indents."""
    return next((entry.indent for entry in tree.entries if entry.indent and not entry.dash), 2)


def _service(tree: Tree, name: str) -> int:
    top = _mapping(tree, tree.child(-1, "services"), "services")
    number = tree.child(top, name)
    if number is None:
        raise EditError(f"there is no service {name!r}", tree.entries[top].line + 1)
    number = _mapping(tree, number, name)
    merged = tree.child(number, "<<")
    if merged is not None:
        raise EditError("a service that takes keys from an anchor is not edited here", tree.entries[merged].line + 1)
    return number


def _mapping(tree: Tree, number: int | None, name: str) -> int:
    if number is None:
        raise EditError(f"there is no `{name}`")
    entry = tree.entries[number]
    if entry.value or not tree.children(number) or any(tree.entries[at].dash for at in tree.children(number)):
        raise EditError(f"`{name}` is not written with a line for each key", entry.line + 1)
    return number


def _below(tree: Tree, number: int, block: list[str]) -> str:
    """Lines at the end of what is below an entry, indented as that is."""
    entry = tree.entries[number]
    children = tree.children(number)
    indent = tree.entries[children[0]].indent if children else entry.inner + _step(tree)
    return tree.inserted(entry.last, [" " * indent + line for line in block])
