"""Where a text comes from, for the readings: a container, WSL, Nix, a rented notebook, a job, a machine without NVIDIA's GPU."""

from __future__ import annotations

from torchsmith.model.complaint import Complaint, Seen

TOPICS = ("cuda", "nvidia", "nvrm", "gpu", "nvml", "driver")


def complains(seen: Seen) -> bool:
    """Whether anything is wrong with a GPU or its driver here; else what only tells of the place points at nothing."""
    if seen.has("no-gpus-here", "collect-env-cuda-off", "cuda-broken-words"):
        return True
    told = (complaint.text.lower() for complaint in seen.complaints if complaint.role != "context")
    return any(topic in text for text in told for topic in TOPICS)


def overheard(complaint: Complaint, seen: Seen) -> bool:
    """Whether it is a warning before an error that is not about the GPU: what ended the program is then asked about."""
    ends = [other.text.lower() for other in seen.complaints if other.role == "fatal"]
    return complaint.role == "warning" and any(not any(topic in text for topic in TOPICS) for text in ends)


def inside(seen: Seen) -> bool:
    """Whether the complaint was made in a container, not by the engine that starts one."""
    return seen.has("inside-container")


def around(seen: Seen) -> bool:
    """Whether containers are spoken of at all."""
    return inside(seen) or seen.has("container-words")


def in_wsl(seen: Seen) -> bool:
    """Whether WSL is spoken of, by the machine's own words or the reporter's."""
    machine = seen.value("machine")
    return seen.has("wsl-words", "wsl1-words") or bool(machine and machine.wsl)


def in_wsl1(seen: Seen) -> bool:
    """Whether it is WSL 1."""
    machine = seen.value("machine")
    return seen.has("wsl1-words") or bool(machine and machine.wsl == 1)


def on_mac(seen: Seen) -> bool:
    """Whether the machine is a Mac: by its own words; where it says nothing, by the reporter's."""
    machine = seen.value("machine")
    # A path alone, with slashes and "lib", says Linux of a Mac too.
    named = machine is not None and (machine.os == "windows" or machine.distro or machine.kernel or machine.libc_version)
    return seen.os == "macos" or (not named and seen.has("mac-named", "apple-silicon-named"))


def in_nix(seen: Seen) -> bool:
    """Whether the program came out of the Nix store."""
    return seen.has("nix-words")


def in_notebook(seen: Seen) -> bool:
    """Whether it ran in Colab or Kaggle; that it works there says that it ran elsewhere."""
    return seen.has("colab-words", "kaggle-words") and not seen.has("works-in-colab")


def allotted(seen: Seen) -> bool:
    """Whether a notebook service or a scheduler hands the GPUs out."""
    return in_notebook(seen) or seen.has("scheduler-words")


def smi_works(seen: Seen) -> bool:
    """Whether somebody says that nvidia-smi works, and nobody that it does not."""
    return seen.has("nvidia-smi-works") and not seen.has(
        "nvidia-smi-does-not-work", "nvidia-smi-missing", "nvidia-smi-cannot-talk"
    )


def lists_gpu(seen: Seen) -> bool:
    """Whether nvidia-smi shows a GPU."""
    smi = seen.value("nvidia_smi")
    return bool(smi and smi.devices) or smi_works(seen)


def names_gpu(seen: Seen) -> bool:
    """Whether any GPU of NVIDIA's is named."""
    gpus = seen.value("gpus")
    return bool(gpus) or lists_gpu(seen) or seen.has("nvidia-gpu-words")


def blackwell(seen: Seen) -> bool:
    """Whether a GPU is named that NVIDIA's open kernel modules alone drive."""
    gpus = seen.value("gpus")
    return seen.has("blackwell-words") or bool(gpus and any(device.sm and device.sm >= 100 for device in gpus))
