"""Whether an environment is what a transaction promises: its records, then its imports, then a product of matrices.

An installer's exit status is no proof: it may say 0 and have done nothing, or fail after having done all. What is there is.
Nothing of the environment is run before its records are sound; what is run is a child with a time limit, ended as a group.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from torchsmith import host
from torchsmith.act import clashes, records, tools
from torchsmith.model.record import record
from torchsmith.model.versions import cuda_of_label, local_label, minor, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from torchsmith.act.records import Distribution
    from torchsmith.model.transaction import Expected, Transaction

    Checks = tuple[tuple[str, bool, str], ...]

LIMIT = 300.0
"""Seconds for all imports: those of torch from a cold disk take the better part of a minute."""
_FRAME = "\x02torchsmith\x02"
_LISTED = 5
_SPARE = 2 * 10**9
"""Bytes beyond three times what is known: other packages may come with it."""


@record
class Here:
    """An environment on disk: what is recorded as installed in it, and folders that an installer left half done."""

    prefix: Path
    distributions: tuple[Distribution, ...]
    leftovers: tuple[str, ...]

    def of(self, name: str) -> tuple[Distribution, ...]:
        """Every record of a package; a sound environment has one."""
        return tuple(found for found in self.distributions if found.name == records.normal(name))


def verify(python: str, transaction: Transaction, live: bool) -> Checks:
    """(name, passed, what was found) of each check of the environment whose Python is ``python``.

    ``live`` says that it has taken its place already: what is there is what passed as a clone, so its Python is asked only
    whether it finds it there. What was amiss in the live environment before, and is no part of the change, does not fail.
    """
    if transaction.environment is None or not python:
        return ()
    expected = transaction.expected
    here = _read(prefix_of(python))
    if live:
        return tuple(_in_place(python, here, expected))
    before = Here(here.prefix, (), ()) if transaction.environment.create else _read(Path(transaction.environment.prefix))
    checks = tuple(_records(here, before, expected))
    if transaction.disk_bytes:
        checks = (*checks, _size_check(here, before, transaction.disk_bytes))
    if not all(passed for _, passed, _ in checks):
        return checks
    checks = (*checks, *_imports(python, here, expected))
    return (*checks, *_declared(python, transaction, here, before))


def prefix_of(python: str) -> Path:
    """The environment of an interpreter, by where it lies: it may be a link to one outside."""
    folder = Path(os.path.abspath(python)).parent
    return folder.parent if folder.name.lower() in {"bin", "scripts"} else folder


def _read(prefix: Path) -> Here:
    return Here(prefix, *records.read(prefix))


# ---- what is recorded


def _records(here: Here, before: Here, expected: Expected) -> Iterator[tuple[str, bool, str]]:
    wanted = dict((*expected.packages, *((("torch", expected.torch),) if expected.torch else ())))
    for name, version in wanted.items():
        yield _one_record(here, name, version)
    for name in expected.absent:
        there = here.of(name)
        if there:
            yield f"{name} is gone", False, f"{there[0].name} {there[0].version} is still there"
    names = {records.normal(name) for name in wanted}
    new = set(_new(here, before))
    touched = [each for each in here.distributions if each.name in names or each in new]
    files, faults = 0, []
    for each in touched:
        seen, wrong = each.damage(here.prefix)
        files += seen
        faults += wrong
    doubled = sorted({each.name for each in touched if len(here.of(each.name)) > 1} - names)
    faults += [f"{name} has {len(here.of(name))} records" for name in doubled]
    told = "; ".join(faults[:_LISTED]) + (f"; and {len(faults) - _LISTED} more" if len(faults) > _LISTED else "")
    yield "every file is there as it was recorded", not faults, told or f"{files} files of {len(touched)} packages"
    left = [name for name in here.leftovers if name not in before.leftovers]
    if left:
        yield "nothing is left half done", False, ", ".join(left[:_LISTED])


def _new(here: Here, before: Here) -> list[Distribution]:
    """What the change brought: a name at a version that was not there."""
    known = {(each.name, each.version) for each in before.distributions}
    return [each for each in here.distributions if (each.name, each.version) not in known]


def _size_check(here: Here, before: Here, promised: int) -> tuple[str, bool, str]:
    """Whether it is about as large as such a build is known to be: a wheel may hold anything that packs well."""
    size = sum(found or 0 for each in _new(here, before) for _, found in each.rows())
    told = f"{size // 10**6} MB on disk, where about {promised // 10**6} MB are known of it"
    return "it is not larger than it should be", size <= 3 * promised + _SPARE, told


def _one_record(here: Here, name: str, version: str) -> tuple[str, bool, str]:
    there = here.of(name)
    title = f"{name} {version} is recorded once" if version else f"{name} is recorded once"
    if not there:
        return title, False, f"{name} is not installed"
    if len(there) > 1:
        return title, False, f"{name} has {len(there)} records: {', '.join(each.version for each in there)}"
    return title, same_version(there[0].version, version), f"{name} {there[0].version}"


def same_version(have: str, wanted: str) -> bool:
    """Whether the version is the one that is meant. The label of a build may be missing: only some indexes write it."""
    if not wanted:
        return True
    from torchsmith.model import pep440

    if pep440.key(public(have)) != pep440.key(public(wanted)):
        return False
    return not (local_label(have) and local_label(wanted)) or local_label(have) == local_label(wanted)


# ---- what it does


def _in_place(python: str, here: Here, expected: Expected) -> Iterator[tuple[str, bool, str]]:
    """Whether the Python that is live finds each module in its own environment. Nothing is imported, and nothing written."""
    modules = _modules(here, expected)
    found = _asked(python, [f"find:{module}" for module in modules], live=True) if modules else {}
    inside = (os.path.abspath(here.prefix) + os.sep, os.path.realpath(here.prefix) + os.sep)
    for module in modules:
        told = found.get(f"find:{module}", {})
        place = str(told.get("place", ""))
        yield f"{module} is found in its place", place.startswith(inside), place or _why(told, found)


def _imports(python: str, here: Here, expected: Expected) -> Iterator[tuple[str, bool, str]]:
    modules = _modules(here, expected)
    parts = [f"import:{module}" for module in modules]
    device = "xpu" if local_label(expected.torch).startswith("xpu") else "cuda"
    if expected.torch:
        parts += ["exact:cpu", *((f"exact:{device}",) if expected.gpu else ())]
    if not parts:
        return
    found = _asked(python, parts, live=False)
    for module in modules:
        told = found.get(f"import:{module}", {})
        yield _import_check(module, told, found)
    if expected.torch and "version" in (told := found.get("import:torch", {})):
        yield _build_check(told, expected.torch)
    for part in parts[len(modules) :]:
        yield from _product_checks(part.partition(":")[2], found.get(part, {}), found)


def _declared(python: str, transaction: Transaction, here: Here, before: Here) -> Iterator[tuple[str, bool, str]]:
    """Declared against working: what the change makes packages declare in vain, and whether they import all the same.

    One that did not import before either is none of the change.
    """
    known = {clashes.told(each) for each in clashes.clashes(before.distributions)}
    found = [each for each in clashes.clashes(here.distributions) if clashes.told(each) not in known]
    modules = {each.package: here.of(each.package)[0].module() for each in found}
    asked = [f"import:{module}" for module in dict.fromkeys(modules.values()) if module]
    answers = _asked(python, asked, live=False) if asked else {}
    failed = [part for part in asked if "seconds" not in answers.get(part, {})]
    place = transaction.environment
    old = _asked(place.python, failed, live=True) if failed and place is not None and before.distributions else {}
    for each in found:
        part = f"import:{modules[each.package]}"
        works, worked = part not in failed, not old or "seconds" in old.get(part, {})
        why = "it imports all the same" if works else _why(answers.get(part, {}), answers)
        name = f"{each.package} works beside {each.name} {each.have}"
        yield name, works or not worked, f"{clashes.told(each)}; {why if works or worked else 'it did not import before either'}"


def _modules(here: Here, expected: Expected) -> tuple[str, ...]:
    """What is imported: torch, and of each package that was promised its own module."""
    names = (*(("torch",) if expected.torch else ()), *(name for name, _ in expected.packages))
    modules = (each.module() for name in names for each in here.of(name)[:1])
    return tuple(dict.fromkeys(module for module in modules if module))


def _asked(python: str, parts: Sequence[str], *, live: bool) -> dict[str, Any]:
    """What the script in the environment answered, part by part; whatever else was printed does not count."""
    script = str(Path(host.__file__).parent / "inside" / "verify.py")
    # In a clone the modules are compiled by this import, so that the next one is quick; what is live stays as it was promised.
    environ = tools.environment(PYTHONNOUSERSITE="1") | ({"PYTHONDONTWRITEBYTECODE": "1"} if live else {})
    ended = tools.run((python, script, _FRAME, *parts), LIMIT, environ)
    found: dict[str, Any] = {}
    for answer in ended.out.split(_FRAME)[1::2]:
        with suppress(ValueError, TypeError, RecursionError):
            for name, facts in json.loads(answer).items():
                found[name] = found.get(name, {}) | facts
    if ended.lost or ended.status:
        found["ended"] = {"why": ended.said if ended.status >= 0 else f"ended by signal {-ended.status}"}
    return found


def _import_check(module: str, told: dict[str, Any], found: dict[str, Any]) -> tuple[str, bool, str]:
    if "error" in told or "seconds" not in told:
        return f"import {module}", False, _why(told, found)
    return f"import {module}", True, f"{str(told.get('version'))[:80] or 'imported'} in {float(told['seconds']):.2f} s"


def _build_check(told: dict[str, Any], promised: str) -> tuple[str, bool, str]:
    """Torch's own word: its version and label, and the CUDA that it was made with where it names one."""
    version, cuda, label = str(told["version"])[:80], told.get("cuda"), local_label(promised)
    as_promised = public(version) == public(promised)
    if label and local_label(version):
        as_promised &= local_label(version) == label
    meant = cuda_of_label(label)
    if told.get("knows") and label and (cuda or meant or label == "cpu"):
        as_promised &= (meant is None and not cuda) or (bool(cuda) and meant == minor(str(cuda)))
    return "version and build", as_promised, f"{version}, CUDA {cuda or 'none'}; promised {promised}"


def _product_checks(device: str, told: dict[str, Any], found: dict[str, Any]) -> Iterator[tuple[str, bool, str]]:
    where = "CPU" if device == "cpu" else "GPU"
    if device != "cpu":
        yield "torch sees the GPU", bool(told.get("available")), str(told.get("name") or _why(told, found) or "no GPU")[:300]
        if not told.get("available"):
            return
    wrong = told.get("wrong")
    right = wrong == 0 and "error" not in told
    entries = f"{wrong} of {told.get('entries')} entries differ" if isinstance(wrong, int) else _why(told, found)
    yield f"matrix product on the {where} is exact", right, entries


def _why(told: dict[str, Any], found: dict[str, Any]) -> str:
    if told.get("available") is False:
        return "torch finds none"
    return str(told.get("error") or found.get("ended", {}).get("why") or "no answer")[:300]
