"""The readable part of mangled C++ names: namespaces and the function or variable itself, without parameters.

A whole demangler is not needed to say which part of torch a symbol is of. Source: the Itanium C++ ABI, chapter 5.1
(https://itanium-cxx-abi.github.io/cxx-abi/abi.html#mangling). Names of Microsoft's compiler are written inside out:
``?raise@c10@@YAXXZ`` is ``c10::raise``.
"""

from __future__ import annotations

from torchsmith.model.pattern import pattern

PARTS_LIMIT = 32

_SPECIAL = pattern(r"T[VTISvhcW]|G[VR]")
_KINDS = {"TV": "vtable for ", "TI": "typeinfo for ", "TS": "typeinfo name for ", "TT": "VTT for ", "GV": "guard variable for "}
_LENGTH = pattern(r"[1-9][0-9]{0,3}")
_OFFSET = pattern(r"h?n?[0-9]+_|v?n?[0-9]+_n?[0-9]+_")
_MICROSOFT = pattern(r"\?(?:([A-Za-z_][A-Za-z0-9_]*)@|\?([01]))((?:[A-Za-z_][A-Za-z0-9_]*@)*)@")


def readable(name: str) -> str:
    """Return ``c10::detail::torchCheckFail`` for a mangled name; the name itself where that is beyond this, or it is none."""
    if name.startswith("?"):
        return _microsoft(name)
    if not name.startswith("_Z"):
        return name
    rest = name[2:]
    kind = _SPECIAL.match(rest)
    prefix = ""
    if kind:
        prefix, rest = _KINDS.get(kind[0], ""), rest[2:]
        if kind[0] in {"Tv", "Th", "Tc"}:
            offset = _OFFSET.match(rest)
            rest = rest[offset.end() :] if offset else ""
    parts = _parts(rest)
    return prefix + "::".join(parts) if parts else name


def _parts(rest: str) -> list[str]:
    """The components of a name up to the first that is more than an identifier."""
    nested = rest.startswith("N")
    rest = rest[1:].lstrip("rVKRO") if nested else rest
    parts: list[str] = []
    while len(parts) < PARTS_LIMIT:
        length = _LENGTH.match(rest)
        if length:
            end = length.end() + int(length[0])
            parts.append(rest[length.end() : end])
            rest = rest[end:]
            while rest.startswith("B") and (tag := _LENGTH.match(rest, 1)):  # an ABI tag, [abi:cxx11]
                rest = rest[tag.end() + int(tag[0]) :]
        elif rest.startswith("St") and not parts:
            parts, rest = ["std"], rest[2:]
            if _LENGTH.match(rest):
                continue
        elif parts and rest[:2] in {"C1", "C2", "C3"}:
            return [*parts, parts[-1]]
        elif parts and rest[:2] in {"D0", "D1", "D2"}:
            return [*parts, f"~{parts[-1]}"]
        elif parts and rest.startswith("I"):
            return [*parts[:-1], f"{parts[-1]}<...>"]
        else:
            break
        if not nested and parts != ["std"]:
            break
    return [part.replace("_GLOBAL__N_1", "(anonymous namespace)") for part in parts]


def _microsoft(name: str) -> str:
    match = _MICROSOFT.match(name)
    if match is None:
        return name
    scopes = [scope for scope in match[3].split("@") if scope][::-1]
    own = {"0": scopes[-1:], "1": [f"~{scope}" for scope in scopes[-1:]]}.get(match[2], [match[1]])
    return "::".join((*scopes, *own))
