"""CUDA's status when it starts, in the words of torch, TensorFlow, JAX, numba, CuPy, PyCUDA, ollama, llama.cpp."""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import key, major
from torchsmith.rules.readings import places
from torchsmith.rules.readings.driver_missing import missing

# What a status is called, in lower case without the underscores of its names; the first that fits counts.
WORDS = (
    ("forward compatibility was attempted", 804),
    ("compatnotsupported", 804),
    ("unsupported display driver", 803),
    ("systemdrivermismatch", 803),
    ("system not yet initialized", 802),
    ("systemnotready", 802),
    ("insufficient for cuda runtime", 35),
    ("insufficientdriver", 35),
    ("driver on your system is too old", 35),
    ("found no nvidia driver", 303),
    ("sharedobjectinitfailed", 303),
    ("shared object initialization failed", 303),
    ("no cuda-capable device", 100),
    ("errornodevice", 100),
    ("stub library", 34),
    ("stublibrary", 34),
    ("os call failed", 304),
    ("erroroperatingsystem", 304),
    ("named symbol not found", 500),
    ("invalid device ordinal", 101),
    ("errorinvaliddevice", 101),
    ("devices are busy", 46),
    ("devicesunavailable", 46),
    ("deviceunavailable", 46),
    ("out of memory", 2),
    ("outofmemory", 2),
    ("unknown error", 999),
    ("errorunknown", 999),
    ("initialization error", 3),
    ("notinitialized", 3),
    ("initializationerror", 3),
)
# Numbers of CUDA 10.0 and older.
OLD = {30: 999, 38: 100, 10: 101}


@reading("cuda-init-warning", "cuda-init-status", "cuda-named-symbol", "cuda-init-number", "cuinit-call-failed", "driver-too-old")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """What each status means here."""
    code = status(complaint)
    by_code = {
        2: _out_of_memory,
        3: _not_initialized,
        34: _stub,
        35: _too_old,
        46: _busy,
        100: _no_device,
        101: _no_such_device,
        303: missing,
        304: _system_call,
        500: _no_symbol,
        802: _not_ready,
        803: _mismatch,
        804: _compat,
        999: _unknown,
    }
    given = by_code[code](seen) if code in by_code else (Pointer("cuda-does-not-start", 0.4),)
    faint = 0.5 if places.overheard(complaint, seen) else 1.0
    yield from (Pointer(pointer.cause, faint * pointer.sure) for pointer in given)


def status(complaint: Complaint) -> int:
    """The status by its words, else by its number; 0 where neither is known."""
    said = complaint.text.lower().replace("_", "")
    found = next((code for words, code in WORDS if words in said), 0)
    number = complaint.captured.get("status", "")
    return found or (OLD.get(int(number), int(number)) if number else 0)


def _out_of_memory(seen: Seen) -> Iterator[Pointer]:
    yield Pointer("wsl-driver-gpu-limit", 0.8 if places.in_wsl(seen) else 0.15)
    yield Pointer("out-of-memory", 0.2 if places.in_wsl(seen) else 0.7)


def _not_initialized(seen: Seen) -> Iterator[Pointer]:
    if places.in_wsl(seen):
        yield Pointer("wsl-driver-not-visible", 0.5)
        yield Pointer("wsl-linux-driver-installed", 0.25)
        return
    yield Pointer("uvm-hmm-init-failure", 0.5)
    yield Pointer("uvm-not-loaded", 0.35)
    yield Pointer("uvm-broken-after-suspend", 0.5 if seen.has("after-suspend") else 0.15)
    yield Pointer("cuda-does-not-start", 0.2)
    if seen.has("forked-words"):
        yield Pointer("user-code-bug", 0.7)


def _stub(seen: Seen) -> Iterator[Pointer]:
    del seen
    yield Pointer("cuda-stub-library", 0.9)


def _too_old(seen: Seen) -> Iterator[Pointer]:
    if seen.captured("version", "driver-too-old", "cuda-init-warning") == "0":  # a libcuda without a driver behind it
        yield Pointer("wsl-driver-not-visible" if places.in_wsl(seen) else "driver-module-not-loaded", 0.6)
    if seen.has("vgpu-words"):
        yield Pointer("vgpu-needs-grid-driver", 0.45)
    smi, torch = seen.value("nvidia_smi"), seen.value("torch")
    has = smi.cuda if smi and smi.cuda else ""
    met = _met(seen)
    serves = bool(has and torch and torch.cuda and major(has) >= major(torch.cuda))
    if serves or (met and has and key(has) > key(met)):  # the driver that nvidia-smi shows is not the one that the program met
        yield Pointer("driver-too-old-for-cuda", 0.5)
        yield Pointer("compat-lib-shadows-driver", 0.4)
        yield Pointer("driver-user-kernel-mismatch", 0.3)
    elif places.in_nix(seen):  # mostly a libcuda of Nix's own, which no driver stands behind
        yield Pointer("nix-no-driver-lib", 0.6)
        yield Pointer("driver-too-old-for-cuda", 0.5)
    elif places.in_wsl(seen) and seen.has("windows-too-old-for-wsl-gpu"):  # its driver is as old as this Windows
        yield Pointer("driver-too-old-for-cuda", 0.45)
    else:
        yield Pointer("driver-too-old-for-cuda", 0.92)


def _met(seen: Seen) -> str:
    """The CUDA of the driver that torch met: ``11.4`` for "found version 11040"."""
    number = int(seen.captured("version", "driver-too-old", "cuda-init-warning") or "0")
    return f"{number // 1000}.{number % 1000 // 10}" if number else ""


def _busy(seen: Seen) -> Iterator[Pointer]:
    if places.in_wsl(seen):
        yield Pointer("wsl-driver-not-visible", 0.5)
        return
    yield Pointer("cuda-does-not-start", 0.4)
    yield Pointer("mig-misconfig", 0.2)
    yield Pointer("uvm-broken-after-suspend", 0.5 if seen.has("after-suspend") else 0.1)


def _no_device(seen: Seen) -> Iterator[Pointer]:
    if places.in_wsl(seen) or places.inside(seen) or places.allotted(seen) or places.in_nix(seen):
        yield from missing(seen)
        yield Pointer("cuda-visible-devices-hides", 0.15)
        return
    yield Pointer("cuda-visible-devices-hides", 0.35)
    if places.lists_gpu(seen):
        yield Pointer("mig-misconfig", 0.6 if seen.has("mig-words") else 0.15)
        yield Pointer("device-node-permissions", 0.25)
        yield Pointer("uvm-not-loaded", 0.2)
    else:
        yield Pointer("no-nvidia-gpu", 0.3)
        yield Pointer("driver-module-not-loaded", 0.25)
        yield Pointer("blackwell-needs-open-module" if places.blackwell(seen) else "no-nvidia-driver", 0.25)


def _no_such_device(seen: Seen) -> Iterator[Pointer]:
    yield Pointer("mig-misconfig", 0.65 if seen.has("mig-words") else 0.25)
    yield Pointer("cuda-visible-devices-hides", 0.4)
    yield Pointer("gpu-hardware-fault", 0.2)
    yield Pointer("fabric-manager-not-running", 0.2)


def _system_call(seen: Seen) -> Iterator[Pointer]:
    yield Pointer("uvm-not-loaded", 0.45)
    yield Pointer("device-node-permissions", 0.4)
    yield Pointer("container-no-gpu-runtime" if places.around(seen) else "cuda-does-not-start", 0.3)


def _no_symbol(seen: Seen) -> Iterator[Pointer]:
    """WSL's libcuda of one driver beside what a container's runtime copied of another."""
    if places.in_wsl(seen) or seen.os == "windows":
        yield Pointer("wsl-driver-not-visible", 0.6)
    yield Pointer("container-userspace-driver-mismatch", 0.45 if places.around(seen) else 0.2)
    yield Pointer("driver-user-kernel-mismatch", 0.3)


def _not_ready(seen: Seen) -> Iterator[Pointer]:
    del seen
    yield Pointer("fabric-manager-not-running", 0.88)
    yield Pointer("mig-misconfig", 0.1)


def _mismatch(seen: Seen) -> Iterator[Pointer]:
    if places.in_wsl(seen):
        yield Pointer("wsl-linux-driver-installed", 0.55)
        yield Pointer("driver-user-kernel-mismatch", 0.25)
    # The rule, which sees no container, says beside these that two drivers are installed.
    elif seen.has("compat-folder"):
        yield Pointer("compat-lib-shadows-driver", 0.8)
        yield Pointer("container-userspace-driver-mismatch", 0.3)
    elif places.around(seen):
        yield Pointer("container-userspace-driver-mismatch", 0.65)
        yield Pointer("compat-lib-shadows-driver", 0.3)
    else:
        yield Pointer("driver-user-kernel-mismatch", 0.6)
        yield Pointer("nvidia-module-version-mismatch", 0.5 if seen.has("driver-updated") else 0.25)
        yield Pointer("container-userspace-driver-mismatch", 0.35)
        yield Pointer("compat-lib-shadows-driver", 0.2)


def _compat(seen: Seen) -> Iterator[Pointer]:
    del seen
    yield Pointer("forward-compat-on-consumer-gpu", 0.9)
    yield Pointer("driver-too-old-for-cuda", 0.15)
    yield Pointer("compat-lib-shadows-driver", 0.15)


def _unknown(seen: Seen) -> Iterator[Pointer]:
    if places.in_wsl(seen):
        yield Pointer("wsl-driver-not-visible", 0.55)
        yield Pointer("wsl-linux-driver-installed", 0.25)
        return
    if seen.has("compat-folder"):
        yield Pointer("compat-lib-shadows-driver", 0.6)
    if seen.has("uvm-words"):
        yield Pointer("uvm-not-loaded", 0.6)
    yield Pointer("uvm-broken-after-suspend", 0.8 if seen.has("after-suspend") else 0.4)
    if seen.has("after-suspend"):
        return
    yield Pointer("uvm-not-loaded", 0.35)
    if places.around(seen):
        yield Pointer("container-lost-gpu-cgroup", 0.3)
        yield Pointer("container-userspace-driver-mismatch", 0.2)
    yield Pointer("gpu-hardware-fault", 0.15)
    yield Pointer("cuda-does-not-start", 0.15)
