"""What nvidia-smi, NVML, modprobe and the kernel say of the driver, held against where they say it."""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.knowledge import drivers, gpus, statuses
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.model.versions import key, major
from torchsmith.rules.readings import places

VIRTUAL = frozenset({"datacentre", "workstation"})
# What a program does to the GPU, not the GPU to the program.
BY_PROGRAMS = frozenset({13, 31, 43, 45, 68, 69})


# What the kernel's log says of the reason why the module serves no GPU.
SAID_BY_KERNEL = ("legacy-driver-needed", "needs-open-module", "open-module-refuses-gpu", "driver-release-refuses-gpu")


@reading("nvml-mismatch")
def mismatch(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The host's own libraries after an update, or those of an image beside the host's module."""
    del complaint
    if places.in_wsl(seen) and not places.inside(seen):
        yield Pointer("wsl-linux-driver-installed", 0.5)
        yield Pointer("nvidia-module-version-mismatch", 0.4)
    elif (places.inside(seen) or (places.around(seen) and _answers_elsewhere(seen))) and not seen.has("driver-updated"):
        # The rule, which sees no container, says the other cause beside it.
        yield Pointer("container-userspace-driver-mismatch", 0.75)
    elif seen.has("two-drivers", "reboot-does-not-help"):
        # The rule, which reads no such words, says the other cause beside it.
        yield Pointer("container-userspace-driver-mismatch" if places.around(seen) else "driver-user-kernel-mismatch", 0.6)
    else:
        yield Pointer("nvidia-module-version-mismatch", 0.92)
        yield Pointer("container-userspace-driver-mismatch" if places.around(seen) else "driver-user-kernel-mismatch", 0.3)


def _answers_elsewhere(seen: Seen) -> bool:
    """Whether nvidia-smi also shows a driver in this text: outside of the container."""
    smi = seen.value("nvidia_smi")
    return bool(smi and smi.driver and smi.failure)


@reading("nvidia-smi-cannot-talk")
def cannot_talk(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The module does not answer: each reason leaves words of its own."""
    del complaint
    if places.in_wsl(seen):
        yield Pointer("wsl-linux-driver-installed", 0.6)
        yield Pointer("wsl-driver-not-visible", 0.4)
        return
    if places.in_notebook(seen):
        yield Pointer("scheduler-no-gpu-allocated", 0.8)
        return
    reasons = (
        ("scheduler-no-gpu-allocated", seen.has("scheduler-words"), 0.6),
        ("secure-boot-blocks-module", seen.has("secure-boot-words", "module-key-refused"), 0.7),
        ("hybrid-gpu-disabled", seen.has("hybrid-words"), 0.7),
        ("nouveau-conflict", seen.has("nouveau-words", "gpu-held-by-other-driver"), 0.6),
    )
    # Where a reason is named, the rule says beside it that the module is not loaded.
    yield from (Pointer(cause, sure) for cause, named, sure in reasons if named)
    if seen.has(*SAID_BY_KERNEL):
        return
    if not any(named for _, named, _ in reasons):
        yield Pointer("driver-module-not-loaded", 0.6)
        yield Pointer("blackwell-needs-open-module" if places.blackwell(seen) else "secure-boot-blocks-module", 0.35)
    if places.around(seen):
        yield Pointer("container-no-gpu-runtime", 0.25)


@reading("no-devices-found")
def no_devices(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The module runs, and starts no GPU."""
    del complaint
    if places.allotted(seen):
        yield Pointer("scheduler-no-gpu-allocated", 0.75)
    if seen.has("hybrid-words"):
        yield Pointer("hybrid-gpu-disabled", 0.75)
    if places.in_wsl(seen):
        yield Pointer("wsl-driver-not-visible", 0.6)
        return
    yield Pointer("blackwell-needs-open-module", 0.65 if places.blackwell(seen) else 0.15)
    if seen.has("vgpu-words"):
        yield Pointer("vgpu-needs-grid-driver", 0.6)
    yield Pointer("gpu-init-failed-bios-bar", 0.5 if seen.has("vm-words", "firmware-words") else 0.3)
    yield Pointer("gpu-hardware-fault", 0.25)
    yield Pointer("hybrid-gpu-disabled", 0.35 if seen.has("laptop-words") else 0.15)
    if places.around(seen):
        yield Pointer("container-no-gpu-runtime", 0.3)


@reading("gpu-start-failed")
def start_failed(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """RmInitAdapter failed: no room, the wrong flavour of the module, or a broken card."""
    del complaint
    if seen.has("needs-open-module", "fallen-off-the-bus", "no-room-for-the-gpu"):
        return  # these say why
    yield Pointer("gpu-init-failed-bios-bar", 0.5)
    yield Pointer("blackwell-needs-open-module", 0.4 if places.blackwell(seen) else 0.1)
    yield Pointer("gpu-hardware-fault", 0.3)


@reading("driver-release-refuses-gpu")
def refused(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """The module does not support the GPU: too new for it, too old for it, or a virtual one."""
    release = complaint.captured.get("release", "") or seen.captured("release", "nvrm-release")
    device = seen.captured("device", "nvrm-gpu-id")
    row = gpus.by_pci(int(device, 16)) if device else None
    if seen.has("vgpu-words"):
        yield Pointer("vgpu-needs-grid-driver", 0.8)
        return
    if row and release:
        last = drivers.last_branch_for_sm(row.sm)
        if last and major(release) > major(last):
            yield Pointer("gpu-dropped-by-driver", 0.9)
        elif not drivers.serves(release, row.sm, windows=False):
            yield Pointer("driver-too-old-for-cuda", 0.85)
        else:
            yield Pointer("vgpu-needs-grid-driver", 0.75 if row.klass in VIRTUAL else 0.35)
            yield Pointer("open-module-needs-turing" if row.sm < 75 else "driver-too-old-for-cuda", 0.3)
        return
    yield Pointer("driver-too-old-for-cuda", 0.4)
    yield Pointer("vgpu-needs-grid-driver", 0.5 if seen.has("vm-words") else 0.3)
    yield Pointer("gpu-dropped-by-driver", 0.3)


@reading("xid")
def xid(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By its number: some speak of the card, some of the program."""
    number = int(next(iter(complaint.captured.values()), "0"))
    if number in statuses.XIDS:
        yield Pointer("gpu-hardware-fault", 0.85)
    elif number in BY_PROGRAMS:
        yield Pointer("user-code-bug", 0.4)
        yield Pointer("gpu-hardware-fault", 0.3)
    else:
        yield Pointer("gpu-hardware-fault", 0.55)
    if seen.has("after-suspend"):
        yield Pointer("uvm-broken-after-suspend", 0.4)


@reading("module-not-inserted")
def not_inserted(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Modprobe's or insmod's reason."""
    why = complaint.captured.get("why", "").lower()
    if "key" in why or "not permitted" in why:
        yield Pointer("secure-boot-blocks-module", 0.9)
    elif "no such device" in why:
        yield Pointer("nouveau-conflict", 0.6 if seen.has("nouveau-words") else 0.3)
        yield Pointer("driver-module-not-loaded", 0.35)
        yield Pointer("hybrid-gpu-disabled", 0.5 if seen.has("hybrid-words") else 0.2)
        yield Pointer("gpu-init-failed-bios-bar", 0.2)
    else:
        yield Pointer("driver-module-not-loaded", 0.75)
        yield Pointer("secure-boot-blocks-module", 0.7 if seen.has("secure-boot-words") else 0.1)


@reading("nvml-unknown-error")
def nvml_unknown(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A container that lost the right to its GPU says so; elsewhere a GPU that fell silent."""
    del complaint
    yield Pointer("container-lost-gpu-cgroup", 0.75 if places.around(seen) else 0.55)
    yield Pointer("gpu-hardware-fault", 0.3)
    yield Pointer("nvidia-module-version-mismatch", 0.1)


@reading("ptx-too-new-for-driver")
def newer_minor(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """A driver older than the code; NCCL meets the same refusal in WSL, whatever the driver."""
    if places.in_wsl(seen) and seen.has("nccl-in-wsl"):
        yield Pointer("nccl-wsl-multi-gpu", 0.6)
        yield Pointer("driver-minor-compat-feature", 0.3)
        return
    del complaint
    smi, torch = seen.value("nvidia_smi"), seen.value("torch")
    older = smi and smi.cuda and torch and torch.cuda and major(smi.cuda) < major(torch.cuda)
    yield Pointer("driver-too-old-for-cuda", 0.85 if older else 0.3)
    yield Pointer("driver-minor-compat-feature", 0.3 if older else 0.85)


@reading("kernel-image-invalid")
def unreadable(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """Code that is newer than the driver; where the text says that it is not, other readings know more."""
    del complaint
    smi, torch = seen.value("nvidia_smi"), seen.value("torch")
    told = bool(smi and smi.cuda and torch and torch.cuda)
    if told and major(smi.cuda) == major(torch.cuda) and key(smi.cuda) < key(torch.cuda):
        yield Pointer("driver-minor-compat-feature", 0.75)
    elif not told:
        yield Pointer("driver-minor-compat-feature", 0.3)
