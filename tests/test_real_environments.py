"""The whole command on environments with real packages, beside a stand-in driver: what a user with that machine would read.

The driver stack stands on LD_LIBRARY_PATH and PATH only; /proc and /sys are the test machine's own and know nothing of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.lab import environments
from tests.lab.environments import Environment, VariantFactory
from tests.lab.fixtures import have
from tests.lab.machine import FakeMachine, MachineFactory

pytestmark = [pytest.mark.online, pytest.mark.slow]

CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@dataclass(frozen=True)
class Case:
    """``cause`` is the first root cause (empty: none), ``says`` must stand in its commands or evidence."""

    torch: str
    machine: str
    verdict: str
    cause: str = ""
    says: str = ""
    environ: dict[str, str] = field(default_factory=dict)
    damage: Callable[[Environment, Path], dict[str, str] | None] | None = None


def torch_py(_: Environment, folder: Path) -> None:
    (folder / "torch.py").write_text("x = 1\n")


def half_removed(environment: Environment, _: Path) -> None:
    environment.half_remove("torch")


def without_cudnn(environment: Environment, _: Path) -> None:
    environment.remove("nvidia/**/libcudnn.so.9")


def without_cublas(environment: Environment, _: Path) -> None:
    environment.remove("nvidia/**/libcublas.so.13")


def cut_off(environment: Environment, _: Path) -> None:
    library = environment.site / "torch" / "lib" / "libtorch_cuda.so"
    with library.open("rb") as file:
        head = file.read(1 << 20)
    library.unlink()
    library.write_bytes(head)


def cpu_torchvision(environment: Environment, _: Path) -> None:
    """torchvision of the right release, but its CPU build."""
    version = "0.29.1"
    environment.write("torchvision/__init__.py", "")
    environment.write("torchvision/version.py", f"__version__ = '{version}+cpu'\ngit_version = 'abc'\ncuda = None\n")
    environment.write(
        f"torchvision-{version}+cpu.dist-info/METADATA", f"Metadata-Version: 2.1\nName: torchvision\nVersion: {version}+cpu\n"
    )


def another_torchvision(environment: Environment, _: Path) -> None:
    environment.install("torchvision==0.28.0", dependencies=False)


def torch_on_pythonpath(environment: Environment, folder: Path) -> dict[str, str]:
    """A CPU torch in a folder that PYTHONPATH puts before the environment's."""
    environment.graft(have(environments.cpu), "torch", "torch-*.dist-info", into=folder / "elsewhere")
    return {"PYTHONPATH": str(folder / "elsewhere")}


def torch_in_user_site(environment: Environment, folder: Path) -> dict[str, str]:
    """A CPU torch in the user's site-packages, which a virtual environment with system packages looks at last."""
    settings = environment.prefix / "pyvenv.cfg"
    text = settings.read_text()
    settings.unlink()
    settings.write_text(text.replace("include-system-site-packages = false", "include-system-site-packages = true"))
    user = folder / "base" / "lib" / environment.site.parent.name / "site-packages"
    environment.graft(have(environments.cpu), "torch", "torch-*.dist-info", into=user)
    return {"PYTHONUSERBASE": str(folder / "base")}


def conda_record(environment: Environment, _: Path) -> None:
    """conda's own record of another torch in the same environment, as `pip install torch` over conda's leaves it."""
    record = environment.prefix / "conda-meta" / "pytorch-2.5.1-cuda126_py311_hffffffff_200.json"
    record.parent.mkdir()
    record.write_text('{"name": "pytorch", "version": "2.5.1", "channel": "conda-forge"}')


def older_cudnn(environment: Environment, folder: Path) -> dict[str, str]:
    """A real, older cuDNN 9 on LD_LIBRARY_PATH."""
    with ExitStack() as stack:
        other = stack.enter_context(environments.variant(have(environments.empty), "cudnn"))
        other.install("nvidia-cudnn-cu13==9.13.1.26", dependencies=False)
        library = next(other.site.glob("nvidia/*/lib/libcudnn.so.9")).parent
        (folder / "cudnn").mkdir()
        for file in library.iterdir():
            file.rename(folder / "cudnn" / file.name)
    del environment
    return {"LD_LIBRARY_PATH": str(folder / "cudnn")}


CASES = {
    "CPU build, no GPU": Case("cpu", "no-gpu", "fits"),
    "CPU build, RTX 5070 Ti": Case("cpu", "rtx5070ti", "blocked", "cpu-only-build", "whl/cu1"),
    "CUDA build, no GPU": Case("cuda", "no-gpu", "degraded", "no-nvidia-gpu"),
    "RTX 5070 Ti on driver 581.57": Case("cuda", "rtx5070ti", "fits"),
    "RTX 5070 with torch 2.2.2+cu121": Case("cu121", "rtx5070", "blocked", "gpu-arch-not-in-build-too-new", "whl/cu12"),
    "GTX 1080 Ti with a CUDA 13 build": Case("cuda", "gtx1080ti", "blocked", "gpu-arch-dropped-too-old", "2.14.1+cu126"),
    "GTX 750 Ti with a CUDA 13 build": Case("cuda", "gtx750ti", "blocked", "gpu-arch-dropped-too-old", "+cu126"),
    "V100": Case("cuda", "v100", "blocked", "gpu-arch-dropped-too-old", "2.14.1+cu126"),
    "H100 and RTX 3060": Case("cuda", "h100-rtx3060", "fits"),
    "RTX 5090 and GTX 1080 Ti": Case("cuda", "rtx5090-gtx1080ti", "blocked", "gpu-arch-dropped-too-old"),
    "driver 535 with a CUDA 13 build": Case("cuda", "rtx3060-driver535", "blocked", "driver-too-old-for-cuda", "cu126"),
    "driver 535 with a CUDA 12.1 build, NumPy 2": Case("cu121", "rtx3060-driver535", "degraded", "numpy-abi"),
    "driver 470": Case("cuda", "rtx3060-driver470", "blocked", "driver-too-old-for-cuda", "cu118"),
    "driver 550 with a CUDA 13 build": Case("cuda", "h200-driver550", "blocked", "driver-too-old-for-cuda"),
    "libcuda missing": Case("cuda", "libcuda-missing", "blocked"),
    "NVML version mismatch": Case("cuda", "version-mismatch", "blocked", "nvidia-module-version-mismatch"),
    "could not communicate": Case("cuda", "could-not-communicate", "blocked", "driver-module-not-loaded"),
    "a hung driver": Case("cuda", "driver-hangs", "unknown"),
    "a hung nvidia-smi": Case("cuda", "smi-hangs", "fits"),
    "nvidia-smi missing": Case("cuda", "smi-missing", "fits"),
    "a driver that crashes": Case("cuda", "driver-crashes", "unknown"),
    "GB10 on sm_120 code": Case("cuda", "gb10", "fits"),
    "a GPU of the future": Case("cuda", "future", "blocked", "gpu-arch-not-in-build-too-new"),
    "H200": Case("cuda", "h200", "fits"),
    "CUDA_VISIBLE_DEVICES empty": Case(
        "cuda", "h200", "blocked", "cuda-visible-devices-hides", environ={"CUDA_VISIBLE_DEVICES": ""}
    ),
    "CUDA_VISIBLE_DEVICES -1": Case(
        "cuda", "h200", "blocked", "cuda-visible-devices-hides", environ={"CUDA_VISIBLE_DEVICES": "-1"}
    ),
    "CUDA_VISIBLE_DEVICES 7": Case(
        "cuda", "h200", "blocked", "cuda-visible-devices-hides", environ={"CUDA_VISIBLE_DEVICES": "7"}
    ),
    "CUDA_VISIBLE_DEVICES 0": Case("cuda", "h200", "fits", environ={"CUDA_VISIBLE_DEVICES": "0"}),
    "an index of CPU builds": Case(
        "cpu", "rtx5070ti", "blocked", "wrong-index-for-platform", CPU_INDEX, environ={"PIP_EXTRA_INDEX_URL": CPU_INDEX}
    ),
    "torch.py in the working directory": Case("cuda", "rtx5070ti", "blocked", "torch-shadowed", "torch.py", damage=torch_py),
    "a half-removed torch": Case("cuda", "rtx5070ti", "blocked", "torch-install-incomplete", "~orch", damage=half_removed),
    "libtorch_cuda cut off": Case("cuda", "rtx5070ti", "blocked", "torch-install-incomplete", damage=cut_off),
    "libcudnn missing": Case("cuda", "rtx5070ti", "blocked", "missing-cudnn", "nvidia-cudnn-cu13", damage=without_cudnn),
    "libcublas missing": Case("cuda", "rtx5070ti", "blocked", "missing-cuda-runtime-lib", "nvidia-cublas", damage=without_cublas),
    "CPU torchvision beside CUDA torch": Case("cuda", "rtx5070ti", "blocked", "torchvision-mismatch", damage=cpu_torchvision),
    "another torchvision": Case("cuda", "rtx5070ti", "blocked", "torchvision-mismatch", "0.29", damage=another_torchvision),
    "another torch on PYTHONPATH": Case("cuda", "rtx5070ti", "blocked", "user-site-shadowing", damage=torch_on_pythonpath),
    "another torch in the user site, behind": Case("cuda", "rtx5070ti", "fits", damage=torch_in_user_site),
    "torch by conda and by pip": Case("cuda", "rtx5070ti", "degraded", "duplicate-torch-conda-pip", damage=conda_record),
    "an older cuDNN on LD_LIBRARY_PATH": Case(
        "cuda", "rtx5070ti", "blocked", "ld-library-path-shadowing", "cudnn", damage=older_cudnn
    ),
    "no torch": Case("empty", "rtx5070ti", "degraded", "torch-not-installed", "+cu13"),
}


@pytest.fixture
def environment_of(request: pytest.FixtureRequest, variant: VariantFactory) -> Callable[[Case], Environment]:
    def get(case: Case) -> Environment:
        base: Environment = request.getfixturevalue(f"{case.torch}_environment")
        return variant(base) if case.damage else base

    return get


def joined(environ: dict[str, str], more: dict[str, str]) -> dict[str, str]:
    """``more`` over ``environ``; what it puts on LD_LIBRARY_PATH stands before the stand-in driver."""
    if "LD_LIBRARY_PATH" in more and environ.get("LD_LIBRARY_PATH"):
        more = more | {"LD_LIBRARY_PATH": f"{more['LD_LIBRARY_PATH']}:{environ['LD_LIBRARY_PATH']}"}
    return environ | more


def check(environment: Environment, machine: FakeMachine, folder: Path, *more: str, **environ: str) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "torchsmith", "check", "--json", "--python", str(environment.python), *more],
        cwd=folder,
        env=joined(machine.environ({k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}), environ),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.stdout, (ran.returncode, ran.stderr)
    assert "Traceback" not in ran.stderr, ran.stderr
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


@pytest.mark.parametrize("what", CASES)
def test_real(what: str, tmp_path: Path, fake_machine: MachineFactory, environment_of: Callable[[Case], Environment]) -> None:
    case = CASES[what]
    environment, machine = environment_of(case), fake_machine(case.machine)
    more = (case.damage(environment, tmp_path) if case.damage else None) or {}
    begun = time.monotonic()
    document = check(environment, machine, tmp_path, **case.environ, **more)
    took = time.monotonic() - begun
    causes = [finding["cause"] for finding in document["root_causes"] if finding["severity"] != "note"]
    assert (document["verdict"], causes[:1]) == (case.verdict, [case.cause] if case.cause else causes[:1]), document[
        "root_causes"
    ]
    if case.verdict == "fits":
        assert causes == []
    assert case.says in json.dumps(document["root_causes"])
    assert not [item for item in document["skipped"] if "crashed" in item["reason"]]
    assert took < 10
