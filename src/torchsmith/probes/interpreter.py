"""What the target interpreter is and what it would import from."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Interpreter, Target
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@probe
def interpreter(host: Host, target: Target) -> Fact[Interpreter]:
    """Run ``host/inside/describe.py`` in it, isolated: nothing of the environment is executed."""
    answer = host.ask("describe", python=target.python)
    if isinstance(answer, Unknown):
        return answer
    try:
        path = host.variable("PYTHONPATH")
        no_user = host.variable("PYTHONNOUSERSITE")
        safe = host.variable("PYTHONSAFEPATH")
        cwd = host.folders()
        return Known(
            parse(
                answer.value,
                cwd.value["cwd"] if isinstance(cwd, Known) and not _set(safe) else "",
                (path.value if isinstance(path, Known) else None) or "",
                _set(no_user),
            ),
            answer.source,
        )
    except (KeyError, TypeError, ValueError) as error:
        return Unknown(f"the interpreter described itself in an unknown form ({error})", (target.python,))


def _set(variable: Fact[str | None]) -> bool:
    return isinstance(variable, Known) and bool(variable.value)


def parse(answer: dict[str, Any], cwd: str, pythonpath: str, no_user_site: bool) -> Interpreter:
    """The interpreter of describe.py's answer; ``cwd`` stands first on the search path, as for a script run here."""
    separator = ";" if answer["platform"] == "win32" else ":"
    user_site = answer["user_site"] if answer["user_site_enabled"] and not no_user_site else None
    sites = [str(folder) for folder in answer["site_packages"]]
    asked = [entry.rstrip("/") or "/" for entry in pythonpath.split(separator) if entry]
    # A venv that admits the system's packages has its own first, then the user's, then the system's.
    first = [folder for folder in sites if "prefix" in answer["venv"] and folder.startswith(str(answer["prefix"]))]
    search = [cwd, *asked, *answer["stdlib_path"]]
    for folder in (*first, *([user_site] if user_site else []), *(folder for folder in sites if folder not in first)):
        search += [folder, *answer["pth"].get(folder, ())]
    venv = answer["venv"]
    conda = bool(answer["conda"])
    return Interpreter(
        executable=str(answer["executable"]),
        version=str(answer["version"]),
        prefix=str(answer["prefix"]),
        base_prefix=str(answer["base_prefix"]),
        bits=int(answer["bits"]),
        machine=str(answer["machine"]),
        platform=str(answer["platform"]),
        kind="conda" if conda else "venv" if "prefix" in venv else "system",
        search_path=tuple(dict.fromkeys(entry for entry in search if entry)),
        site_packages=tuple(sites),
        user_site=user_site,
        implementation=str(answer["implementation"]),
        cache_tag=str(answer["cache_tag"] or ""),
        free_threaded=bool(answer["free_threaded"]),
        externally_managed=bool(answer["externally_managed"]),
        stdlib=str(answer["stdlib"]),
        libc=str(answer["libc"]),
        release_level=str(answer["release_level"]),
        banner=str(answer["banner"]),
        venv_home=str(venv.get("home", "")),
        system_site=venv.get("include-system-site-packages", "").lower() == "true",
        folder=cwd,
        pythonpath=tuple(asked),
    )
