"""
# The job or notebook was given no GPU

## What it means
Schedulers (Slurm, PBS, LSF) and notebook services (Colab, Kaggle) lend GPUs on request. A job that did not ask for one sees
none, on a node that may be full of them.

## How it is told
The scheduler's variables name a job and no GPU of it, and the driver shows none or CUDA_VISIBLE_DEVICES is left empty; or Colab
says that its runtime has no GPU.

## What to do
Ask for one: `--gres=gpu:1` or `--gpus=1` in Slurm, `-l select=1:ngpus=1` in PBS, `-gpu num=1` in LSF; a GPU runtime type in
Colab.

## What not to do
Installing drivers, or setting CUDA_VISIBLE_DEVICES by hand: other jobs own those GPUs.

## Sources
Slurm documentation, gres; PBS and LSF user guides; Colab, "Change runtime type".
"""

from __future__ import annotations

from collections.abc import Iterator

from torchsmith.engine.declare import rule, told
from torchsmith.model.complaint import Advice, Seen
from torchsmith.model.facts.gpu import NVIDIA, Gpus, PciDevices
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import Torch
from torchsmith.model.finding import Finding, Proof, Severity, WontHelp
from torchsmith.model.known import Unknown
from torchsmith.rules.driver.shared import by_you

VISIBLE = "CUDA_VISIBLE_DEVICES"
HIDDEN = frozenset({"", "NoDevFiles", "-1"})
# Job variable, variables that name its GPUs, how to ask for one.
SCHEDULERS = {
    "SLURM_JOB_ID": (
        "Slurm",
        ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "SLURM_GPUS_ON_NODE", "SLURM_GPUS"),
        ("srun", "--gres=gpu:1", "--pty", "bash"),
    ),
    "PBS_JOBID": ("PBS", ("PBS_GPUFILE", "PBS_NGPUS"), ("qsub", "-I", "-l", "select=1:ngpus=1")),
    "LSB_JOBID": ("LSF", ("LSB_GPU_ALLOC",), ("bsub", "-gpu", "num=1", "-Is", "bash")),
}
NOTEBOOKS = {"COLAB_RELEASE_TAG": "Colab", "KAGGLE_KERNEL_RUN_TYPE": "Kaggle"}


@rule(
    "scheduler-no-gpu-allocated",
    explains=("no-nvidia-gpu", "cuda-visible-devices-hides", "gpu-init-failed-bios-bar", "no-nvidia-driver"),
)
def check(
    variables: Variables, torch: Torch, gpus: Gpus | Unknown | None, pci_devices: PciDevices | Unknown
) -> Iterator[Finding]:
    """A job without a GPU of its own."""
    if torch.kind == "cpu" or isinstance(gpus, Unknown):
        return
    value = variables.get(VISIBLE)
    on_node = isinstance(pci_devices, PciDevices) and bool(pci_devices.of(NVIDIA))
    unseen = not gpus or gpus.witness == "PCI ids"
    for name, (scheduler, given, ask) in SCHEDULERS.items():
        job = variables.get(name)
        if job is None or any(_names_gpus(key, variables.get(key)) for key in given):
            continue
        if not (unseen or value in HIDDEN):
            continue
        evidence = [Proof("variables", {name: job} | ({} if value is None else {VISIBLE: value}))]
        evidence.append(Proof("gpus", "none for this job"))
        yield Finding(
            Severity.BLOCKER if on_node or gpus else Severity.DEGRADED,
            "machine",
            f"{scheduler} job {job} was given no GPU",
            evidence=tuple(evidence),
            remedies=(by_you(f"Ask {scheduler} for a GPU", "", ask),),
            wont_help=(
                WontHelp(
                    "Setting CUDA_VISIBLE_DEVICES by hand, or installing a driver", "the GPUs of this node belong to other jobs"
                ),
            ),
            confidence=0.9 if value in HIDDEN or on_node else 0.75,
        )
        return
    for name, service in NOTEBOOKS.items():
        if variables.get(name) is not None and not gpus:
            yield Finding(
                Severity.DEGRADED,
                "machine",
                f"this {service} runtime has no GPU",
                evidence=(Proof("variables", {name: variables.get(name)}), Proof("gpus", "none")),
                remedies=(
                    by_you(
                        "Choose a GPU runtime: Runtime, Change runtime type" if service == "Colab" else "Choose a GPU accelerator"
                    ),
                ),
                wont_help=(WontHelp("Installing a driver or CUDA", "the runtime has no GPU to drive"),),
                confidence=0.9,
            )
            return


def _names_gpus(name: str, value: str | None) -> bool:
    """Whether a scheduler's variable tells of a GPU: a count of 0 does not, an index of 0 does."""
    return bool(value) and (value != "0" or name in {"SLURM_JOB_GPUS", "SLURM_STEP_GPUS"})


@told("scheduler-no-gpu-allocated")
def answer(seen: Seen) -> Advice:
    """By the service that hands the GPUs out."""
    if seen.has("colab-words", "kaggle-words"):
        summary = f"this {'Colab' if seen.has('colab-words') else 'Kaggle'} notebook runs without a GPU"
        remedy = by_you("Choose a GPU in the notebook's settings (Colab: Runtime, Change runtime type), and start it again")
    elif seen.has("container-words") or any("nvidia.com/gpu" in complaint.text for complaint in seen.complaints):
        summary = "the scheduler gave this job or pod no GPU"
        remedy = by_you("Ask for a GPU (in a pod: resources.limits `nvidia.com/gpu: 1`), where a node has one free")
    else:
        summary = "this job was given no GPU, or runs on a node that has none"
        remedy = by_you("Ask the scheduler for a GPU", "", ("srun", "--gres=gpu:1", "--pty", "bash"))
    return Advice(
        "machine",
        summary,
        remedies=(remedy,),
        wont_help=(
            WontHelp("Installing a driver or CUDA", "there is no GPU to drive"),
            WontHelp("Setting CUDA_VISIBLE_DEVICES by hand", "the GPUs of a node belong to the jobs that asked for them"),
        ),
        decide_by=(("nvidia-smi",), ("env",)),
    )
