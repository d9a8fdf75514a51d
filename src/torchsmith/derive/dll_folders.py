r"""Which folders Python and packages give to os.add_dll_directory on Windows, and how their DLLs are loaded.

Read from the packages' own Python sources, without running them: what torch adds has changed with its age. Sources:
``torch/__init__.py`` of 1.13 to 2.15; ``__init__.py`` of ctranslate2 4.8, opencv 5.0, NumPy and SciPy as delvewheel 1.11 left
them, ``torchvision/_internally_replaced_utils.py`` of 0.29; conda-forge's patch CondaEcosystemModifyDllSearchPath.
"""

from __future__ import annotations

from torchsmith.model.paths import joined, normal
from torchsmith.model.record import record
from torchsmith.model.windows_process import ALTERED, BESIDE, STANDARD, Added, Start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONDA = ("Library/mingw-w64/bin", "Library/usr/bin", "Library/bin", "Scripts", "bin")
r"""Folders of the environment that conda's Python searches, the first one first."""
_RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll")


@record
class Places:
    """What the folders are made of: parts of the interpreter and variables of the process. Empty where not known."""

    prefix: str = ""
    base_prefix: str = ""
    user_base: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def variable(self, name: str, otherwise: str) -> str:
        """The value of a variable, in any case, or ``otherwise``."""
        return next((value for key, value in self.variables if key.lower() == name.lower()), otherwise)


def torch_adds(
    source: str, folder: str, cuda: str | None, places: Places, folders: Mapping[str, Iterable[str]]
) -> tuple[str, ...]:
    r"""The folders that ``torch/__init__.py`` of this ``source`` adds, in its order; those that do not exist are left out.

    ``cuda`` is that of torch/version.py. CUDA_PATH_Vxx counts only where none of the former has a ``cudart64*.dll``.
    """
    there = {path.lower(): {name.lower() for name in names} for path, names in folders.items()}
    wanted = [f"{folder}/lib", f"{places.prefix}/Library/bin"]
    if "base_py_dll_path" in source and places.base_prefix != places.prefix:
        wanted.append(f"{places.base_prefix}/Library/bin")
    if "usebase_path" in source and places.user_base:
        wanted.append(f"{places.user_base}/Library/bin")
    if "py_root_bin_path" in source:
        wanted.append(f"{places.prefix}/bin")
    found = [path for path in map(normal, wanted) if path.lower() in there]
    names = {name for path in found for name in there[path.lower()]}
    more = []
    programs = places.variable("ProgramFiles", "C:/Program Files")
    if "NVTOOLSEXT_PATH" in source and "nvtoolsext64_1.dll" not in names:
        more.append(f"{places.variable('NVTOOLSEXT_PATH', f'{programs}/NVIDIA Corporation/NvToolsExt')}/bin/x64")
    if cuda and not any(name.startswith("cudart64") and name.endswith(".dll") for name in names):
        default = f"{programs}/NVIDIA GPU Computing Toolkit/CUDA/v{cuda}"
        more.append(f"{places.variable('CUDA_PATH_V' + cuda.replace('.', '_'), default)}/bin")
    return (*found, *(path for path in map(normal, more) if path.lower() in there))


def package_adds(site: str, folders: Iterable[str]) -> tuple[Added, ...]:
    """What the packages in a site-packages add when they are imported, told by the folders that exist.

    Wheels that delvewheel mended have their DLLs in ``<package>.libs``; ctranslate2, torchvision and pywin32 add folders of
    their own. NVIDIA's wheels add nothing: who needs them loads them by path, or adds their folders.
    """
    found = []
    root = normal(site)
    for path in folders:
        if not path.lower().startswith(f"{root.lower()}/"):
            continue
        inner = path[len(root) + 1 :]
        if "/" not in inner and inner.lower().endswith(".libs"):
            found.append(Added(path, inner[: -len(".libs")]))
        elif inner.lower() in {"ctranslate2", "torchvision"}:
            found.append(Added(path, inner))
        elif inner.lower() == "pywin32_system32":
            found.append(Added(path, "pywin32"))
        elif inner.lower().startswith("_rocm_sdk_") and inner.lower().endswith("/bin"):
            found.append(Added(path, "ctranslate2"))
    opencv = joined(root, "cv2/../../x64/vc17/bin")
    found += [Added(path, "opencv") for path in folders if path.lower() == opencv.lower()]
    return tuple(found)


def conda_adds(prefix: str, python: tuple[int, int]) -> tuple[Added, ...]:
    """What conda's own Python adds from 3.10 on; the one that is searched first comes last, as the loader takes them."""
    return tuple(Added(f"{prefix}/{folder}", "conda") for folder in reversed(CONDA)) if python >= (3, 10) else ()


def start(path: str, python: tuple[int, int], *, conda: bool = False, torch_added: tuple[str, ...] | None = None) -> Start:
    """How a file of an environment is loaded: an extension module by Python, any other DLL by its package.

    Python before 3.8 searches PATH, conda's before 3.10 too (unless CONDA_DLL_SEARCH_MODIFICATION_ENABLE is set); torch gives
    its DLLs a second attempt with its folders before PATH; onnxruntime loads its providers the old way.
    """
    low = path.lower()
    name = low.rpartition("/")[2]
    if low.endswith(".exe"):
        return Start(path, STANDARD)
    if name.startswith("onnxruntime_providers_"):
        return Start(path, ALTERED)
    if torch_added is not None and low.endswith(".dll") and low.rpartition("/")[0].endswith("/torch/lib"):
        return Start(path, BESIDE, torch_added)
    return Start(path, ALTERED if python < (3, 8) or (conda and python < (3, 10)) else BESIDE)


def brings(python: tuple[int, int], *, free_threaded: bool = False) -> tuple[str, ...]:
    """The DLLs that lie beside every python.exe of this version."""
    mark = "t" if free_threaded else ""
    stable = ("python3t.dll",) if free_threaded and python >= (3, 15) else () if free_threaded else ("python3.dll",)
    runtime = _RUNTIME if python >= (3, 9) else _RUNTIME[:1]
    return (f"python{python[0]}{python[1]}{mark}.dll", *stable, *runtime)
