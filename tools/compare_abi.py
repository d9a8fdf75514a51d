"""Compare what is foretold of extension modules with what becomes of real imports; print tables for docs/measurements.md.

    python tools/compare_abi.py numpy      downloads about 40 wheels, 1.5 GB in all, one after the other
    python tools/compare_abi.py symbols    needs the environments of tests/lab (7 GB, built once), and about 20 wheels

numpy: every wheel is put beside NumPy 2 in a folder of its own; one of its extension modules is read, then imported by a
child process. symbols: every library of a wheel that needs torch's is bound on paper to the torch of three environments, then
loaded there, after ``import torch``, by a child process (``dlopen`` with RTLD_NOW, as an import does it).
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab import environments  # noqa: E402 - a script of this checkout

from torchsmith.binaries import abi, binding, elf  # noqa: E402
from torchsmith.binaries.errors import BinaryError  # noqa: E402
from torchsmith.derive import torch_symbols  # noqa: E402

NUMPY = "numpy==2.4.6"
LIMIT = 300
"""Seconds for one import."""


class Case(NamedTuple):
    """A wheel, a module in it that is an extension of NumPy, and what that module imports besides."""

    requirement: str
    module: str
    beside: tuple[str, ...] = ()


PANDAS = ("python-dateutil", "pytz", "tzdata", "six")
MATPLOTLIB = ("pillow", "packaging", "cycler", "pyparsing", "kiwisolver", "contourpy==1.3.2", "python-dateutil", "six")
SKLEARN = ("scipy==1.17.1", "joblib", "threadpoolctl", "cloudpickle")
CASES = (
    Case("h5py==3.9.0", "h5py.h5d"),
    Case("h5py", "h5py.h5d"),
    Case("pandas==2.1.4", "pandas._libs.lib", PANDAS),
    Case("pandas==2.2.3", "pandas._libs.lib", PANDAS),
    Case("matplotlib==3.7.5", "matplotlib._path", MATPLOTLIB),
    Case("matplotlib==3.9.4", "matplotlib._path", MATPLOTLIB),
    Case("scikit-learn==1.3.2", "sklearn.utils.murmurhash", SKLEARN),
    Case("scikit-learn==1.7.2", "sklearn.utils.murmurhash", SKLEARN),
    Case("numexpr==2.8.7", "numexpr.interpreter"),
    Case("numexpr==2.10.2", "numexpr.interpreter"),
    Case("opencv-python-headless==4.8.1.78", "cv2.cv2"),
    Case("opencv-python-headless==4.12.0.88", "cv2.cv2"),
    Case("scipy==1.11.4", "scipy.linalg._fblas"),
    Case("scipy==1.17.1", "scipy.linalg._fblas"),
    Case("pywavelets==1.4.1", "pywt._extensions._pywt"),
    Case("pywavelets==1.8.0", "pywt._extensions._pywt"),
    Case("shapely==2.0.2", "shapely.lib"),
    Case("shapely==2.1.2", "shapely.lib"),
    Case("bottleneck==1.3.7", "bottleneck.reduce"),
    Case("bottleneck==1.5.0", "bottleneck.reduce"),
    Case("cftime==1.6.3", "cftime._cftime"),
    Case("cftime==1.6.4.post1", "cftime._cftime"),
    Case("ml-dtypes==0.3.2", "ml_dtypes._ml_dtypes_ext"),
    Case("ml-dtypes==0.5.1", "ml_dtypes._ml_dtypes_ext"),
    Case("statsmodels==0.14.1", "statsmodels.robust._qn", (*SKLEARN[:1], "pandas==2.2.3", *PANDAS, "patsy", "packaging")),
    Case("pyarrow==14.0.2", "pyarrow.lib"),
    Case("pyarrow==18.1.0", "pyarrow.lib"),
    Case("contourpy==1.1.1", "contourpy._contourpy"),
    Case("scikit-image==0.21.0", "skimage._shared.geometry", (*SKLEARN[:1], "packaging", "lazy-loader")),
    Case("scikit-image==0.25.2", "skimage._shared.geometry", (*SKLEARN[:1], "packaging", "lazy-loader")),
    Case("numba==0.58.1", "numba._helperlib", ("llvmlite==0.41.1",)),
    Case("numba==0.61.2", "numba._helperlib", ("llvmlite==0.44.0",)),
)

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


def compare_numpy(cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: wheel, module, foretold, what the import said, whether they agree."""
    with tempfile.TemporaryDirectory() as folder:
        numpy = install(Path(folder) / "numpy", NUMPY)
        for case in cases:
            site = install(Path(folder) / "site", case.requirement, *case.beside)
            yield numpy_row(case, site, numpy)
            subprocess.run(["rm", "-rf", str(site)], check=True)


def numpy_row(case: Case, site: Path, numpy: Path) -> tuple[str, ...]:
    """One wheel, installed into ``site`` without NumPy, beside the NumPy of another folder."""
    path = module_file(site, case.module)
    with path.open("rb") as file:
        size = path.stat().st_size
        found = abi.read(file, size, elf.read(file, size), str(path))
    command = [sys.executable, "-I", "-c", IMPORT, case.module, str(site), str(numpy)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    said = json.loads(done.stdout.strip().splitlines()[-1]) if done.stdout.strip() else f"killed by signal {-done.returncode}"
    fails = found.abi.numpy == "1"
    version = next(site.glob(f"{case.requirement.partition('=')[0].replace('-', '_')}-*.dist-info"), None)
    name = version.name.removesuffix(".dist-info").replace("-", " ") if version else case.requirement
    # Only a failure that is about NumPy bears out what was foretold.
    agreed = fails is bool(said) and (not said or "numpy" in said.lower() or "_ARRAY_API" in said)
    floor = f", NumPy {found.numpy_floor} and later" if found.numpy_floor else ""
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


WHEELS = (
    *("torchvision==0.17.2", "torchvision==0.18.1", "torchvision==0.28.0", "torchvision==0.29.0"),
    *("torchaudio==2.2.2", "torchaudio==2.3.1", "torchaudio==2.11.0"),
    *("torchtext==0.17.2", "torchtext==0.16.2"),
    *("tensordict==0.3.2", "torchrl==0.3.1"),
    *("xformers==0.0.25.post1", "xformers==0.0.29.post3", "xformers==0.0.35"),
    *("fbgemm-gpu-cpu==0.6.0", "fbgemm-gpu-cpu==1.2.0"),
    *("intel-extension-for-pytorch==2.2.0", "auto-gptq==0.7.1", "torchao==0.9.0", "bitsandbytes==0.43.3"),
)


def compare_symbols(wheels: Sequence[str], extra: Sequence[Path]) -> Iterator[tuple[str, ...]]:
    """Yield the rows: library, torch, what is foretold, what the loader said, whether they agree."""
    known = (environments.cu121(), environments.cpu(), environments.cuda())
    for requirement in wheels:
        with tempfile.TemporaryDirectory() as folder:
            libraries = [path for path in unpack(requirement, Path(folder)) if needs_torch(path)]
            if not libraries:
                yield requirement, "-", "-", "no library of it needs torch's", "-", "yes"
            for environment in known if libraries else ():
                yield from symbol_rows(requirement, libraries, environment, extra)


def symbol_rows(
    requirement: str, libraries: Sequence[Path], environment: environments.Environment, extra: Sequence[Path]
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


def foretold(path: Path, environment: environments.Environment, torch: str, extra: Sequence[Path]) -> tuple[str, str]:
    """What will happen, for people, and the words that the loader's message must have."""
    around = scope(path, environment, extra)
    if isinstance(around, str):
        return f"lacks {around}", around
    files = []
    try:
        files.extend((str(each), each.open("rb"), each.stat().st_size) for each in around)
        with path.open("rb") as file:
            bound = binding.bind((str(path), file, path.stat().st_size), files)
    finally:
        for opened in files:
            opened[1].close()
    if bound.lacking:
        return f"lacks version {bound.lacking[0].version}", bound.lacking[0].version
    found = torch_symbols.judge(bound, torch)
    if found is None:
        return f"all {bound.wanted} symbols", ""
    releases = f", exported by {torch_symbols.ranges(found.releases, torch_symbols.known())}" if found.releases else ""
    return f"lacks {len(found.missing)} of {bound.wanted}, first {found.readable[0]}{releases}", found.missing[0]


def scope(path: Path, environment: environments.Environment, extra: Sequence[Path]) -> list[Path] | str:
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


def main() -> int:
    """Print one table as Markdown; 1 where something was foretold wrongly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("numpy", "symbols"))
    parser.add_argument("only", nargs="*", help="requirements, instead of all")
    parser.add_argument("--libraries", type=Path, nargs="*", default=[], help="folders with CUDA libraries of other versions")
    arguments = parser.parse_args()
    if arguments.what == "numpy":
        head = ("wheel", "module", "ABI read", "foretold", "real import beside NumPy 2", "agree")
        rows = compare_numpy([case for case in CASES if not arguments.only or case.requirement in arguments.only])
    else:
        head = ("wheel", "library", "torch", "foretold", "the loader said", "agree")
        rows = compare_symbols(arguments.only or WHEELS, arguments.libraries)
    wrong = 0
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        wrong += row[-1] != "yes"
        print(f"| {' | '.join(row)} |", flush=True)
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main())
