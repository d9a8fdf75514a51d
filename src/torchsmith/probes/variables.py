"""Environment variables that matter to torch, CUDA, the loader, and to package managers. Each says what it may hold."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.python import Variables
from torchsmith.model.known import Fact, Known

NAMES: dict[str, str] = dict.fromkeys(
    (
        "CUDA_VISIBLE_DEVICES",
        "CUDA_DEVICE_ORDER",
        "CUDA_HOME",
        "CUDA_PATH",
        "CUDA_ROOT",
        "CUDACXX",
        "CUDAHOSTCXX",
        "LD_LIBRARY_PATH",
        "LD_PRELOAD",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "PYTHONPATH",
        "PYTHONHOME",
        "PYTHONNOUSERSITE",
        "PYTHONSAFEPATH",
        "BNB_CUDA_VERSION",
        "TORCH_CUDA_ARCH_LIST",
        "VIRTUAL_ENV",
        "SHELL",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "CONDA_OVERRIDE_CUDA",
        "UV_TORCH_BACKEND",
        "SLURM_JOB_ID",
        "SLURM_JOB_GPUS",
        "SLURM_STEP_GPUS",
        "SLURM_GPUS",
        "SLURM_GPUS_ON_NODE",
        "PBS_JOBID",
        "PBS_GPUFILE",
        "PBS_NGPUS",
        "LSB_JOBID",
        "LSB_GPU_ALLOC",
        "COLAB_RELEASE_TAG",
        "KAGGLE_KERNEL_RUN_TYPE",
        "CUDA_DISABLE_PTX_JIT",
        "CUDA_FORCE_PTX_JIT",
        "CUDA_CACHE_PATH",
        "KMP_DUPLICATE_LIB_OK",
        "NCCL_P2P_DISABLE",
        "TRITON_PTXAS_PATH",
        "TRITON_PTXAS_BLACKWELL_PATH",
    ),
    "",
) | dict.fromkeys(
    (
        "PIP_INDEX_URL",
        "PIP_EXTRA_INDEX_URL",
        "PIP_FIND_LINKS",
        "UV_INDEX_URL",
        "UV_EXTRA_INDEX_URL",
        "UV_INDEX",
        "UV_DEFAULT_INDEX",
        "UV_FIND_LINKS",
    ),
    "url",
)


@probe
def variables(host: Host) -> Fact[Variables]:
    """Read each; only those that are set are kept."""
    asked = {name: host.variable(name, private) for name, private in NAMES.items()}
    values = {
        name: without_credentials(fact.value) if NAMES[name] == "url" else fact.value
        for name, fact in asked.items()
        if isinstance(fact, Known) and fact.value is not None
    }
    return Known(Variables(values), "environment")


def without_credentials(urls: str) -> str:
    """URLs without their secrets: a report is pasted in public."""
    from torchsmith.host.redact import without_secrets  # only where such a variable is set

    return without_secrets(urls)
