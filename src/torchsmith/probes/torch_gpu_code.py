"""GPU code in libtorch_cuda: the binary's own word on which GPUs it can run."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.torch import Torch, TorchGpuCode
from torchsmith.model.gpu_code import Group
from torchsmith.model.known import Fact, Known, Unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


@probe
def torch_gpu_code(host: Host, machine: Machine, torch: Torch, gpus: Gpus | Unknown) -> Fact[TorchGpuCode | None]:
    """Walk the fatbins of libtorch_cuda; its kernels are what every GPU operation of torch needs.

    Thousands of small reads: only where there is, or may be, a GPU to judge by them.
    """
    del gpus
    if torch.kind != "cuda":
        return Known(None, f"a {torch.kind} build")
    name = "torch_cuda.dll" if machine.os == "windows" else "libtorch_cuda.so"
    path = f"{torch.folder}/lib/{name}"
    answer = host.binary("gpu-code", path)
    if isinstance(answer, Unknown):
        return answer
    return Known(parse(path, answer.value), answer.source)


def parse(path: str, answer: dict[str, Any]) -> TorchGpuCode:
    """GPU code of the fatbin reader's answer."""
    groups = tuple(Group(tuple(g["sass"]), tuple(g["ptx"]), int(g["count"])) for g in answer["groups"])
    return TorchGpuCode(path, groups, tuple(answer["sass"]), tuple(answer["ptx"]), warnings=tuple(answer.get("warnings", ())))
