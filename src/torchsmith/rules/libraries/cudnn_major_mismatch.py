"""
# Another package needs another cuDNN major than the one that is here

## What it means
ctranslate2 (under faster-whisper and whisperX) and onnxruntime open cuDNN themselves, by a name that carries its major. torch
brings cuDNN 9 from 2.4 on and 8 before. A ctranslate2 older than 4.5 beside a newer torch ends in "Could not load library
libcudnn_ops_infer.so.8" and aborts the process; torch alone works.

## How it is told
The package's own files: the cuDNN that a ctranslate2 wheel carries the front library of, the libraries that onnxruntime's CUDA
part is linked with. Then whether the loader finds that name, and whether NVIDIA's wheels here have it.

## What to do
Bring the package to the version made for torch's cuDNN.

## What not to do
Do not link cuDNN 9 to the names of cuDNN 8: the functions differ. Both majors as wheels in one environment overwrite each
other's headers and leave the choice to chance.

## Sources
The wheels of ctranslate2 and onnxruntime-gpu; `torchsmith facts third_party`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.action import Install
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.libraries import CudaConsumer, CudaConsumers, LoadedLibraries
from torchsmith.model.facts.python import Packages
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Remedy, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.libraries.common import CUDNN, name_of
from torchsmith.rules.libraries.told import CHECK, by_you, install, name, torch_said
from torchsmith.rules.readings import cudnn_not_found

# The first release made for a cuDNN major, newest first (the wheels themselves).
MADE_FOR = {("ctranslate2", 9): ">=4.5.0,<5", ("ctranslate2", 8): "==4.4.0", ("onnxruntime-gpu", 9): ">=1.19"}
_NAMED = {"asks-ctranslate2": "ctranslate2", "asks-onnxruntime": "onnxruntime-gpu"}
USERS = {"ctranslate2": ("faster-whisper", "whisperx")}


@rule("cudnn-major-mismatch", explains=("missing-cudnn", "cudnn-not-on-loader-path"))
def check(
    torch: Torch,
    cuda_consumers: CudaConsumers,
    loaded_libraries: LoadedLibraries,
    gpus: Gpus | Unknown | None,
    packages: Packages,
) -> Iterator[Finding]:
    """A package asks for a cuDNN major that nothing here has, while torch has another."""
    ours = _major_of_torch(loaded_libraries)
    for consumer in cuda_consumers.consumers:
        name = next((name for name in consumer.needs if CUDNN.fullmatch(name)), "")
        theirs = _major(name)
        reachable = dict(consumer.on_path) | dict(consumer.in_wheels)
        if not ours or not theirs or theirs == ours or name in reachable:
            continue
        from torchsmith.knowledge import third_party

        users = [user for user in USERS.get(consumer.package, ()) if packages.get(user)]
        asked = third_party.requirement(consumer.package, consumer.version)
        yield Finding(
            Severity.BLOCKER if not isinstance(gpus, Unknown) and gpus else Severity.DEGRADED,
            f"package:{consumer.package}",
            f"{consumer.package} {consumer.version} needs cuDNN {theirs}, but torch {torch.version} brings cuDNN {ours}",
            evidence=(
                Proof("cuda_consumers", f"{name_of(consumer.path)} opens {name}, which is nowhere here"),
                *((Proof("cuda_consumers", f"{consumer.package}: {asked.requirement}"),) if asked else ()),
                *((Proof("packages", f"used by {', '.join(users)}"),) if users else ()),
            ),
            remedies=_remedies(consumer, ours),
            wont_help=(
                WontHelp(f"Linking cuDNN {ours} to the names of cuDNN {theirs}", "their functions differ"),
                WontHelp("Installing both majors", "they share folders, and torch may then meet the wrong one"),
            ),
        )


def _remedies(consumer: CudaConsumer, ours: int) -> tuple[Remedy, ...]:
    wanted = MADE_FOR.get((consumer.package, ours))
    if not wanted:
        return ()
    requirement = f"{consumer.package}{wanted}"
    return (Remedy(f"Install {requirement}", f"made for cuDNN {ours}, which torch has", actions=(Install((requirement,)),)),)


def _major_of_torch(loaded: LoadedLibraries) -> int:
    return next((_major(found.name) for found in loaded.objects if found.name.startswith("libcudnn.so.")), 0)


def _major(name: str) -> int:
    matched = re.search(r"\.so\.(\d+)|64_(\d+)", name)
    return int(matched[1] or matched[2]) if matched else 0


@told("cudnn-major-mismatch")
def answer(seen: Seen) -> Advice:
    """From the text alone."""
    library = name(seen, "library") or name(seen, "tried") or name(seen, "asked")
    asked = cudnn_not_found.major_of(library)
    other = next((major for major in (cudnn_not_found.ours(seen), 17 - asked) if major and major != asked), 0) if asked else 0
    package = next((package for signature, package in _NAMED.items() if seen.has(signature)), "")
    wanted = MADE_FOR.get((package, other), "")
    fitting = f"made for cuDNN {other}, which torch here has" if other else "made for the cuDNN of the torch here"
    return Advice(
        f"package:{package}" if package else "machine",
        f"{package or 'a package'} asks for cuDNN {asked}, and {torch_said(seen)} brings cuDNN {other}"
        if asked and other
        else "two majors of cuDNN are asked for",
        remedies=(
            install(seen, f"Install {package}{wanted}", f"it is {fitting}", f"{package}{wanted}")
            if wanted
            else by_you(f"Install a release of the package that asks that is {fitting}"),
            by_you(
                "Or keep that package and choose a torch with the same cuDNN: up to 2.3 it is cuDNN 8, from 2.4 on cuDNN 9",
                "both then use one copy",
            ),
        ),
        wont_help=(
            WontHelp(f"Linking cuDNN {other} to the names of cuDNN {asked}", "their functions differ")
            if other
            else WontHelp("Linking one major to the names of the other", "their functions differ"),
            WontHelp("Installing both majors side by side", "they share folders, and torch may then meet the wrong one"),
        ),
        decide_by=CHECK,
    )
