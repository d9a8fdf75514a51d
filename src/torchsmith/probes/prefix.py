"""An environment as its folders show it: nothing of it is run, not even its interpreter."""

from __future__ import annotations

import re

from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.model.paths import normal
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_FOLDER = pattern(r"(?:python|pypy)(3\.\d{1,2})(t?)", re.ASCII)
_DLL = pattern(r"python3(\d{1,2})(t?)\.dll", re.ASCII)
_VERSION = pattern(r"3\.\d{1,2}(?:\.\d{1,2}(?:[abrc]+\d+)?)?", re.ASCII)
_LIMIT = 1 << 16
SITES = ("site-packages", "dist-packages")
"""Where packages lie; the second is Debian's name for it, in NVIDIA's containers too."""


def prefix(host: Host, path: str) -> Fact[Interpreter | None]:
    """The environment whose prefix is ``path``; Known(None) where the folder is none.

    ``lib/python3.X/site-packages`` (POSIX; Debian says ``dist-packages``) or ``Lib/site-packages`` (Windows) makes a folder an
    environment.
    """
    listed = host.names(path)
    if isinstance(listed, Unknown):
        return listed
    path = normal(path)
    names = set(listed.value)
    settings = parse_pyvenv(text_of(host.read(f"{path}/pyvenv.cfg", _LIMIT))) if "pyvenv.cfg" in names else {}
    if "lib" in names and (found := _posix(host, path)):
        folder, version, threaded, packages = found
        stdlib = f"{path}/lib/{folder}"
        platform, executable = _system(host, path), f"{path}/bin/python{version}"
    elif (lib := next((n for n in ("Lib", "lib") if n in names), "")) and host.exists(f"{path}/{lib}/site-packages"):
        # a virtual environment has its python.exe in Scripts; an installation, or conda's environment, beside its DLLs
        version, threaded = _dll(names)
        packages = SITES[0]
        stdlib = f"{path}/{lib}"
        platform, executable = "win32", f"{path}/python.exe" if "python.exe" in names else f"{path}/Scripts/python.exe"
    else:
        return Known(None, path)
    said = _VERSION.match(settings.get("version_info") or settings.get("version") or "")
    full = said[0] if said else version
    short = version or ".".join(full.split(".")[:2])
    sites = [f"{stdlib}/{packages}"]
    home = normal(settings.get("home", ""))
    base = (home.rpartition("/")[0] if platform != "win32" else home) or path
    base_stdlib = f"{base}/lib/{stdlib.rpartition('/')[2]}" if platform != "win32" else f"{base}/Lib"
    extensions = f"{base_stdlib}/lib-dynload" if platform != "win32" else f"{base}/DLLs"
    return Known(
        Interpreter(
            executable=executable,
            version=full,
            prefix=path,
            base_prefix=base,
            bits=64,
            machine="",
            platform=platform,
            kind="conda" if "conda-meta" in names else "venv" if settings else "system",
            search_path=(extensions, *sites),
            site_packages=tuple(sites),
            cache_tag=f"cpython-{short.replace('.', '')}{threaded}" if short else "",
            free_threaded=bool(threaded),
            stdlib=base_stdlib,
            venv_home=home,
            system_site=settings.get("include-system-site-packages", "").lower() == "true",
        ),
        f"{path}: its folders" + (" and pyvenv.cfg" if settings else ""),
    )


def around(host: Host, path: str) -> tuple[str, Interpreter | None]:
    """The folder of the file ``path``, and the environment in whose site-packages it lies, if it does."""
    full = host.real(path)
    path = normal(full.value) if isinstance(full, Known) else path
    folder = path.rpartition("/")[0] or "/"
    name = next((name for name in SITES if f"/{name}/" in path), "")
    if not name:
        return folder, None
    before, _, _ = path.partition(f"/{name}/")
    for levels in (2, 1):  # lib/python3.12/site-packages, Lib/site-packages
        home = before.rsplit("/", levels)[0]
        found = prefix(host, home) if home else Known(None, home)
        if isinstance(found, Known) and found.value and f"{before}/{name}" in found.value.site_packages:
            return folder, found.value
    return folder, None


def _posix(host: Host, path: str) -> tuple[str, str, str, str] | None:
    """Folder name, version and ``t`` of the newest Python of this prefix that has packages, and the name of their folder."""
    listed = host.names(f"{path}/lib")
    matches = [m for name in (listed.value if isinstance(listed, Known) else []) if (m := _FOLDER.fullmatch(name))]
    matches.sort(key=lambda match: int(match[1].partition(".")[2]), reverse=True)
    places = ((m, name) for m in matches for name in SITES)
    return next(((m[0], m[1], m[2], name) for m, name in places if host.exists(f"{path}/lib/{m[0]}/{name}")), None)


def _system(host: Host, path: str) -> str:
    """``darwin`` where libpython is a dylib, or this is a Mac; else ``linux``."""
    listed = host.names(f"{path}/lib")
    names = listed.value if isinstance(listed, Known) else []
    if any(name.startswith("libpython") and name.endswith(".dylib") for name in names):
        return "darwin"
    here = host.platform()
    return "darwin" if isinstance(here, Known) and here.value.get("os") == "macos" else "linux"


def _dll(names: Iterable[str]) -> tuple[str, str]:
    """Version and ``t`` of the Python whose DLL is among these names; empty where there is none."""
    matches = [matched for name in names if (matched := _DLL.fullmatch(name.lower()))]
    matched = max(matches, key=lambda matched: int(matched[1]), default=None)
    return (f"3.{matched[1]}", matched[2]) if matched else ("", "")


def parse_pyvenv(text: str) -> dict[str, str]:
    """The settings of a pyvenv.cfg."""
    return {key.strip().lower(): value.strip() for key, _, value in (line.partition("=") for line in text.splitlines())}
