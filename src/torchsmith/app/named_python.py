"""The interpreter that a plan file would have asked: judged by where it lies, before anything of it runs.

To look at an environment is to start its Python. The file may be anybody's, and so may what lies beside it.
"""

from __future__ import annotations

import re

from torchsmith.act import target as places
from torchsmith.app import question
from torchsmith.host.assuming import AssumingHost
from torchsmith.model.errors import StaleError, UsageError
from torchsmith.model.known import Known
from torchsmith.model.pattern import pattern
from torchsmith.probes import host_compiler, machine, target

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.app.plan_file import Kept
    from torchsmith.host.base import Host

_PYTHON = pattern(r"(?:python|pypy)[\d.]*[tw]?(?:\.exe)?", re.ASCII | re.IGNORECASE)
_ACTIVE = ("VIRTUAL_ENV", "CONDA_PREFIX")
_PROGRAMS = ("TRITON_PTXAS_PATH", "TRITON_PTXAS_BLACKWELL_PATH", *host_compiler.VARIABLES)
"""Variables that name programs which are asked for their versions; a plan may assume what this machine says, no other."""


def refuse_a_strangers(kept: Kept, host: Host) -> None:
    """Nothing, where the plan's environment is one that is found here without the file, or lies well away from the file.

    Assumed variables lead to programs as well: to the environment that is active, a compiler, an assembler.

    Raises:
        StaleError: it is not the environment that the plan rests on.
        UsageError: it is neither, or another program is named.

    """
    here, assumed = question.here(kept.asked, host)
    if other := next((name for name in _PROGRAMS if _value(here, name) not in {"", _value(host, name)}), ""):
        raise UsageError(f"`{kept.path}` names a program by the variable {other}, which is not set to that here; nothing was run")
    given = assumed.get("target")
    named = given.value.python if isinstance(given, Known) else _found(here)
    if not named:
        return
    own = {places.program(found) for each in _unasked(host) if (found := _found(each))}
    program, prefix = places.program(named)
    rests_on = _prefix_of(kept)
    if prefix and rests_on and places.real(rests_on) != prefix:
        raise StaleError(f"`{kept.path}` was altered: it names the interpreter `{named[:200]}`, and rests on `{rests_on[:200]}`")
    if (program, prefix) in own:
        return
    why = _why_not(kept, host, named, program, prefix)
    if why:
        raise UsageError(
            f"`{kept.path}` names the interpreter `{named[:200]}`, which {why}; nothing of it was run. "
            "If it is the one that you mean, name it yourself: torchsmith apply --python PATH"
        )


def _why_not(kept: Kept, host: Host, named: str, program: str, prefix: str) -> str:
    """Why one that is not found here by itself is not taken; empty if it is."""
    if not places.is_absolute(named):
        return "is not what is found here, and is no absolute path"
    if not prefix or not _PYTHON.fullmatch(named.replace("\\", "/").rpartition("/")[2]):
        return "is not what is found here, and is no Python of an environment"
    folders = host.folders()
    home = str(folders.value["home"]) if isinstance(folders, Known) else ""
    cwd = str(folders.value["cwd"]) if isinstance(folders, Known) else "."
    near = places.around((() if kept.path == "-" else (places.parent(kept.path),)) + (cwd,), home)
    for path in (program, prefix):
        if folder := next((each for each in near if places.within(path, each)), ""):
            return f"lies in `{folder}`, beside the plan or in this project, and is not what is found there"
    return ""


def _unasked(host: Host) -> tuple[Host, ...]:
    """This machine, and the same with no environment activated: the project's own counts beside an active one."""
    return host, AssumingHost(host, dict.fromkeys(_ACTIVE, ""))


def _found(host: Host) -> str:
    this = machine.machine(host)
    found = target.target(host, this.value) if isinstance(this, Known) else this
    return found.value.python if isinstance(found, Known) else ""


def _value(host: Host, name: str) -> str:
    fact = host.variable(name)
    return fact.value or "" if isinstance(fact, Known) else ""


def _prefix_of(kept: Kept) -> str:
    environment = kept.rests_on.get("environment") if isinstance(kept.rests_on, dict) else None
    prefix = environment.get("prefix") if isinstance(environment, dict) else None
    return prefix if isinstance(prefix, str) else ""
