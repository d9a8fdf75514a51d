"""Environment markers of requirements, as PEP 508 writes them, for a machine and a Python that need not be here.

Three answers: it holds, it does not, or nobody can tell (an extra, a kernel's release, a text that is no marker).
"""

from __future__ import annotations

from torchsmith.model import pep440
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from torchsmith.model.facts.machine import Machine

LONGEST = 2000
"""Characters of a marker that are read; a longer one says nothing."""
_DEEPEST = 20
_TOKEN = pattern(
    r"\s*(?:(?P<word>[A-Za-z_][A-Za-z0-9_.]*)|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|(?P<sign>===|[<>=!~]=|[<>()]))", 0x100
)
_SYSTEMS = {"linux": ("linux", "Linux", "posix"), "windows": ("win32", "Windows", "nt"), "macos": ("darwin", "Darwin", "posix")}
_ARM = {"linux": "aarch64", "windows": "ARM64", "macos": "arm64"}
_OLD_NAMES = {"os.name": "os_name", "sys.platform": "sys_platform", "platform.machine": "platform_machine"}
_NAMES = frozenset(
    {"os_name", "sys_platform", "platform_machine", "platform_system", "python_version", "python_full_version", "extra"}
    | {"platform_python_implementation", "python_implementation", "implementation_name", "implementation_version"}
    | {"platform_release", "platform_version", "extras", "dependency_groups"}
)


def environment(machine: Machine, python: str) -> dict[str, str]:
    """What markers may ask of a machine with a Python (``3.12``, ``3.14t``, ``3.12.4``); what is not in it nobody can tell."""
    platform, system, name = _SYSTEMS.get(machine.os, (machine.os, machine.os, "posix"))
    intel = "AMD64" if machine.os == "windows" else "x86_64"
    values = {
        "sys_platform": platform,
        "platform_system": system,
        "os_name": name,
        "platform_machine": _ARM.get(machine.os, "aarch64") if machine.arch == "aarch64" else intel,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "python_implementation": "CPython",
    }
    version = python.rstrip("t")
    if version:
        values["python_version"] = ".".join(version.split(".")[:2])
    if version.count(".") > 1:
        values["python_full_version"] = version
    return values


def holds(marker: str, values: Mapping[str, str]) -> bool | None:
    """Whether the marker holds where these values are; None where that cannot be told. An empty one always holds."""
    if not marker.strip():
        return True
    tokens = _tokens(marker)
    if tokens is None:
        return None
    try:
        answer = _any(tokens, values, 0)
    except (IndexError, ValueError, RecursionError):
        return None
    return None if tokens else answer


def _tokens(marker: str) -> list[tuple[str, str]] | None:
    """The words of a marker, the first one last; None for what is none."""
    found: list[tuple[str, str]] = []
    place, text = 0, marker.strip()
    while place < len(text):
        match = _TOKEN.match(text, place) if len(text) <= LONGEST else None
        if match is None or match.lastgroup is None:
            return None
        kind = "text" if match.lastgroup in {"single", "double"} else match.lastgroup
        found.append((kind, match[match.lastgroup]))
        place = match.end()
    return found[::-1]


def _any(tokens: list[tuple[str, str]], values: Mapping[str, str], depth: int) -> bool | None:
    answer = _all(tokens, values, depth)
    while tokens and tokens[-1] == ("word", "or"):
        tokens.pop()
        other = _all(tokens, values, depth)
        answer = True if answer or other else None if answer is None or other is None else False
    return answer


def _all(tokens: list[tuple[str, str]], values: Mapping[str, str], depth: int) -> bool | None:
    answer = _one(tokens, values, depth)
    while tokens and tokens[-1] == ("word", "and"):
        tokens.pop()
        other = _one(tokens, values, depth)
        answer = False if answer is False or other is False else None if answer is None or other is None else True
    return answer


def _one(tokens: list[tuple[str, str]], values: Mapping[str, str], depth: int) -> bool | None:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    kind, word = tokens.pop()
    if (kind, word) == ("sign", "("):
        answer = _any(tokens, values, depth + 1)
        if tokens.pop() != ("sign", ")"):
            raise ValueError("a bracket is not closed")
        return answer
    operator = tokens.pop()[1]
    if operator == "not":
        operator += f" {tokens.pop()[1]}"
    other = tokens.pop()
    return _compared((kind, word), operator, other, values)


def _compared(left: tuple[str, str], operator: str, right: tuple[str, str], values: Mapping[str, str]) -> bool | None:
    names = [_OLD_NAMES.get(word, word) for kind, word in (left, right) if kind == "word"]
    if len(names) != 1 or names[0] not in _NAMES or "sign" in {left[0], right[0]}:
        raise ValueError("not a comparison of a variable with a text")
    name, turned = names[0], right[0] == "word"
    text = left[1] if turned else right[1]
    if operator in {"in", "not in"}:
        return _inside(name, text, values, turned=turned, wanted=operator == "in")
    if turned:
        operator = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}.get(operator, operator)
    if name == "python_full_version" and name not in values:
        return _by_minor(operator, text, values.get("python_version"))
    if name not in values:
        return None
    if name.startswith("python_") and name != "python_implementation":
        return pep440.allows(f"{operator}{text}", values[name]) if pep440.is_version(text.removesuffix(".*")) else None
    if operator in {"==", "===", "!="}:
        return (values[name] == text) == (operator != "!=")
    return None


def _inside(name: str, text: str, values: Mapping[str, str], *, turned: bool, wanted: bool) -> bool | None:
    if name not in values:
        return None
    if turned:  # 'linux' in sys_platform
        return (text in values[name]) == wanted
    parts = text.replace(",", " ").split() if name == "python_version" else None
    return ((values[name] in parts) if parts is not None else values[name] in text) == wanted


def _by_minor(operator: str, text: str, python: str | None) -> bool | None:
    """A full version against the first two numbers, which decide unless they are the very same."""
    if python is None or not pep440.is_version(text.removesuffix(".*")):
        return None
    first, last = (pep440.allows(f"{operator}{text}", f"{python}.{patch}") for patch in ("0", "9999"))
    exact = operator in {"==", "===", "!="} and text.startswith(f"{python}.") and not text.endswith(".*")
    return None if exact or first != last else first
