"""GPU code inside the extensions: torch may serve a GPU that flash-attn or vLLM has nothing for."""

from __future__ import annotations

from torchsmith.engine.declare import probe
from torchsmith.host.base import Host
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import ExtensionCode, ExtensionFiles, ExtensionGpuCode
from torchsmith.model.known import Fact, Known


@probe
def extension_gpu_code(host: Host, extension_files: ExtensionFiles, gpus: Gpus) -> Fact[ExtensionGpuCode | None]:
    """Read only where there are both a GPU and an extension."""
    if not gpus or not extension_files.files:
        return Known(None, "no GPU, or no compiled extension")
    found = []
    for file in extension_files.files:
        answer = host.binary("gpu-code", file.path)
        if isinstance(answer, Known) and answer.value["groups"]:
            groups = tuple((tuple(g["sass"]), tuple(g["ptx"]), int(g["count"])) for g in answer.value["groups"])
            found.append(ExtensionCode(file.package, file.version, file.path, groups))
    return Known(ExtensionGpuCode(tuple(found)), "GPU code in the extensions' libraries")
