"""Versions as each package manager writes them: PEP 440, Poetry's and Pipenv's carets, conda's match specifications."""

from __future__ import annotations

from functools import lru_cache

from torchsmith.model import pep440
from torchsmith.model.pattern import pattern

LONGEST = 1000
"""Characters of a specifier that are read; a longer one says nothing."""
_CLAUSE = pattern(r"(===|==|!=|<=|>=|~=|<|>)\s*([^\s,;@]+)")
_LOOSE = pattern(r"(===|==|!=|<=|>=|~=|<|>|=|\^|~)?\s*([^\s,|^~<>=!]+)")
_WHEEL = pattern(r"[^/\s]{1,100}-(?P<version>\d[\w.]{0,60}(?:(?:\+|%2[Bb])[\w.]{1,40})?)-[^/\s]{1,200}\.whl(?:[?#]\S{0,500})?$")


@lru_cache(8192)
def allowed(specifier: str, where: str, version: str) -> bool | None:
    """Whether what a project file asks for takes the version; None where it cannot be read.

    ``where`` is that of a ``Dependency``: it tells whose language the specifier is.
    """
    text = specifier.strip()
    if text in {"", "*"}:
        return True
    if len(text) > LONGEST:
        return None
    if text.startswith("@") or "://" in text:
        named = version_of_url(text)
        return pep440.allows(f"=={named}", version) if named else None
    if where.startswith(("poetry", "pipenv")):
        return _any(text, version, conda=False)
    if where.startswith(("conda", "pixi")) and where != "conda-pip":
        return _any(text, version, conda=True)
    return _all(text.strip("()"), version)


def in_pep440(specifier: str, where: str) -> str | None:
    """The same in PEP 440's words; None where that cannot be said, as of alternatives, or where it cannot be read."""
    text = specifier.strip()
    if text in {"", "*"} or len(text) > LONGEST or "|" in text:
        return "" if text in {"", "*"} else None
    if text.startswith("@") or "://" in text:
        named = version_of_url(text)
        return f"=={named}" if named else None
    conda = where.startswith(("conda", "pixi")) and where != "conda-pip"
    if not conda and not where.startswith(("poetry", "pipenv")):
        plain = "".join(text.strip("()").split())
        return plain if _all(plain, "0") is not None else None
    text = _without_build(text) if conda else text
    if _loose(text, "0", conda=conda) is None:
        return None
    found = ((sign[1] or "", sign[2]) for sign in _LOOSE.finditer(text))
    return ",".join(clause for sign, number in found if number != "*" for clause in _clauses(sign, number, conda=conda))


def is_exact(specifier: str, where: str) -> bool:
    """Whether it takes one version only."""
    said = in_pep440(specifier, where) or ""
    return said.startswith("==") and "," not in said and not said.endswith(".*")


def wished(specifier: str, version: str) -> bool:
    """Whether ``--torch`` takes a version with its build: clauses of PEP 440, ``+cu128`` alone, ``==2.9.*+cu128``."""
    public, _, label = version.partition("+")
    for clause in specifier.split(","):
        base, plus, wanted = clause.partition("+")
        if plus and (not base or base.endswith(".*")):
            if wanted.lower() != label or (base and not pep440.allows(base, public)):
                return False
        elif not (clause[3:] in {version, public} if clause.startswith("===") else pep440.allows(clause.lower(), version)):
            return False
    return True


def version_of_url(text: str) -> str:
    """The version that a wheel's address bears in its name; empty where it is none."""
    found = _WHEEL.search(text.lstrip("@ ").rpartition("/")[2])
    return found["version"].replace("%2B", "+").replace("%2b", "+") if found else ""


def _all(text: str, version: str) -> bool | None:
    answers = []
    for part in text.split(","):
        if not part.strip():
            continue
        clause = _CLAUSE.fullmatch(part.strip())
        if not clause or not pep440.is_version(clause[2].removesuffix(".*")):
            return None
        if clause[1] == "===":
            answers.append(clause[2] in {version, pep440.public(version)})
        else:
            answers.append(pep440.allows(f"{clause[1]}{clause[2]}", version))
    return all(answers)


def _any(text: str, version: str, *, conda: bool) -> bool | None:
    """Alternatives between bars, each of clauses that all must hold."""
    answers = [_loose(part.strip(), version, conda=conda) for part in text.replace("||", "|").split("|")]
    return True if True in answers else None if None in answers else False


def _loose(text: str, version: str, *, conda: bool) -> bool | None:
    if text in {"", "*"}:
        return True
    if conda:
        text = _without_build(text)
    if _LOOSE.sub("", text).strip(" ,"):
        return None
    clauses: list[str] = []
    for sign, number in ((found[1] or "", found[2]) for found in _LOOSE.finditer(text)):
        if number == "*":
            continue
        if not pep440.is_version(number.removesuffix(".*").removesuffix("*")):
            return None
        clauses += _clauses(sign, number, conda=conda)
    return all(pep440.allows(clause, version) for clause in clauses)


def _clauses(sign: str, number: str, *, conda: bool) -> list[str]:
    """One clause in PEP 440's words."""
    if sign in {"^", "~"}:
        return [f">={number}", f"<{_next(number, caret=sign == '^')}"]
    starred = number.endswith("*")
    bare = number.removesuffix("*").removesuffix(".")
    if conda and sign in {"=", ""} and (starred or sign):
        return [f"=={bare}.*"]
    if starred and sign in {"", "=", "=="}:
        return [f"=={bare}.*"]
    if starred and sign == "!=":
        return [f"!={bare}.*"]
    return [f"{'==' if sign in {'', '='} else sign}{bare}"]


def _next(number: str, *, caret: bool) -> str:
    """The first version that ``^number`` or ``~number`` no longer takes."""
    parts = [int(part) for part in pep440.public(number).split(".") if part.isdigit()] or [0]
    first = next((place for place, part in enumerate(parts, 1) if part), len(parts))
    kept = parts[: first if caret else min(len(parts), 2)]
    kept[-1] += 1
    return ".".join(map(str, kept))


def _without_build(text: str) -> str:
    """A match specification without its build string: ``=2.5.1=py3.12_cuda12.4_0``, ``2.5.* *cuda*``."""
    head, _, rest = text.partition(" ")
    if rest and head[-1:] not in ",<>=!" and not rest.strip().startswith((",", "<", ">", "=", "!")):
        text = head
    sign = "==" if text.startswith("==") else "=" if text.startswith("=") else ""
    body = text[len(sign) :]
    if not any(mark in body for mark in "<>!~"):
        body = body.partition("=")[0]
    return sign + body
