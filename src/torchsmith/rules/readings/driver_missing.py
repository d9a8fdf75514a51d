"""No driver, as a program sees it: is there none, or was it kept from a container, from WSL, from Nix, from this job?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings import places


@reading(
    "no-driver-found",
    "cuda-shared-object-failed",
    "libcuda-missing",
    "libcuda-missing-warning",
    "cuda-drivers-not-found",
    "nvml-library-missing",
    "nvidia-smi-missing",
    "nvidia-smi-does-not-work",
)
def no_driver(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the place: each has its own reason to show no driver."""
    faint = 0.5 if places.overheard(complaint, seen) else 1.0
    yield from (Pointer(pointer.cause, faint * pointer.sure) for pointer in missing(seen))


def missing(seen: Seen) -> Iterator[Pointer]:
    """The causes of a missing driver, the most likely first."""
    if places.in_wsl1(seen):
        yield Pointer("wsl1-not-wsl2", 0.9)
    elif places.in_nix(seen):
        yield Pointer("nix-no-driver-lib", 0.8)
        yield Pointer("wsl-driver-not-visible" if places.in_wsl(seen) else "no-nvidia-driver", 0.3)
        yield Pointer("container-no-gpu-runtime", 0.15)
    elif places.inside(seen) and (places.smi_works(seen) or seen.has("capabilities-words")):
        yield Pointer("container-driver-capabilities", 0.65)
        yield Pointer("container-no-gpu-runtime", 0.25)
        yield Pointer("container-userspace-driver-mismatch", 0.15)
    elif places.in_wsl(seen) and not places.inside(seen):
        yield from _wsl(seen)
    elif places.in_notebook(seen):
        yield Pointer("scheduler-no-gpu-allocated", 0.85)
        yield Pointer("no-nvidia-gpu", 0.2)
    elif seen.has("scheduler-words"):
        yield Pointer("scheduler-no-gpu-allocated", 0.7)
        yield Pointer("no-nvidia-driver", 0.25)
        yield Pointer("no-nvidia-gpu", 0.15)
    elif places.inside(seen):
        yield Pointer("container-no-gpu-runtime", 0.75)
        yield Pointer("container-driver-capabilities", 0.2)
        yield Pointer("docker-snap-install" if seen.has("snap-words") else "no-nvidia-driver", 0.2)
    else:
        yield from _unplaced(seen)


def _unplaced(seen: Seen) -> Iterator[Pointer]:
    if (seen.has("not-nvidia-words") or seen.os == "macos") and not places.names_gpu(seen):
        yield Pointer("cuda-build-on-machine-without-cuda", 0.5)
        yield Pointer("no-nvidia-gpu", 0.45)
        yield Pointer("wrong-accelerator-backend", 0.25)
    elif places.around(seen):  # named, as an issue's form names it: it may be or not
        yield Pointer("no-nvidia-driver", 0.5)
        yield Pointer("container-no-gpu-runtime", 0.45)
    elif seen.has("ci-words"):
        yield Pointer("no-nvidia-gpu", 0.7)
        yield Pointer("no-nvidia-driver", 0.2)
    else:
        yield from _plain(seen)


def _wsl(seen: Seen) -> Iterator[Pointer]:
    build = seen.captured("build", "windows-build")
    if build and int(build) < 19044:
        yield Pointer("wsl-windows-build-too-old", 0.75)
    own = seen.has("linux-driver-in-wsl")
    yield Pointer("wsl-linux-driver-installed", 0.75 if own else 0.3)
    yield Pointer("wsl-driver-not-visible", 0.35 if own else 0.6)
    yield Pointer("no-nvidia-driver", 0.15)


def _plain(seen: Seen) -> Iterator[Pointer]:
    if places.lists_gpu(seen):  # the driver answers outside: what does not see it stands apart from it
        yield Pointer("container-driver-capabilities", 0.3)
        yield Pointer("no-nvidia-driver", 0.35)
        yield Pointer("ld-library-path-shadowing", 0.15)
    elif places.names_gpu(seen):
        yield Pointer("no-nvidia-driver", 0.65)
        yield Pointer("driver-module-not-loaded", 0.2)
        yield Pointer("container-no-gpu-runtime", 0.15)
    else:
        yield Pointer("no-nvidia-driver", 0.55)
        yield Pointer("no-nvidia-gpu", 0.3)
        yield Pointer("container-no-gpu-runtime", 0.2)


@reading("collect-env-no-driver")
def uncollected(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """collect_env found no driver: a complaint only where a CUDA build sees no GPU."""
    del complaint
    torch, gpus = seen.value("torch"), seen.value("gpus")
    if not torch or torch.kind != "cuda" or gpus or not seen.has("collect-env-cuda-off"):
        return
    if gpus is None:
        yield from missing(seen)
    elif places.inside(seen):  # "No CUDA": the rules say that there is no GPU, and see no container
        yield Pointer("container-no-gpu-runtime", 0.6)


@reading("collect-env-cuda-off")
def off(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A CUDA build that sees none of the GPUs that the driver shows, and no line that says why."""
    del complaint
    torch = seen.value("torch")
    said = any(other.role == "fatal" or other.signature == "cuda-init-warning" for other in seen.complaints)
    if said or not torch or torch.kind != "cuda" or not seen.value("gpus"):
        return
    if places.in_wsl(seen):
        yield Pointer("wsl-driver-not-visible", 0.4)
        yield Pointer("wsl-linux-driver-installed", 0.25)
    elif places.around(seen):
        yield Pointer("container-userspace-driver-mismatch", 0.25)
        yield Pointer("container-lost-gpu-cgroup", 0.25)
    else:
        yield Pointer("uvm-broken-after-suspend", 0.3)
        yield Pointer("uvm-not-loaded", 0.25)
    yield Pointer("cuda-visible-devices-hides", 0.25)
