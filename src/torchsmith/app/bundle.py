"""``torchsmith bundle``: what a check asks and is answered, redacted, in one file."""

from __future__ import annotations

from torchsmith import __version__
from torchsmith.app import check
from torchsmith.engine.collect import collect
from torchsmith.host import bundle
from torchsmith.host.recorder import RecordingHost
from torchsmith.host.redact import Redactor
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.known import Known
from torchsmith.probes.torch_gpu_code import torch_gpu_code

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.known import Fact


def record(host: Host, assumed: Mapping[str, Fact[Any]], note: str = "") -> str:
    """The bundle of ``host`` as text."""
    recording = RecordingHost(host)
    facts = collect(recording, check.nodes(detail=True), assumed)
    machine, torch = facts["machine"], facts["torch"]
    if isinstance(machine, Known) and isinstance(torch, Known) and torch.value:
        # Without a GPU a check leaves it out; whoever reads the bundle may want to assume one.
        torch_gpu_code(recording, machine.value, torch.value, Gpus(()))
    redactor = Redactor(host.identity())
    target = assumed.get("target")
    return bundle.write(recording.evidence(redactor), __version__, redactor.text(note), redactor.data(_target(target)))


def _target(target: Fact[Any] | None) -> list[str]:
    return [target.value.python, target.value.found_by] if target is not None and hasattr(target, "value") else []
