"""
# cuDNN is installed, but another package does not find it

## What it means
NVIDIA's cuDNN wheel lies in `site-packages/nvidia/cudnn/lib`. torch knows that place; a package that opens cuDNN by name does
not, for no loader looks there: "Unable to load any of {libcudnn_ops.so.9...}", "Could not load library
libcudnn_ops_infer.so.8". It may still work after torch has used cuDNN in the same process.

## How it is told
The package's own files say which cuDNN it opens; the name is in no folder of the loader, and a file of that name is in NVIDIA's
wheel.

## What to do
Put the wheel's folder into LD_LIBRARY_PATH before Python starts. It is torch's own cuDNN, so torch is not disturbed. On Windows
the folder that holds the DLLs goes onto PATH, or into `os.add_dll_directory`; NVIDIA's installer does neither.

## What not to do
PATH is not searched for libraries on Linux. Another cuDNN, system-wide, brings a second version into the process.

## Sources
ld.so(8); the wheels of ctranslate2; faster-whisper's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import SetVariable
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.libraries import CudaConsumers, LoaderPaths
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.rules.libraries.common import CUDNN, name_of
from torchsmith.rules.libraries.told import CHECK, by_you, name


@rule("cudnn-not-on-loader-path", systems=("linux",))
def check(cuda_consumers: CudaConsumers, loader_paths: LoaderPaths, gpus: Gpus) -> Iterator[Finding]:
    """A package that opens cuDNN by name, and cuDNN only where torch looks."""
    for consumer in cuda_consumers.consumers:
        wheels = dict(consumer.in_wheels)
        lost = [n for n in consumer.needs if CUDNN.fullmatch(n) and n in wheels and n not in dict(consumer.on_path)]
        # onnxruntime asks for all of CUDA at once and is helped by torch's import; it reports the rest itself
        if not lost or not gpus or consumer.package != "ctranslate2":
            continue
        folder = wheels[lost[0]].rpartition("/")[0]
        value = ":".join((folder, *loader_paths.library_path))
        yield Finding(
            Severity.DEGRADED,
            f"package:{consumer.package}",
            f"{consumer.package} {consumer.version} will not find cuDNN: {lost[0]} lies only in {folder}",
            evidence=(
                Proof("cuda_consumers", f"{name_of(consumer.path)} opens {lost[0]} by name"),
                Proof("loader_paths", f"LD_LIBRARY_PATH: {':'.join(loader_paths.library_path) or 'not set'}"),
            ),
            remedies=(
                Remedy(
                    "Name the wheel's folder in LD_LIBRARY_PATH before Python starts",
                    "it is the cuDNN that torch uses too",
                    actions=(SetVariable("LD_LIBRARY_PATH", value),),
                ),
            ),
            wont_help=(
                WontHelp("Adding the folder to PATH", "the loader of Linux does not look there"),
                WontHelp("Installing another cuDNN", "this one fits; it is only not found"),
            ),
            confidence=0.8,
        )


@told("cudnn-not-on-loader-path")
def answer(seen: Seen) -> Advice:
    """By the loader of the system: LD_LIBRARY_PATH on Linux, PATH on Windows."""
    asked = name(seen, "library") or name(seen, "tried") or name(seen, "asked")
    windows = seen.os == "windows" or asked.lower().endswith(".dll")
    first = by_you("Or import torch before the other package", "torch then has loaded cuDNN already")
    return Advice(
        "machine",
        "cuDNN is installed in a folder of its own, and the package that asks for it does not look there",
        remedies=(*(_ON_WINDOWS if windows else _ON_LINUX), first),
        wont_help=(
            WontHelp("Copying single files of cuDNN into the program's folder", "cuDNN's parts must all be of one version")
            if windows
            else WontHelp("Adding the folder to PATH", "the loader of Linux does not look there"),
            WontHelp("Installing another cuDNN system-wide", "this one fits; it is only not found"),
        ),
        decide_by=CHECK,
    )


_ON_LINUX = (
    by_you(
        "Name the wheel's folder in LD_LIBRARY_PATH before Python starts",
        "it is the cuDNN that torch uses too",
        ("python", "-c", "import nvidia.cudnn; print(nvidia.cudnn.__path__[0] + '/lib')"),
    ),
)
_ON_WINDOWS = (
    by_you(
        "Add the folder that holds cuDNN's DLLs to PATH before the program starts",
        r"of torch it is Lib\site-packages\torch\lib, of the wheel Lib\site-packages\nvidia\cudnn\bin; NVIDIA's installer uses"
        r" folders by version, such as C:\Program Files\NVIDIA\CUDNN\v9.1\bin\12.4, and puts none of them on PATH",
    ),
    by_you(
        "In a program of your own: os.add_dll_directory(folder) before the import",
        "Python asks Windows for the DLLs of its modules in these folders, not in those of PATH",
    ),
)
