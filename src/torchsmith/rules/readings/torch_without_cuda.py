"""This torch has no CUDA: by the wrong index, by conda, by another package, for another machine, or on purpose?"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import torch_builds
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.known import Known
from torchsmith.model.versions import major
from torchsmith.rules.readings.commands import installs_other, installs_torch, only_files, plainly
from torchsmith.rules.readings.places import lists_gpu, on_mac

_CONDA = ("conda-cpu-build-string", "conda-cpuonly", "conda-gives-cpu-words")
_REPLACED = ("pip-replaces-torch", "torch-uninstalled", "uv-replaces-torch", "reinstalls-torch-words")


@reading("not-compiled-with-cuda", "invalid-cuda-device-requested")
def not_compiled(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The machine first, then who put the CPU build there; where neither is told, the build itself is the answer."""
    told = list(_told(seen))
    if told:
        # Where GPU and build are facts, the rule itself brings the CPU build in.
        yield from (pointer for pointer in told if pointer.cause != "cpu-only-build" or not seen.value("gpus"))
    elif complaint.signature == "not-compiled-with-cuda" or is_cpu(seen):
        yield Pointer("cpu-only-build", 0.85)
        yield Pointer("dependency-replaced-torch", 0.15)
        yield Pointer("wrong-index-for-platform", 0.15)
    else:
        yield Pointer("cpu-only-build", 0.5)
        yield Pointer("no-nvidia-driver", 0.2)
        yield Pointer("no-nvidia-gpu", 0.2)
        yield Pointer("cuda-visible-devices-hides", 0.15)


@reading("cuda-not-available", "cuda-not-available-word", "asks-is-available")
def not_available(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A False of is_available alone says little: torch's kind and the machine decide."""
    if complaint.signature == "asks-is-available" and (not seen.has("prints-false") or seen.has("cuda-not-available")):
        return
    weak = complaint.signature != "cuda-not-available-word"
    if weak and _known_without_gpu(seen) and (seen.os == "macos" or not any(c.role == "fatal" for c in seen.complaints)):
        return
    torch = seen.value("torch")
    told = list(_told(seen))
    if told and (not torch or torch.kind != "cuda"):
        yield from (Pointer(pointer.cause, pointer.sure * (0.9 if weak else 1)) for pointer in told)
    elif is_cpu(seen):
        # A CPU build that nobody complains of may be meant: on a machine without a GPU it is right.
        yield Pointer("cpu-only-build", 0.2 if weak and _known_without_gpu(seen) else 0.8)
    elif torch and torch.kind == "cuda" and _driver_behind(torch.cuda, seen):
        yield Pointer("driver-too-old-for-cuda", 0.8)
    elif torch and torch.kind == "cuda":
        driver = seen.value("driver")
        if (driver is None or not driver.works) and not lists_gpu(seen):
            yield Pointer("no-nvidia-driver", 0.3)
            yield Pointer("no-nvidia-gpu", 0.5 if seen.has("no-gpu-words", "lspci-without-nvidia") else 0.15)
        yield Pointer("cuda-visible-devices-hides", 0.15)
    elif not torch:
        yield Pointer("cpu-only-build", 0.35)
        yield Pointer("no-nvidia-driver", 0.2)
        yield Pointer("driver-too-old-for-cuda", 0.12)


def _driver_behind(built: str | None, seen: Seen) -> bool:
    """Whether nvidia-smi names an older major version of CUDA than torch was built for."""
    smi = seen.value("nvidia_smi")
    return bool(built and smi and smi.cuda and major(smi.cuda) < major(built))


@reading("torch-cpu-label")
def labelled(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A CPU build, named by itself: on a machine without a GPU it is right."""
    del complaint
    yield Pointer("cpu-only-build", 0.15 if _known_without_gpu(seen) else 0.4)


def _known_without_gpu(seen: Seen) -> bool:
    gpus = seen.facts.get("gpus")
    return isinstance(gpus, Known) and not gpus.value


def is_cpu(seen: Seen) -> bool:
    """Whether the text shows torch to be a CPU build."""
    torch = seen.value("torch")
    return (torch is not None and torch.kind == "cpu") or seen.has("torch-cpu-label", "you-have-cpu-torch")


def _told(seen: Seen) -> Iterator[Pointer]:
    """What is more exact than the CPU build itself; nothing where the text tells of nothing."""
    gpus = bool(seen.value("gpus"))
    if (seen.has("jetson-named") or _tegra(seen) or _old_arm(seen)) and not seen.has("jetson-thor"):
        yield Pointer("jetson-needs-vendor-wheel", 0.9)
        return
    if not gpus:
        machine = list(_machine(seen))
        if machine:
            yield from machine
            return
    yield from _installer(seen)


def _installer(seen: Seen) -> Iterator[Pointer]:
    """Who put the CPU build there, and how sure the build itself is beside it."""
    if seen.has("nix-store-path", "nix-cuda-support-named") and not installs_torch(seen):
        yield Pointer("nix-cuda-support-off", 0.8)
        yield Pointer("cpu-only-build", 0.2)
    elif seen.has(*_CONDA) or _conda_record(seen):
        yield Pointer("conda-solver-picked-cpu", 0.75)
        yield Pointer("cpu-only-build", 0.3)
    elif seen.has(*_REPLACED):
        yield Pointer("dependency-replaced-torch", 0.8)
        yield Pointer("cpu-only-build", 0.3)
    elif seen.has("conda-installs-pytorch") and not installs_torch(seen):
        yield Pointer("conda-solver-picked-cpu", 0.6)
        yield Pointer("cpu-only-build", 0.45)
    elif seen.has("torch-backend-auto") or seen.captured("label", "pytorch-index-named") == "cpu":
        yield Pointer("wrong-index-for-platform", 0.7)
        yield Pointer("cpu-only-build", 0.4)
    elif found := _by_circumstance(seen):
        yield from found
        yield Pointer("cpu-only-build", 0.4)


def _by_circumstance(seen: Seen) -> tuple[Pointer, ...]:
    """The default index, or another package: by what was installed, and into what."""
    index, replaced = "wrong-index-for-platform", "dependency-replaced-torch"
    if seen.has("uv-torch-from-default-index", "index-passed-over"):
        return (Pointer(index, 0.65),)
    if installs_other(seen) and seen.has("fresh-environment"):
        return Pointer(index, 0.6), Pointer(replaced, 0.45)
    if seen.has("torch-came-with-package") or installs_other(seen):
        return (Pointer(replaced, 0.55),)
    if seen.has("worked-before-update") and not seen.has("driver-was-updated"):
        return (Pointer(replaced, 0.6),)
    if (plainly(seen) and seen.os == "windows") or _cpu_for_arm(seen):
        return (Pointer(index, 0.65),)
    return ()


def _machine(seen: Seen) -> Iterator[Pointer]:
    """No NVIDIA GPU here: another maker's, a Mac, or none at all."""
    if seen.has("other-accelerator-named"):
        yield Pointer("wrong-accelerator-backend", 0.9)
    elif on_mac(seen):
        # No Mac has CUDA to offer: a program that asks for it has to change. Who speaks of installing expects it of torch.
        own = seen.has("apple-silicon-named", "program-calls-cuda") or _arch(seen) == "aarch64"
        program = own or not seen.has("torch-installed-words", "no-gpu-words")
        yield Pointer("hardcoded-cuda-device", 0.6 if program else 0.4)
        yield Pointer("no-nvidia-gpu", 0.35 if program else 0.55)
        yield Pointer("wrong-accelerator-backend", 0.4 if own else 0.2)
    elif of_amd(seen) or (seen.has("intel-gpu-named") and not seen.has("no-gpu-words")):
        yield Pointer("wrong-accelerator-backend", 0.8)
        yield Pointer("no-nvidia-gpu", 0.3)
    elif seen.has("intel-graphics-named", "processor-graphics-named"):
        yield Pointer("no-nvidia-gpu", 0.65)
        yield Pointer("wrong-accelerator-backend", 0.3)
        yield Pointer("hardcoded-cuda-device", 0.3)
    elif seen.has("no-gpu-words", "lspci-without-nvidia") and not seen.has("conda-installs-pytorch"):
        yield Pointer("hardcoded-cuda-device", 0.55)
        yield Pointer("no-nvidia-gpu", 0.5)
    elif seen.has("wants-the-cpu", "program-names-cuda") and not seen.has("nvidia-gpu-words", "gpu-named"):
        yield Pointer("hardcoded-cuda-device", 0.6)
        yield Pointer("cpu-only-build", 0.35)


def of_amd(seen: Seen) -> bool:
    """Whether a GPU of AMD's is named: what is inside a processor is none that torch could use."""
    return any(c.signature == "amd-gpu-named" and "with radeon" not in c.text.lower() for c in seen.complaints)


def _conda_record(seen: Seen) -> bool:
    packages = seen.value("packages")
    record = packages.conda_record("pytorch") if packages else None
    return record is not None and "cpu" in record.conda_build


def _arch(seen: Seen) -> str:
    machine = seen.value("machine")
    return machine.arch if machine else ""


def _old_arm(seen: Seen) -> bool:
    """An Arm machine with a kernel, or a CUDA, that no other board than a Jetson has."""
    return seen.has("jetson-kernel-named") and seen.has("linux-on-arm") and not seen.has("arm-server-named")


def _cpu_for_arm(seen: Seen) -> bool:
    """Whether this is Linux on ARM and a release that the default index has without CUDA there: those before 2.11."""
    if not ((seen.os == "linux" and _arch(seen) == "aarch64") or _server_arm(seen)):
        return False
    torch = seen.value("torch")
    default = torch_builds.default_on_pypi(torch.version, "linux-aarch64") if torch else None
    return default is None or default.kind == "cpu"


def _server_arm(seen: Seen) -> bool:
    return seen.has("arm-server-named") and not seen.has("pytorch-index-named")


@reading("arm-server-named")
def on_an_arm_server(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Up to 2.10 the default index has CPU builds only for Arm."""
    del complaint
    if plainly(seen) and _cpu_for_arm(seen) and not any(c.role == "fatal" for c in seen.complaints):
        yield Pointer("wrong-index-for-platform", 0.5)
        yield Pointer("cpu-only-build", 0.3)


def _tegra(seen: Seen) -> bool:
    machine = seen.value("machine")
    return machine is not None and "tegra" in machine.kernel


@reading("cpu-came-words")
def cpu_came(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Somebody says that the CPU build is what came: by which installer?"""
    del complaint
    if seen.has("jetson-named") and not seen.has("jetson-thor"):
        yield Pointer("jetson-needs-vendor-wheel", 0.8)
    elif seen.has("conda-installs-pytorch", "conda-sibling-cpu", *_CONDA):
        yield Pointer("conda-solver-picked-cpu", 0.8)
        yield Pointer("wrong-index-for-platform", 0.2)
    elif seen.has("nix-cuda-support-named"):
        yield Pointer("nix-cuda-support-off", 0.8)
    elif seen.has(*_REPLACED) or (installs_other(seen) and not plainly(seen) and not only_files(seen)):
        yield Pointer("dependency-replaced-torch", 0.65)
        yield Pointer("wrong-index-for-platform", 0.55)
    else:
        yield Pointer("wrong-index-for-platform", 0.75)
        yield Pointer("cpu-only-build", 0.3)


@reading("conda-cuda-beside-cpu")
def beside(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """CUDA libraries were asked of conda, and the torch beside them has no CUDA."""
    del complaint
    if is_cpu(seen) and _conda_record(seen):
        yield Pointer("conda-solver-picked-cpu", 0.5)


@reading("jetson-named")
def on_a_jetson(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A general wheel is the first thing to suspect on a Jetson, unless NVIDIA's own is named or CUDA works."""
    del complaint
    torch, driver = seen.value("torch"), seen.value("driver")
    # A missing kernel image is read by the GPU's architecture, Jetson or not.
    if seen.has("jetson-thor", "no-kernel-image") or (driver is not None and driver.works):
        return
    if seen.has("jetson-wheel-named") or (torch is not None and ".nv" in torch.version):
        yield Pointer("jetson-wheel-jetpack-mismatch", 0.3)
    elif seen.has("torch-downloaded", "cuda-not-available-word") or installs_torch(seen):
        yield Pointer("jetson-needs-vendor-wheel", 0.65)
    else:
        yield Pointer("jetson-needs-vendor-wheel", 0.4)


@reading("amd-gpu-named", "other-accelerator-named", "intel-gpu-named")
def another_maker(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """An accelerator that is not NVIDIA's, where none of NVIDIA's is named."""
    if seen.value("gpus") or seen.has("smi-lists-gpus", "from-versions", "no-matching-distribution", "not-a-supported-wheel"):
        return
    if complaint.signature == "amd-gpu-named" and not of_amd(seen):
        return
    sure = {"other-accelerator-named": 0.58, "amd-gpu-named": 0.5}.get(complaint.signature, 0.3)
    if sure >= 0.5 and any(other.role == "fatal" for other in seen.complaints):
        sure += 0.12
    yield Pointer("wrong-accelerator-backend", sure)
