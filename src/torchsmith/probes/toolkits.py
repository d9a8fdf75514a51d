"""CUDA toolkits: where they are, which version, and which of them a build would take. nvcc is not run."""

from __future__ import annotations

import re

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host, text_of
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Interpreter, Variables
from torchsmith.model.facts.toolkit import Toolkit, Toolkits
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

# PyTorch's own order: torch.utils.cpp_extension asks these two, then PATH, then the usual place.
VARIABLES = ("CUDA_HOME", "CUDA_PATH")
DEFAULT = "/usr/local/cuda"
LINUX = (("/usr/local", "cuda"), ("/opt", "cuda"), ("/usr/lib", "nvidia-cuda-toolkit"), ("/usr/lib", "cuda"))
WINDOWS = "C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA"
REGISTRY = r"HKLM\SOFTWARE\NVIDIA Corporation\GPU Computing Toolkit\CUDA"
# What builds against torch include and link: a file of each, as it is called in every toolkit.
HEADERS = ("cuda_runtime.h", "cublas_v2.h", "cusparse.h", "cusolverDn.h")
MOST = 16


@probe
def toolkits(host: Host, machine: Machine, interpreter: Interpreter | Unknown, variables: Variables) -> Fact[Toolkits | None]:
    """Known(None) where there is none: that is no fault, a torch from wheels brings what it needs."""
    if machine.os == "macos":
        return Known(None, "no CUDA toolkit is made for macOS")
    windows = machine.os == "windows"
    named = next(((name, value) for name in VARIABLES if (value := variables.get(name))), None)
    program = host.which("nvcc")
    on_path = root_of(program.value) if isinstance(program, Known) else ""
    on_path = _through(host, on_path)
    places = [named[1]] if named else []
    places += [on_path] if on_path else []
    places += list(_windows(host)) if windows else list(_linux(host))
    if isinstance(interpreter, Interpreter):
        places += _of_environment(host, interpreter, windows)
    found: dict[str, Toolkit] = {}
    met = set()
    for place in dict.fromkeys(clean(place) for place in places):
        real = host.real(place)
        if isinstance(real, Unknown) or real.value in met or len(found) == MOST:
            continue  # /usr/local/cuda is a link to one that stands there under its own name too
        met.add(real.value)
        toolkit = _look(host, place, clean(real.value), windows)
        if toolkit:
            found[place] = toolkit
    if not found:
        return Known(None, "no nvcc on PATH, no CUDA_HOME, none in the usual places")
    active, why = _active(named, on_path, tuple(found), windows)
    return Known(Toolkits(tuple(found.values()), active, why, on_path), "CUDA_HOME, CUDA_PATH, PATH, usual places")


def root_of(nvcc: str) -> str:
    """The toolkit that a path to nvcc stands in, as torch reckons it: two folders up."""
    parts = clean(nvcc).rpartition("/")[0]
    return parts.rpartition("/")[0]


def clean(path: str) -> str:
    """A path with plain slashes and no slash at its end."""
    return path.replace("\\", "/").rstrip("/") or path


def parse_version(version_json: str, version_txt: str, header: str, path: str) -> str:
    """The version by its best witness: version.json, version.txt, the folder's name, else cuda.h; empty if nothing says it.

    ``{"cuda": {"name": "CUDA SDK", "version": "12.4.1"}}``, ``CUDA Version 11.0.228``, ``#define CUDA_VERSION 12040``.
    """
    for text, pattern in (
        (version_json, r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"(\d+\.\d+[\d.]*)"'),
        (version_txt, r"CUDA Version (\d+\.\d+[\d.]*)"),
    ):
        if text and (found := re.search(pattern, text)):
            return found[1]
    named = re.search(r"(?:cuda-|/v|/cuda/)(\d{1,2}\.\d{1,2}(?:\.\d+)?)$", path)
    if named:
        return named[1]
    number = re.search(r"#define\s+CUDA_VERSION\s+(\d{4,6})\b", header)
    return f"{int(number[1]) // 1000}.{int(number[1]) % 1000 // 10}" if number else ""


def _look(host: Host, root: str, real: str, windows: bool) -> Toolkit | None:
    """The toolkit at ``root``, which is ``real`` with its links resolved; None where there is nothing of one."""
    nvcc = f"{root}/bin/nvcc{'.exe' if windows else ''}"
    has_nvcc = host.exists(nvcc)
    include = next((folder for folder in _includes(root) if host.exists(f"{folder}/cuda.h")), "")
    if not has_nvcc and not (include and root not in {"/usr", "/usr/local"}):
        return None
    version_json, version_txt = text_of(host.read(f"{root}/version.json")), text_of(host.read(f"{root}/version.txt", 1 << 12))
    version = parse_version(version_json, version_txt, "", real)
    if not version and include:  # read only where nothing else says it
        version = parse_version("", "", text_of(host.read(f"{include}/cuda.h", 1 << 16)), "")
    return Toolkit(root, version, nvcc if has_nvcc else "", _missing(host, root, include) if has_nvcc else ())


def _includes(root: str) -> tuple[str, ...]:
    # Debian's packages keep nvcc and the headers of one toolkit in two places.
    split = ("/usr/include",) if root in {"/usr", "/usr/lib/nvidia-cuda-toolkit", "/usr/lib/cuda"} else ()
    return (f"{root}/include", f"{root}/targets/x86_64-linux/include", f"{root}/targets/sbsa-linux/include", *split)


def _missing(host: Host, root: str, include: str) -> tuple[str, ...]:
    """Headers that a build against torch would not find. Without cuda.h the layout is another one, and nothing is claimed."""
    if not include:
        return ()
    if not host.exists(f"{include}/cuda_runtime.h"):
        return HEADERS[:1]
    return tuple(name for name in HEADERS if not any(host.exists(f"{folder}/{name}") for folder in _includes(root)))


def _through(host: Host, root: str) -> str:
    """``root`` itself, or where a link or a wrapper (/usr/bin/nvcc, /usr/local/bin/nvcc) leads to."""
    if not root or host.exists(f"{root}/include/cuda.h") or host.exists(f"{root}/nvvm"):
        return root
    real = host.real(f"{root}/bin/nvcc")
    if isinstance(real, Known) and root_of(real.value) != root:
        return root_of(real.value)
    script = text_of(host.read(f"{root}/bin/nvcc", 1 << 10)) if isinstance(real, Known) else ""
    called = re.search(r"^\s*exec\s+\"?(/[\w./+-]+/bin/nvcc)\b", script, re.MULTILINE) if script.startswith("#!") else None
    return root_of(called[1]) if called else root


def _linux(host: Host) -> Iterator[str]:
    for folder, stem in LINUX:
        listed = host.names(folder)
        names = listed.value if isinstance(listed, Known) else []
        yield from (f"{folder}/{name}" for name in names if name == stem or _versioned(name, stem))


def _versioned(name: str, stem: str) -> bool:
    return name.startswith(f"{stem}-") and name[len(stem) + 1 :].replace(".", "").isdigit()


def _windows(host: Host) -> Iterator[str]:
    listed = host.names(WINDOWS)
    yield from (f"{WINDOWS}/{name}" for name in (listed.value if isinstance(listed, Known) else []))
    keys = host.registry(REGISTRY)
    for key in keys.value if isinstance(keys, Known) else ():
        folder = host.registry(f"{REGISTRY}\\{key}", "InstallDir")
        if isinstance(folder, Known):
            yield str(folder.value)


def _of_environment(host: Host, interpreter: Interpreter, windows: bool) -> list[str]:
    """Conda's toolkit in the environment itself, and the one that NVIDIA's wheels for CUDA 13 make up."""
    places = [f"{interpreter.prefix}/Library" if windows else interpreter.prefix] if interpreter.kind == "conda" else []
    for site in interpreter.site_packages[:2]:
        listed = host.names(f"{site}/nvidia")
        names = listed.value if isinstance(listed, Known) else []
        places += [f"{site}/nvidia/{name}" for name in names if name[:2] == "cu" and name[2:].isdigit()]
    return [place for place in places if host.exists(f"{place}/bin/nvcc{'.exe' if windows else ''}")]


def _active(named: tuple[str, str] | None, on_path: str, found: tuple[str, ...], windows: bool) -> tuple[str, str]:
    if named:
        return clean(named[1]), named[0]
    if on_path:
        return on_path, "PATH"
    if windows:
        return (found[-1], "the newest folder") if found[-1].startswith(WINDOWS) else ("", "")
    return (DEFAULT, DEFAULT) if DEFAULT in found else ("", "")
