"""Edits of a Dockerfile: the base image, variables, and the lines by which pip installs torch."""

from __future__ import annotations

from torchsmith.managers.edits.base import BOM, EditError, end_of, lines, newline, normalised
from torchsmith.managers.edits.dockerfile_parts import (
    Instruction,
    escape,
    instructions,
    raw,
    source_stages,
    stages,
    tokens,
    with_lines,
)
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["base", "env", "insert", "instructions", "put_base", "put_env", "put_torch", "replace"]

_VARIABLE = pattern(r"\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})")
_IMAGE = pattern(r"[a-z0-9][A-Za-z0-9._:/@-]*")
_SAFE = pattern(r"[A-Za-z0-9_@%+=:,./-]+")
_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_]*")


def base(text: str) -> str:
    """The image that the last stage is made from, through stages and ARG lines before the first FROM; empty without FROM.

    Raises:
        EditError: see ``instructions``.

    """
    found = _base(text)
    if found is None:
        return ""
    instruction, image = found
    argument = _VARIABLE.fullmatch(image)
    if argument is None:
        return image
    held = _argument(text, argument[1] or argument[2])
    return _default(held) if held else image if instruction else ""


def put_base(text: str, image: str) -> str:
    """Set the image that the last stage is made from: in its FROM, in that of the stage it builds on, or in the ARG.

    Raises:
        EditError: there is no FROM, or its image is put together of variables.

    """
    if not _IMAGE.fullmatch(image):
        raise EditError(f"{image!r} is no name of an image")
    found = _base(text)
    if found is None:
        raise EditError("there is no FROM")
    instruction, old = found
    if base(text) == image:
        return text
    argument = _VARIABLE.fullmatch(old)
    if argument is not None:
        held = _argument(text, argument[1] or argument[2])
        if held is None or not _default(held):
            raise EditError(f"the image is {old}, which has no value in this file", instruction.first + 1)
        return _word_replaced(text, held, _default(held), image)
    if "$" in old:
        raise EditError(f"the image is put together of variables: {old}", instruction.first + 1)
    return _word_replaced(text, instruction, old, image)


def env(text: str, name: str) -> str | None:
    """The value that ENV gives a variable in the last stage."""
    for each in reversed(_of_last_stage(text)):
        if each.keyword == "ENV":
            for key, value in _pairs(each):
                if key == name:
                    return value
    return None


def put_env(text: str, name: str, value: str) -> str:
    """Set a variable of the last stage: where ENV sets it, else by a line behind FROM.

    Raises:
        EditError: there is no FROM, or the line is not understood.

    """
    if not _NAME.fullmatch(name) or not _SAFE.fullmatch(value):
        raise EditError(f"{name}={value} cannot be written into a Dockerfile here")
    if env(text, name) == value:
        return text
    stage = _of_last_stage(text)
    if not stage:
        raise EditError("there is no FROM")
    there = [each for each in stage if each.keyword == "ENV" and name in dict(_pairs(each))]
    if not there:
        return insert(text, stage[0], [f"ENV {name}={value}"])
    held = there[-1]
    if "=" not in held.arguments.split()[0]:
        return replace(text, held, [f"ENV {name}={value}"])
    source = raw(text, held)
    for token in tokens(source, escape(text)):
        if token.kind == "word" and token.text.startswith(f"{name}="):
            new = source[: token.start] + f"{name}={value}" + source[token.end :]
            return with_lines(text, held.first, held.last, new)
    raise EditError(f"how {name} is set is not understood", held.first + 1)


def put_torch(text: str, requirements: Sequence[str], index: str | None) -> str:
    """Let pip install these: in the place of the words with their names, in the last stage or one that it is made of.

    ``index`` is the one index that torch comes from; other packages of the same command are installed after it, from the
    index that they had. Where no line names torch, a RUN of its own goes before the first one in which pip installs.

    Raises:
        EditError: a line that names torch is not understood.

    """
    from torchsmith.managers.edits import dockerfile_pip

    wanted = set(source_stages(text))
    if not wanted:
        raise EditError("there is no FROM")
    names = {normalised(dockerfile_pip.name_of(word)) for word in requirements}
    sign, physical = escape(text), lines(text.removeprefix(BOM))
    own = {each: "".join(physical[each.first : each.last]) for each in instructions(text) if each.stage in wanted}
    those = {each: source for each, source in own.items() if each.keyword == "RUN" and dockerfile_pip.names(source, names)}
    installed = False
    for each in reversed(those):
        if each.heredoc:
            raise EditError("torch is installed in a heredoc, which is not edited here", each.first + 1)
        try:
            installed = dockerfile_pip.installed(those[each], names, sign) or installed
            physical[each.first : each.last] = [dockerfile_pip.patched(those[each], requirements, index, sign)]
        except EditError as error:
            raise EditError(error.message, each.first + 1) from None
    if installed:
        return (BOM if text.startswith(BOM) else "") + "".join(physical)
    return _with_run(text, requirements, index)


def replace(text: str, instruction: Instruction, new: Sequence[str]) -> str:
    """Lines in the place of an instruction."""
    source = raw(text, instruction)
    last = end_of(lines(source)[-1])
    return with_lines(text, instruction.first, instruction.last, newline(text).join(new) + last)


def insert(text: str, after: Instruction, new: Sequence[str]) -> str:
    """Lines behind an instruction."""
    end = newline(text)
    source = raw(text, after)
    last = end_of(lines(source)[-1])
    block = "".join(line + end for line in new) if last else end + end.join(new)
    return with_lines(text, after.last, after.last, block)


def _with_run(text: str, requirements: Sequence[str], index: str | None) -> str:
    from json import dumps

    from torchsmith.managers.edits import dockerfile_pip

    words = ["python", "-m", "pip", "install", "--no-cache-dir", *requirements, *(("--index-url", index) if index else ())]
    line = "RUN " + dumps(words)
    stage = _of_last_stage(text)
    if any(each.keyword == "RUN" and each.arguments == dumps(words) for each in stage):
        return text
    first = next((each for each in stage if each.keyword == "RUN" and dockerfile_pip.installs(each.arguments)), None)
    if first is not None:
        return with_lines(text, first.first, first.first, line + newline(text))
    head = stage[0]
    for each in stage[1:]:
        if each.keyword not in {"ARG", "ENV", "LABEL", "SHELL", "WORKDIR"}:
            break
        head = each
    return insert(text, head, [line])


def _base(text: str) -> tuple[Instruction, str] | None:
    froms = [each for each in instructions(text) if each.keyword == "FROM"]
    named = stages(text)
    at = len(froms) - 1
    if at < 0:
        return None
    while True:
        earlier = [number for number in range(at) if named[number][1] and named[number][1] == named[at][0].lower()]
        if not earlier:
            return froms[at], named[at][0]
        at = earlier[-1]


def _argument(text: str, name: str) -> Instruction | None:
    found = [each for each in instructions(text) if each.stage < 0 and each.keyword == "ARG"]
    return next((each for each in reversed(found) if each.arguments.partition("=")[0] == name), None)


def _default(argument: Instruction) -> str:
    return argument.arguments.partition("=")[2].strip("\"'")


def _of_last_stage(text: str) -> list[Instruction]:
    found = instructions(text)
    return [each for each in found if each.stage == found[-1].stage and each.stage >= 0] if found else []


def _pairs(instruction: Instruction) -> list[tuple[str, str]]:
    first = instruction.arguments.partition(" ")
    if "=" not in first[0]:
        return [(first[0], first[2].strip())]
    words = (token.text for token in tokens(instruction.arguments, "\\") if token.kind == "word")
    pairs = (word.partition("=") for word in words)
    return [(name, value.strip("\"'")) for name, _, value in pairs]


def _word_replaced(text: str, instruction: Instruction, old: str, new: str) -> str:
    source = raw(text, instruction)
    at = source.find(old, source.find("=") + 1 if instruction.keyword == "ARG" else len(instruction.keyword))
    if at < 0:
        raise EditError(f"{old} is spread over lines", instruction.first + 1)
    return with_lines(text, instruction.first, instruction.last, source[:at] + new + source[at + len(old) :])
