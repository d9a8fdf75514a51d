"""Indexes of tiny wheels of torch for projects: two releases in four builds, which can do as much as a verification asks.

Beside tests/managers/index.py: torch here multiplies matrices, its CUDA libraries bear the names of their major version (as
PyPI's do: `-cu12`, none for 13), it needs a triton, and packages that need torch have two releases, so that they can be updated.
"""

import zipfile
from pathlib import Path
from typing import Final

from tests.managers.index import _url, _wheel

BUILDS: Final = {"cpu": None, "cu128": "12.8", "cu129": "12.9", "cu130": "13.0"}
RELEASES: Final = {"2.8.0": "0.23.0", "2.9.0": "0.24.0"}
CUBLAS: Final = {"12.8": "12.8.4.1", "12.9": "12.9.1.4", "13.0": "13.0.2.14"}
DEFAULT: Final = "12.8"
"""The CUDA of PyPI's own wheels."""

_BODY: Final = """\
class _Matrix:
    def __init__(self, rows):
        self.rows = rows

    def __matmul__(self, other):
        return _Matrix([[sum(a * b for a, b in zip(row, column)) for column in zip(*other.rows)] for row in self.rows])

    def cpu(self):
        return self

    def tolist(self):
        return self.rows


def tensor(rows, dtype=None, device="cpu"):
    return _Matrix(rows)


float32 = "float32"


class version:
    cuda = {cuda!r}
    hip = xpu = None
"""


def write(root: Path) -> None:
    """Lays the indexes out under `root`, one folder each: `pypi` and one per build."""
    pypi = root / "pypi"
    for torch, vision in RELEASES.items():
        _torch(pypi, torch, vision, DEFAULT)
        for build, cuda in BUILDS.items():
            _torch(root / build, f"{torch}+{build}", f"{vision}+{build}", cuda)
    for where in (pypi, *(root / build for build in BUILDS)):
        for cuda, version in CUBLAS.items():
            _wheel(where, _cublas(cuda), version)
        _wheel(where, "triton", "3.4.0")
    for build in BUILDS:  # as PyTorch's own indexes do: copies of what torch needs, other than those of PyPI
        _wheel(root / build, "filelock", "3.99.0")
        _wheel(root / build, "numpy", "2.1.2")
    _wheel(pypi, "filelock", "3.20.0")
    for version in ("1.26.4", "2.1.2", "2.4.0"):
        _wheel(pypi, "numpy", version)
    for version in ("1.0", "1.1"):
        _wheel(pypi, "accelerate", version, ("torch>=2.0", "numpy>=1.17"))
        _wheel(pypi, "transformers", version, ("numpy>=1.17",))
    _wheel(pypi, "linter", "1.0")
    pages(root)


def pages(root: Path) -> None:
    """The page of each package."""
    for page in [folder for where in root.iterdir() for folder in where.iterdir()]:
        links = "\n".join(f'<a href="{_url(file)}">{file.name}</a>' for file in sorted(page.glob("*.whl")))
        (page / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}\n</body></html>\n")


def build_backend(root: Path, site: Path) -> None:
    """Poetry's build backend as a wheel on `pypi`, made of the files of an environment that has it."""
    info = next(site.glob("poetry_core-*.dist-info"))
    version = info.name.removesuffix(".dist-info").partition("-")[2]
    folder = root / "pypi" / "poetry-core"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"poetry_core-{version}-py3-none-any.whl", "w") as wheel:
        for part in (site / "poetry" / "core", info):
            for file in sorted(part.rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts and file.name not in ("INSTALLER", "REQUESTED"):
                    wheel.write(file, file.relative_to(site))
    pages(root)


def _cublas(cuda: str) -> str:
    return f"nvidia-cublas{'-cu12' if cuda.startswith('12.') else ''}"


def _torch(where: Path, torch: str, vision: str, cuda: str | None) -> None:
    needs = ("filelock", *((f"{_cublas(cuda)}=={CUBLAS[cuda]}", "triton==3.4.0") if cuda else ()))
    _wheel(where, "torch", torch, needs, _BODY.replace("{cuda!r}", repr(cuda)))
    _wheel(where, "torchvision", vision, (f"torch=={torch.partition('+')[0]}", "numpy"))
