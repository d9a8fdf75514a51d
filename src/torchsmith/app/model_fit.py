"""``torchsmith plan --model``: whether a model fits into the memory of the GPUs."""

from __future__ import annotations

from torchsmith.app.inspect import collected
from torchsmith.choose import model_fit, model_names
from torchsmith.model.errors import UnreadableInputError
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.known import Known, Unknown
from torchsmith.model.weights import Weights

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from torchsmith.host.base import Host
    from torchsmith.model.fit import ModelFit
    from torchsmith.model.known import Fact

FILES = (".safetensors", ".gguf", ".json")


def answer(host: Host, files: Host, assumed: Mapping[str, Fact[Any]], text: str) -> ModelFit:
    """Whether the model fits; ``files`` reads a local file, ``host`` tells the GPUs.

    Raises:
        UsageError: no such model, number type or program.
        UnreadableInputError: the file cannot be read.

    """
    asked = model_names.parse(text, weights(files, text))
    facts = collected(host, assumed, "gpus", "machine")
    machine, devices = facts.get("machine"), facts.get("gpus")
    known = machine.value if isinstance(machine, Known) else None
    windows = isinstance(known, Machine) and (known.os == "windows" or known.wsl is not None)
    found = devices.value if isinstance(devices, Known) else devices or Unknown("nobody could tell")
    return model_fit.answer(
        asked,
        Gpus(()) if found is None else found,
        windows=windows,
        assumed=isinstance(devices, Known) and "assumed" in devices.source,
    )


def weights(host: Host, text: str) -> Weights | None:
    """What the header of the named file tells; None where no file is named.

    Raises:
        UnreadableInputError: it cannot be read, or is no file of weights.

    """
    path, _, options = text.strip().rpartition("@")
    if not path or "/" in options or "\\" in options:
        path = text.strip()
    if not path.lower().endswith(FILES):
        return None
    found = host.binary("weights", path)
    if isinstance(found, Unknown):
        raise UnreadableInputError(f"`{path}` cannot be read as a file of weights: {found.reason}")
    told = {**found.value, "types": tuple((str(name), int(size)) for name, size in found.value["types"])}
    return Weights(**told)
