"""An option checked by a real resolver: uv, or pip where there is no uv; Poetry for what Poetry would install.

Nothing is installed, and nothing is built but what Poetry builds to read what a package needs. The resolver works in a folder
of its own, with the indexes that the user has configured, not those of the folder that it is called in; the Python and the
system that it resolves for are those of the option, so another machine's can be checked too. A resolver that answers
"impossible" rejects the option; one that gives no answer (no index, no network) leaves it unchecked.
"""

from __future__ import annotations

import json
import shutil
import sys
import time

from torchsmith.act import tools
from torchsmith.host import redact
from torchsmith.model import pep440
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torchsmith.act.tools import Ended, Tool
    from torchsmith.model.choice import Candidate, Option, Place, Requirement

LIMIT = 120.0
"""Seconds for one answer."""

PLATFORMS = {
    "linux-x86_64": "x86_64-manylinux_2_28",
    "linux-aarch64": "aarch64-manylinux_2_28",
    "windows": "x86_64-pc-windows-msvc",
    "macos-arm64": "aarch64-apple-darwin",
    "macos-x86_64": "x86_64-apple-darwin",
}
"""The platforms of the tables in uv's words. What glibc a build needs has been judged before."""

_PINNED = pattern(r"^([A-Za-z0-9][A-Za-z0-9._-]{0,120})==([A-Za-z0-9][A-Za-z0-9.+!_-]{0,120})\s*(?:;.*)?$", 0x8)
_IMPOSSIBLE = pattern(r"No solution found when resolving dependencies|version solving failed|ResolutionImpossible")
_UNPUBLISHED = pattern(r"No matching distribution found for")
# What looks like "impossible" and is not: the resolver could not look, or may not build what it would have to.
_SOURCE_ONLY = pattern(r"\b([A-Za-z0-9][A-Za-z0-9._-]{0,80})==(\S{1,60}) has no usable wheels")
_BLIND = pattern(
    r"network was disabled|could not be queried|Failed to fetch|Request failed|[Uu]nauthorized|Forbidden|dns error"
    r"|Failed to establish a new connection|Connection (?:refused|error|broken)|[Tt]imed? ?out|SSLError|ProxyError"
    r"|[Bb]uilding source distributions is disabled|has no usable wheels|using (?:no-build|`--no-build)|all attempts to connect"
)
_LEAD = pattern(r"^(?:\s|[x×╰─▶│]|error:|cause:|hint:|ERROR:|├)+", 0x8)
_FETCHED = pattern(r"Failed to fetch.{0,20}https?://")
_LISTED = pattern(r"\(from versions: [^)]{0,20000}\)?")
_LONGEST = 400
_SOURCES = 8
"""Packages that are there as source only, and that a check does without."""
_OURS = "torchsmith-check"


@record
class Resolution:
    """What a resolver said: ``checked`` names it, None where there was no answer.

    ``problem`` is its own account of what cannot be resolved, empty if all could; ``versions`` are (name, version) pairs.
    ``why`` says why there was no answer, or, beside one, what the answer leaves out.
    """

    checked: str | None
    problem: str = ""
    versions: tuple[tuple[str, str], ...] = ()
    why: str = ""


def check(option: Option, place: Place, wanted: Sequence[Requirement] = (), limit: float = LIMIT) -> Resolution:
    """What the resolver of this approach says of the option, ``wanted`` packages beside it."""
    candidate = option.candidate
    if candidate.channel != "wheel":
        return Resolution(None, why=f"{candidate.channel} is no package index: uv and pip cannot ask it")
    if candidate.platform not in PLATFORMS:
        return Resolution(None, why=f"no resolver here resolves for {candidate.platform}")
    project = place.environment.project if place.environment else ""
    poetry = tools.find("poetry") if option.approach.name == "poetry" and project else None
    if poetry:
        return _by_poetry(poetry, option, project, limit)
    uv = tools.find("uv")
    if uv:
        return _by_uv(uv, option, wanted, limit)
    pip = tools.pip_of(sys.executable)
    if pip is None:
        return Resolution(None, why="neither uv nor pip is at hand")
    return _by_pip(pip, option, wanted, limit)


def requirements(option: Option, wanted: Sequence[Requirement]) -> list[str]:
    """What is asked of the resolver: exact versions, with the local label where an index of its own serves them."""
    label = "" if option.candidate.platform.startswith("macos") else f"+{option.candidate.build}"
    # A companion bears the label of its build only where torch does; an older one on the same index may be without.
    pins = [
        f"{p.name}=={p.version}{label if p.index and p.name == 'torch' and '+' not in p.version else ''}" for p in option.packages
    ]
    names = {pin.name for pin in option.packages}
    return pins + [str(each) for each in wanted if each.name not in names]


# ---- uv


def _by_uv(uv: Tool, option: Option, wanted: Sequence[Requirement], limit: float) -> Resolution:
    """What is there as source only would have to be built to say what it needs: it is taken to need nothing instead."""
    candidate = option.candidate
    if candidate.python.endswith("t"):
        there = tools.run([*uv.argv, "python", "find", candidate.python], limit, tools.environment())
        if there.lost or there.status:
            return Resolution(None, why=f"{uv} resolves for a free-threaded Python where one is: {candidate.python} is not here")
    more = tools.indexes_for_uv(option.approach.name)
    # Beside a platform uv assumes an old macOS; torch's wheels name a newer one.
    patience = {"MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_HTTP_RETRIES": "1", "UV_HTTP_CONNECT_TIMEOUT": "5"}
    environ = patience | tools.environment(**more)
    sources: dict[str, str] = {}
    with tools.folder() as folder:
        project = folder / "pyproject.toml"
        argv = [*uv.argv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--only-binary", ":all:"]
        argv += ["--python-platform", PLATFORMS[candidate.platform], *_python(candidate), str(project)]
        ends = time.monotonic() + limit
        while True:
            project.write_text(_project(option, requirements(option, wanted), sources), encoding="utf-8")
            allowed = [word for name in sources for word in ("--no-binary", name)]
            ended = tools.run([*argv, *allowed], max(1.0, ends - time.monotonic()), environ)
            found = dict(_SOURCE_ONLY.findall(" ".join(ended.err.split()))) if ended.status else {}
            if not found.keys() - sources.keys() or len(sources) >= _SOURCES:
                return _judged(uv, option, ended, tuple(sources))
            sources |= found


def _python(candidate: Candidate) -> tuple[str, ...]:
    """An interpreter to start from, and the version to resolve for; a free-threaded one has to be there itself."""
    if candidate.python.endswith("t"):
        return ("--python", candidate.python)
    return ("--python", sys.executable, "--python-version", candidate.python)


def _project(option: Option, wanted: Sequence[str], sources: Mapping[str, str]) -> str:
    """A project that asks for all this: torch and its companions from their index, all else from the configured ones."""
    lines = ["[project]", f'name = "{_OURS}"', 'version = "0"', f'requires-python = "=={_minor(option)}.*"']
    lines += [f"dependencies = {json.dumps(list(wanted))}"]
    bound = {pin.name: pin.index for pin in option.packages if pin.index}
    names = {url: f"torchsmith-{number}" for number, url in enumerate(dict.fromkeys(bound.values()))}
    for url, name in names.items():
        # The triton of a ROCm or XPU build is served by the same index alone.
        explicit = "false" if option.candidate.kind in {"rocm", "xpu"} else "true"
        lines += ["[[tool.uv.index]]", f'name = "{name}"', f"url = {json.dumps(url)}", f"explicit = {explicit}"]
    if bound:
        lines += ["[tool.uv.sources]", *(f'{name} = {{ index = "{names[url]}" }}' for name, url in bound.items())]
    for name, version in sources.items():
        lines += ["[[tool.uv.dependency-metadata]]", f"name = {json.dumps(name)}", f"version = {json.dumps(version)}"]
    return "\n".join(lines) + "\n"


def _minor(option: Option) -> str:
    return option.candidate.python.rstrip("t")


# ---- pip


def _by_pip(pip: Tool, option: Option, wanted: Sequence[Requirement], limit: float) -> Resolution:
    """The pip knows the conditions of its own system and Python only, so it is asked for these alone."""
    candidate = option.candidate
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if candidate.python != here or not candidate.platform.startswith(_own_platform()):
        return Resolution(None, why=f"pip resolves for its own system and Python {here} alone; uv would for any")
    argv = [*pip.argv, "install", "--dry-run", "--ignore-installed", "--quiet", "--only-binary", ":all:", "--report"]
    with tools.folder() as folder:
        report = folder / "report.json"
        alone = not wanted and all(pin.index == option.index for pin in option.packages)
        index = ("--index-url", option.index) if option.index and alone else ()
        extra = ("--extra-index-url", option.index) if option.index and not alone else ()
        ended = tools.run([*argv, str(report), *index, *extra, *requirements(option, wanted)], limit, tools.environment())
        if ended.status == 0 and report.is_file():
            told = json.loads(report.read_text(encoding="utf-8"))["install"]
            lines = [f"{each['metadata']['name']}=={each['metadata']['version']}" for each in told]
            ended = tools.Ended(0, "\n".join(lines))
    return _judged(pip, option, ended)


def _own_platform() -> str:
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")


# ---- Poetry


def _by_poetry(poetry: Tool, option: Option, project: str, limit: float) -> Resolution:
    """The option's own commands in a copy of the project, which is locked and not installed."""
    from pathlib import Path

    if _has_paths(Path(project) / "pyproject.toml"):
        return Resolution(None, why="the project depends on folders or repositories, which a copy of it elsewhere does not reach")
    if option.files:
        return Resolution(None, why="lines that are put into pyproject.toml by hand: Poetry cannot be asked before")
    environ = tools.environment(POETRY_VIRTUALENVS_CREATE="false")
    with tools.folder() as folder:
        for name in ("pyproject.toml", "poetry.lock"):
            if (Path(project) / name).is_file():
                shutil.copy(Path(project) / name, folder)
        ended = tools.Ended(1, lost="the option has no command for Poetry")
        for command in option.commands:
            words = _locking(command)
            if words:
                ended = tools.run([*poetry.argv, "--no-ansi", "-C", str(folder), *words], limit, environ)
                if ended.lost or ended.status:
                    break
        if not ended.lost and ended.status == 0:
            ended = tools.Ended(0, _locked(folder / "poetry.lock"))
    return _judged(poetry, option, ended)


def _has_paths(pyproject: Path) -> bool:
    """Whether a dependency is a folder, a file or a repository: a copy of the project does not reach it."""
    import tomllib

    try:
        tables = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    found, left = False, [tables.get("tool", {}).get("poetry") or {}]
    while left and not found:
        table = left.pop()
        found = any(name in table for name in ("path", "git")) and "name" not in table
        for value in table.values():
            left += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]
    listed = tables.get("project", {}).get("dependencies", [])
    return found or any("@" in str(each) for each in (listed if isinstance(listed, list) else []))


def _locking(command: Sequence[str]) -> list[str]:
    """A command of Poetry as one that changes its files alone; empty for any other."""
    words = list(command[1:]) if command[:1] == ("poetry",) else []
    verb = words[0] if words else ""
    if verb in {"add", "remove"}:
        return [*words, *(("--lock",) if "--lock" not in words else ())]
    return words if verb in {"source", "lock", "init"} else []


def _locked(lock: Path) -> str:
    import tomllib

    try:
        packages = tomllib.loads(lock.read_text(encoding="utf-8")).get("package", [])
    except (OSError, ValueError):
        return ""
    return "\n".join(f"{package.get('name')}=={package.get('version')}" for package in packages)


# ---- what they said


def _judged(tool: Tool, option: Option, ended: Ended, sources: Sequence[str] = ()) -> Resolution:
    """The answer of a resolver, told apart from a resolver that could not look."""
    without = f"not checked: what {', '.join(sources)} needs, which is there as source only" if sources else ""
    if ended.lost:
        return Resolution(None, why=f"{tool}: {ended.lost}")
    if ended.status == 0:
        versions = tuple((found[1].lower().replace("_", "-"), found[2]) for found in _PINNED.finditer(ended.out))
        return Resolution(str(tool), _another_build(option, dict(versions)), versions, without)
    said = ended.err.strip() or ended.out.strip()
    answered = _IMPOSSIBLE.search(said) or (tool.name == "pip" and _UNPUBLISHED.search(said))
    if _BLIND.search(said) or not answered:
        return Resolution(None, why=f"{tool}: {shortened(said) or ended.said}")
    return Resolution(str(tool), shortened(said))


def _another_build(option: Option, versions: Mapping[str, str]) -> str:
    """What is wrong with the torch that was found: another version, or a build that the package index does not give."""
    found, candidate = versions.get("torch", ""), option.candidate
    if not found:
        return "it resolves without torch"
    label = found.partition("+")[2]
    if pep440.public(found) != pep440.public(candidate.torch) or (label and label != candidate.build):
        return f"the configured indexes give torch {found} where {candidate.version} is meant"
    return ""


def _unreachable(lines: Sequence[str]) -> str:
    """Which address could not be had and why, of the chain of causes that a resolver tells; empty where it is none."""
    at = next((line for line in lines if _FETCHED.search(line)), "")
    return redact.without_secrets(f"{at} ({lines[-1]})")[:_LONGEST] if at and at != lines[-1] else ""


def shortened(said: str) -> str:
    """The account of a resolver in one line, without its drawing, without passwords, and not longer than a reader bears."""
    lines = [_LEAD.sub("", line).strip() for line in said.splitlines()]
    if unreachable := _unreachable(lines):
        return unreachable
    told = [line for line in lines if line and not line.startswith(("No solution found", "[notice]", "WARNING:", "warning:"))]
    text = _LISTED.sub("", " ".join(" ".join(told).split())).replace(_OURS, "the plan")
    text = redact.without_secrets(text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rsplit(" ", 1)[0] + " ..."
