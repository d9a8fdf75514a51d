"""What answers to texts about libraries and companions share: remedies that are commands where the environment is known."""

from __future__ import annotations

import re

from torchsmith.model.action import Install, InstallTorch, UnsetVariable
from torchsmith.model.complaint import Seen
from torchsmith.model.finding import Remedy, Safety
from torchsmith.model.versions import key, major, public
from torchsmith.rules.common import reinstall

CHECK = (("torchsmith", "check"),)
USUAL = "cu126"
"""The build that runs on most GPUs and drivers, named where the text tells nothing of either."""
COLLECT_ENV = (("python", "-m", "torch.utils.collect_env"),)
DISTRIBUTIONS = {
    "flash_attn": "flash-attn", "vllm": "vllm", "mmcv": "mmcv", "torch_scatter": "torch-scatter",
    "torch_sparse": "torch-sparse", "torch_cluster": "torch-cluster", "torch_spline_conv": "torch-spline-conv",
    "pyg_lib": "pyg-lib", "causal_conv1d": "causal-conv1d", "mamba_ssm": "mamba-ssm", "selective_scan": "mamba-ssm",
    "exllamav2": "exllamav2", "auto_gptq": "auto-gptq", "autogptq": "auto-gptq", "sgl_kernel": "sgl-kernel",
    "natten": "natten", "spconv": "spconv", "xformers": "xformers", "deepspeed": "deepspeed",
    "transformer_engine": "transformer-engine", "pytorch3d": "pytorch3d", "detectron2": "detectron2",
    "sageattention": "sageattention", "torchao": "torchao", "gsplat": "gsplat", "nvdiffrast": "nvdiffrast",
    "flashinfer": "flashinfer-python",
}  # fmt: skip
"""Module, or the beginning of its name -> the distribution that brings it."""
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]{0,79}")


def by_you(title: str, why: str = "", *commands: tuple[str, ...]) -> Remedy:
    """A step that is only shown."""
    return Remedy(title, why, Safety.DISPLAY_ONLY, commands=commands)


def install(seen: Seen, title: str, why: str, *requirements: str, again: bool = False) -> Remedy:
    """Install requirements: as the environment's manager does it, else with pip."""
    if _known(seen):
        return Remedy(title, why, actions=(Install(requirements, reinstall=again),))
    more = ("--force-reinstall",) if again else ()
    return Remedy(title, why, commands=(("pip", "install", *more, *requirements),))


def unset(name: str, title: str, why: str) -> Remedy:
    """Take a variable out of the shell."""
    return Remedy(title, why, actions=(UnsetVariable(name),))


def torch_again(seen: Seen, why: str) -> tuple[Remedy, ...]:
    """The torch that is here, with the companions that belong to it, from one index; else the build that fits the machine."""
    from torchsmith.knowledge import companions, torch_builds

    torch = seen.value("torch")
    belonging = companions.for_torch(torch.version) if torch else None
    if torch and belonging and torch.build and torch_builds.build_exists(torch.build):
        version, index = public(torch.version), torch_builds.index_url(torch.build)
        versions = {"torchvision": belonging.torchvision, "torchaudio": belonging.torchaudio}
        pairs = tuple((name, v) for name, v in versions.items() if v and (name == "torchvision" or seen.package(name)))
        title = f"Install torch {version}+{torch.build} with {' and '.join(f'{n} {v}' for n, v in pairs)}"
        if _known(seen):
            return (Remedy(title, why, actions=(InstallTorch(version, torch.build, index, pairs),)),)
        wanted = (f"torch=={version}", *(f"{name}=={v}" for name, v in pairs))
        return (Remedy(title, why, commands=(("pip", "install", "--force-reinstall", *wanted, "--index-url", str(index)),)),)
    fitting = seen.value("fitting_build")
    if fitting and _known(seen):
        return reinstall(fitting, why)
    names = ("torch", "torchvision", "torchaudio")
    label = torch.build if torch and torch_builds.build_exists(torch.build) else fitting.build if fitting else USUAL
    source = () if seen.os == "macos" else ("--index-url", str(torch_builds.index_url(label)))
    title = "Reinstall torch, torchvision and torchaudio together" + (f", from one index (here {label})" if source else "")
    return (by_you(title, why, ("pip", "uninstall", "-y", *names), ("pip", "install", *names, *source)),)


def tensorflow(seen: Seen) -> tuple[Remedy, ...]:
    """A TensorFlow that has its CUDA libraries; for Windows none has been built since 2.10."""
    if seen.os != "windows":
        return (install(seen, "Install TensorFlow with its CUDA wheels", "from 2.14 on", "tensorflow[and-cuda]"),)
    return (
        by_you(
            "Run TensorFlow in WSL 2, and install tensorflow[and-cuda] there",
            "for Windows itself TensorFlow from 2.11 on is built without GPU support",
            ("wsl", "--install"),
        ),
        by_you(
            "Or TensorFlow 2.10, the last release with GPU support on Windows, with CUDA 11.2 and cuDNN 8.1",
            "in an environment of its own, with Python 3.7 to 3.10",
            ("conda", "install", "-c", "conda-forge", "cudatoolkit=11.2", "cudnn=8.1.0"),
            ("python", "-m", "pip", "install", "tensorflow<2.11"),
        ),
    )


def torch_said(seen: Seen) -> str:
    """``torch 2.4.0+cu121`` where the text tells the version, else ``the torch here``."""
    torch = seen.value("torch")
    return f"torch {torch.version}" if torch and key(torch.version) else "the torch here"


def cuda_major(seen: Seen) -> int:
    """The CUDA major of torch; 0 where it is not told."""
    torch = seen.value("torch")
    return major(torch.cuda) if torch and torch.cuda else 0


def name(seen: Seen, group: str, *signatures: str) -> str:
    """A captured file or package name, its folders left out; empty unless it is nothing but a name."""
    said = re.split(r"[\\/]", seen.captured(group, *signatures))[-1]
    return said if _NAME.fullmatch(said) else ""


def distribution(module: str) -> str:
    """The package to install for a module; empty for an unlisted one."""
    return next((package for known, package in DISTRIBUTIONS.items() if module.startswith(known)), "")


def _known(seen: Seen) -> bool:
    return seen.value("environment") is not None and seen.value("interpreter") is not None
