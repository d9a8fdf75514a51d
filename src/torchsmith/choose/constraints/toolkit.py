"""A build from sources: the toolkits that are here, and the compiler that nvcc would use."""

from __future__ import annotations

from torchsmith.choose.constraint import constraint
from torchsmith.knowledge import toolkits
from torchsmith.knowledge.archs import toolkit_range
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.toolkit import HostCompiler, Toolkits
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, compute_capability, key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device

SOURCE = "torchsmith facts cuda_archs; torchsmith facts cuda_toolkits"


@constraint("toolkit", "channel", "cuda")
def toolkit(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """What is built from sources needs a toolkit that knows every GPU; one that is here and does not is no help."""
    if candidate.channel != "source" or candidate.cuda is None:
        return None
    found, wanted = situation.fact("toolkits"), minor(candidate.cuda)
    if isinstance(found, Unknown):
        return Risk(f"whether the CUDA {wanted} toolkit is installed is not known", 0.1)
    have = sorted({minor(one.version) for one in found.found if one.nvcc and one.version}, key=key) if _is(found) else []
    if not have:
        return Risk(f"no CUDA toolkit is installed: it needs that of {wanted}", 0.1)
    if wanted in have:
        return None
    newest = have[-1]
    strangers = [device for device in _devices(situation) if not _knows(newest, device)]
    if strangers:
        device = strangers[0]
        span = toolkit_range(device.sm or 0)
        first = span[0] if span else wanted
        late = not at_least(newest, first)
        because = f"the CUDA {newest} toolkit that is here {'does not know' if late else 'no longer knows'} the {_named(device)}"
        bound = f"toolkit >= {first}" if late else f"toolkit <= {span[1] if span else first}"
        return Reason("toolkit", because, SOURCE, bound)
    return Risk(f"the toolkit that is here is {newest}: that of {wanted} would be installed beside it", 0.1)


@constraint("host-compiler", "channel", "cuda")
def host_compiler(candidate: Candidate, situation: Situation) -> Reason | None:
    """The newest compiler of the host that nvcc of this CUDA takes."""
    found = situation.fact("host_compiler")
    known = toolkits.get(candidate.cuda) if candidate.channel == "source" and candidate.cuda else None
    if known is None or not isinstance(found, HostCompiler) or not key(found.version):
        return None
    most = {"gcc": known.gcc_max, "clang": known.clang_max}.get(found.name)
    have = str(major(found.version))
    if found.name == "msvc":
        most = f"{known.msc_ver_max // 100 - 5}.{known.msc_ver_max % 100}" if known.msc_ver_max else None
        have = minor(found.version)
    if most is None or at_least(most, have):
        return None
    because = f"{found.name} {found.version} is newer than nvcc of CUDA {minor(candidate.cuda or '')} takes: {most} at most"
    return Reason("host-compiler", because, SOURCE, f"{found.name} <= {most}")


def _is(found: object) -> bool:
    return isinstance(found, Toolkits)


def _devices(situation: Situation) -> list[Device]:
    return [] if isinstance(situation.gpus, Unknown) else [device for device in situation.gpus if device.sm]


def _knows(cuda: str, device: Device) -> bool:
    span = toolkit_range(device.sm or 0)
    return span is None or (at_least(cuda, span[0]) and (span[1] is None or at_least(span[1], cuda)))


def _named(device: Device) -> str:
    return f"{device.name or 'GPU'} ({compute_capability(device.sm or 0)})"
