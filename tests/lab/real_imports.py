"""Real imports of extension modules, held against what is foretold of them (test_abi_real.py, tools/compare_abi.py)."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.lab.environments import Environment
from torchsmith.binaries import abi, binding, elf
from torchsmith.binaries.errors import BinaryError
from torchsmith.derive import torch_symbols
from torchsmith.model.binding import Binding

NUMPY = "numpy==2.4.6"
LIMIT = 300
"""Seconds for one import."""


class Case(NamedTuple):
    """A wheel, a module in it that is an extension of NumPy, and what that module imports besides."""

    requirement: str
    module: str
    beside: tuple[str, ...] = ()
    file: str = ""
    """The file that uses NumPy's C API, where that is a library of the module's."""


IMPORT = """
import sys, importlib.util, json
sys.path[:0] = sys.argv[2:]
import warnings; warnings.simplefilter("ignore")
name = sys.argv[1]
try:
    if name.count(".") and name != "cv2.cv2":
        __import__(name)
    else:
        import cv2
    print("\\n" + json.dumps(""))
except BaseException as error:
    print("\\n" + json.dumps(f"{type(error).__name__}: {error}"))
"""

LOAD = """
import ctypes, json, os, sys
import torch
for path in json.loads(sys.argv[1]):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            ctypes.CDLL(path)
            said = ""
        except OSError as error:
            said = str(error)
        os.write(write, said.encode())
        os._exit(0)
    os.close(write)
    said = b""
    while part := os.read(read, 65536):
        said += part
    os.waitpid(child, 0)
    print(json.dumps([path, said.decode()]), flush=True)
"""


def numpy_row(case: Case, site: Path, numpy: Path) -> tuple[str, ...]:
    """One wheel, installed into ``site`` without NumPy, beside the NumPy of another folder."""
    path = next(site.glob(case.file)) if case.file else module_file(site, case.module)
    with path.open("rb") as file:
        size = path.stat().st_size
        found = abi.read(file, size, elf.read(file, size), str(path))
    command = [sys.executable, "-I", "-c", IMPORT, case.module, str(site), str(numpy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    said = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else f"killed by signal {-done.returncode}"
    fails = found.abi.numpy == "1"
    stem = case.requirement.partition("=")[0].replace("-", "_")
    version = next((path for path in site.glob("*.dist-info") if path.name.lower().startswith(f"{stem}-")), None)
    name = version.name.removesuffix(".dist-info").replace("-", " ") if version else case.requirement
    # Only a failure that is about NumPy bears out what was foretold.
    agreed = fails is bool(said) and (not said or "numpy" in said.lower() or "_ARRAY_API" in said)
    floor = f", NumPy {found.numpy_floor} and later" if found.numpy_floor else ""
    if found.warnings and not found.abi.numpy:
        return name, case.module, "null, with a warning", "cannot tell", said[:90] or "imported", "-"
    told = f"{found.abi.numpy or 'no extension of NumPy'}{floor}"
    return name, case.module, told, "fails" if fails else "imports", said[:90] or "imported", "yes" if agreed else "NO"


def module_file(site: Path, module: str) -> Path:
    """The extension module's file."""
    *parents, name = module.split(".")
    return next(site.joinpath(*parents).glob(f"{name}.*so"))


def install(folder: Path, *requirements: str) -> Path:
    """Put wheels into a folder, without what they depend on."""
    options = ["--no-deps", "--only-binary=:all:", "--target", str(folder), "-q"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, *requirements], check=True, stderr=subprocess.DEVNULL)
    return folder


def symbol_rows(
    requirement: str, libraries: Sequence[Path], environment: Environment, extra: Sequence[Path]
) -> Iterator[tuple[str, ...]]:
    """All libraries of a wheel in one environment."""
    torch = str(environment.torch_version())
    # What another CUDA would bring: so that the loader comes to look at symbols at all.
    where = {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in extra)}
    done = environment.run("-c", LOAD, json.dumps([str(path) for path in libraries]), limit=LIMIT, **where)
    said = dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))
    for path in libraries:
        told, first = foretold(path, environment, torch, extra)
        real = said.get(str(path), f"the child ended: {done.stderr[-200:]}")
        agreed = first in real if first else not real
        real = re.sub(r"(?:/[^/\s:]+)+/", "", real)
        yield requirement.replace("==", " "), path.name, torch, told, real[:150] or "loaded", "yes" if agreed else "NO"


def foretold(path: Path, environment: Environment, torch: str, extra: Sequence[Path]) -> tuple[str, str]:
    """What will happen, for people, and the words that the loader's message must have."""
    around = scope(path, environment, extra)
    if isinstance(around, str):
        return f"lacks {around}", around
    bound = None
    # The loader binds what an object needs before the object itself.
    for each in (*reversed([each for each in around if path.parent.parent in each.parents]), path):
        bound = bind(each, [other for other in (*around, path) if other != each])
        found = torch_symbols.judge(bound, torch)
        if found and bound.lacking:
            return f"lacks version {bound.lacking[0].version}", bound.lacking[0].version
        if found:
            releases = f", exported by {torch_symbols.ranges(found.releases, torch_symbols.known())}" if found.releases else ""
            by = "" if each == path else f"{each.name} "
            told = f"{by}lacks {len(found.missing)} of {bound.wanted}, first {found.readable[0]}{releases}"
            return told, f"{each.name}: undefined symbol: {found.missing[0]}"
    return f"all {bound.wanted if bound else 0} symbols", ""


def bind(path: Path, around: Sequence[Path]) -> Binding:
    """The binding of one file."""
    with ExitStack() as stack:
        opened = [(str(each), stack.enter_context(each.open("rb")), each.stat().st_size) for each in (path, *around)]
        return binding.bind(opened[0], opened[1:])


def scope(path: Path, environment: Environment, extra: Sequence[Path]) -> list[Path] | str:
    """The files that the loader would search, or the name that it does not find. Simple: no traps lie in these folders."""
    site = environment.site
    folders = [site / "torch" / "lib", *site.glob("nvidia/*/lib"), *extra]
    system = cached()
    found: list[Path] = []
    waiting = [path, environment.python.resolve()]
    seen = {str(path)}
    while waiting:
        each = waiting.pop(0)
        found.append(each)
        with each.open("rb") as file:
            parsed = elf.read(file, each.stat().st_size)
        own = (parsed.runpath or parsed.rpath or "").replace("$ORIGIN", str(each.parent)).split(":")
        for name in parsed.needed:
            if name in seen:
                continue
            seen.add(name)
            answer = next((place / name for place in (*map(Path, own), *folders) if (place / name).exists()), None)
            answer = answer or system.get(name)
            if answer is None:
                return name
            waiting.append(answer)
    return [each for each in found if each != path]


@cache
def cached() -> dict[str, Path]:
    """What the system's loader cache answers."""
    listed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"^\s+(\S+) \(libc6,x86-64.*?\) => (\S+)$", listed, re.MULTILINE)
    return {name: Path(path) for name, path in reversed(found)}


def unpack(requirement: str, folder: Path) -> list[Path]:
    """The libraries of a wheel."""
    options = ["--no-deps", "--only-binary=:all:", "-q", "-d", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, requirement], check=True, stderr=subprocess.DEVNULL)
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(".so") or ".so." in name]
        archive.extractall(folder, names)
    wheel.unlink()
    return sorted(folder / name for name in names)


def needs_torch(path: Path) -> bool:
    """Whether it needs one of torch's libraries."""
    try:
        with path.open("rb") as file:
            return torch_symbols.uses_torch(elf.read(file, path.stat().st_size).needed)
    except BinaryError:
        return False
