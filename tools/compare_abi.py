"""Compare what is foretold of extension modules with what becomes of real imports; print tables for docs/measurements.md.

    python tools/compare_abi.py numpy      downloads about 40 wheels, 1.5 GB in all, one after the other
    python tools/compare_abi.py symbols    needs the environments of tests/lab (7 GB, built once), and about 20 wheels

numpy: every wheel is put beside NumPy 2 in a folder of its own; one of its extension modules is read, then imported by a
child process. symbols: every library of a wheel that needs torch's is bound on paper to the torch of three environments, then
loaded there, after ``import torch``, by a child process (``dlopen`` with RTLD_NOW, as an import does it).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.lab import environments  # noqa: E402 - a script of this checkout
from tests.lab.real_imports import NUMPY, Case, install, needs_torch, numpy_row, symbol_rows, unpack  # noqa: E402

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
    Case("pywavelets==1.4.1", "pywt._extensions._dwt"),
    Case("pywavelets==1.8.0", "pywt._extensions._dwt"),
    Case("shapely==2.0.2", "shapely.lib"),
    Case("shapely==2.1.2", "shapely.lib"),
    Case("bottleneck==1.3.7", "bottleneck.reduce"),
    Case("bottleneck==1.5.0", "bottleneck.reduce"),
    Case("cftime==1.6.3", "cftime._cftime"),
    Case("cftime==1.6.4.post1", "cftime._cftime"),
    Case("ml-dtypes==0.3.2", "ml_dtypes._ml_dtypes_ext"),
    Case("ml-dtypes==0.5.1", "ml_dtypes._ml_dtypes_ext"),
    Case("statsmodels==0.14.1", "statsmodels.robust._qn", (*SKLEARN[:1], "pandas==2.2.3", *PANDAS, "patsy", "packaging")),
    Case("pyarrow==14.0.2", "pyarrow.lib", file="pyarrow/libarrow_python.so*"),
    Case("pyarrow==18.1.0", "pyarrow.lib", file="pyarrow/libarrow_python.so*"),
    Case("contourpy==1.1.1", "contourpy._contourpy"),
    Case("scikit-image==0.21.0", "skimage._shared.geometry", (*SKLEARN[:1], "packaging", "lazy-loader")),
    Case("scikit-image==0.25.2", "skimage._shared.geometry", (*SKLEARN[:1], "packaging", "lazy-loader")),
    Case("pyerfa==2.0.1.1", "erfa.ufunc"),
    Case("pyerfa==2.0.1.5", "erfa.ufunc"),
)


def compare_numpy(cases: Sequence[Case]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: wheel, module, foretold, what the import said, whether they agree."""
    with tempfile.TemporaryDirectory() as folder:
        numpy = install(Path(folder) / "numpy", NUMPY)
        for case in cases:
            site = install(Path(folder) / "site", case.requirement, *case.beside)
            yield numpy_row(case, site, numpy)
            shutil.rmtree(site)


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
