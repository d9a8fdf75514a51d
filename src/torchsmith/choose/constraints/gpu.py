"""The GPUs: an accelerator of the build's maker, and GPU code for every GPU that is here."""

from __future__ import annotations

from torchsmith.choose import coverage, hardware
from torchsmith.choose.constraint import constraint
from torchsmith.choose.published import NAMES
from torchsmith.knowledge import accelerators, drivers
from torchsmith.knowledge.archs import toolkit_range
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.gpu import Driver
from torchsmith.model.known import Unknown
from torchsmith.model.versions import at_least, cuda_of_label, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.choose.situation import Situation
    from torchsmith.model.facts.gpu import Device, PciDevice

SOURCE = "torchsmith facts gpu_archs_in_builds"
HERE = "the GPUs of this machine"
TITLES = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "XPU"}


@constraint("accelerator", "kind")
def accelerator(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """A build for an accelerator needs one of that maker; a CPU build, none that it would leave idle."""
    if candidate.kind == "cpu":
        idle = () if "+cpu" in situation.wishes.torch else hardware.idle(situation)
        if not idle:
            return None
        because = f"a CPU build leaves the {hardware.joined(idle)} idle{_published_for_others(situation)}"
        return Reason("accelerator", because, HERE)
    if candidate.kind == "cuda":
        return _nvidia(situation)
    return _other(candidate.kind, situation)


def _published_for_others(situation: Situation) -> str:
    """That the builds which would serve a GPU here are published for other systems alone."""
    if hardware.devices(situation):
        return ""
    for kind in hardware.VENDORS:
        known = coverage.platforms_of(kind)
        if situation.machine.platform not in known and any(hardware.served(device) for device in _on_bus(kind, situation)):
            return f", and {TITLES[kind]} builds are published for {hardware.joined(NAMES[name] for name in known)} only"
    return ""


def _nvidia(situation: Situation) -> Reason | Risk | None:
    blind = hardware.unseen(situation)
    if blind:
        return Risk(f"whether there is an NVIDIA GPU is not known: {blind}", 0.2)
    if situation.gpus:
        return None
    there = [hardware.other_name(d) for kind in hardware.VENDORS for d in _on_bus(kind, situation)]
    instead = f", and the GPU here is {hardware.joined(there)}" if there else ", and there is none here"
    return Reason("accelerator", f"a CUDA build runs on NVIDIA GPUs only{instead}", HERE, "an NVIDIA GPU")


def _other(kind: str, situation: Situation) -> Reason | Risk | None:
    title, maker = TITLES[kind], hardware.MAKERS[kind]
    found = hardware.others(situation, kind)
    if isinstance(found, Unknown) and not hardware.devices(situation):
        return Risk(f"whether there is an {maker} GPU that {title} serves is not known", 0.4)
    there = _on_bus(kind, situation)
    if any(hardware.served(device) for device in there):
        return None
    unless = f"an {maker} GPU that {title} serves"
    if there:
        names = hardware.joined(hardware.other_name(device) for device in there)
        return Reason("accelerator", f"no {title} build of torch serves the {names}", "torchsmith's list of such GPUs", unless)
    nvidia = hardware.several(hardware.devices(situation))
    instead = f"the GPU here is NVIDIA's: {nvidia}" if nvidia else "there is none here"
    return Reason("accelerator", f"{title} builds run on {maker} GPUs only, and {instead}", HERE, unless)


def _on_bus(kind: str, situation: Situation) -> tuple[PciDevice, ...]:
    found = hardware.others(situation, kind)
    return () if isinstance(found, Unknown) else found


@constraint("gpu-code", "channel", "platform", "kind", "build", "cuda", "sass", "ptx", "cudnn")
def gpu_code(candidate: Candidate, situation: Situation) -> Reason | Risk | None:
    """Every GPU needs machine code of the build, or PTX under a driver as new as the build's CUDA; and its cuDNN."""
    if candidate.kind == "rocm":
        return _amd(candidate.build, situation)
    if candidate.kind != "cuda" or isinstance(situation.gpus, Unknown) or not situation.gpus:
        return None
    if not candidate.sass and not candidate.ptx:
        return Risk("the GPU code of this build is not known", 0.3)
    ways = [(device, _way(candidate, device.sm) if device.sm else "") for device in situation.gpus]
    without = [device for device, way in ways if way in {"no", "new"}]
    if without:
        known_to_ptx = [device for device, way in ways if way == "new"]
        return _rejected(_lacking(candidate, without, known_to_ptx), candidate, situation)
    dropped = [device for device, _ in ways if device.sm and coverage.dropped(candidate.cudnn, device.sm)]
    if dropped:
        because = f"its cuDNN {candidate.cudnn} has dropped the {hardware.several(dropped)}: convolutions would fail"
        return _rejected(because, candidate, situation)
    compiled = [device for device, way in ways if way == "jit"]
    if compiled and (reason := _not_compiled(compiled, candidate, situation)):
        return reason
    risks = [*_risks_of_jit(compiled, situation), *_risks_of_unknown(ways), *_risks_of_cudnn(ways, candidate)]
    return Risk("; ".join(risks), 0.15) if risks else None


def _way(candidate: Candidate, sm: int) -> str:
    """How the build's code runs on the GPU; a build from source is made for that very GPU, which its toolkit has to know."""
    if candidate.channel == "source" and candidate.cuda:
        span = toolkit_range(sm)
        if span is not None and not at_least(candidate.cuda, span[0]):
            return "no"
    return coverage.how(candidate.build, candidate.sass, candidate.ptx, sm)


def _amd(build: str, situation: Situation) -> Reason | Risk | None:
    """ROCm has machine code alone: a GPU without its own runs that of its next of kin, if it is told to."""
    codes = accelerators.rocm_targets(build)
    cards = [device for device in _on_bus("rocm", situation) if hardware.served(device)]
    targets = {accelerators.target(device.vendor, device.device): hardware.other_name(device) for device in cards}
    borrowed = []
    for target, name in targets.items():
        if not target or not codes or target in codes:
            continue
        if not any(accelerators.kin(target, code) for code in codes):
            having = accelerators.rocm_builds(target)
            return Reason(
                "gpu-code",
                f"its code ({' '.join(codes)}) has none for the {name} ({target})",
                "torchsmith facts rocm_targets",
                f"{having[0]} or newer" if having else "",
            )
        borrowed.append(f"{name} ({target})")
    if not borrowed:
        return None
    return Risk(
        f"it has no code for the {hardware.joined(borrowed)} itself: ROCm runs that of its next of kin where "
        "HSA_OVERRIDE_GFX_VERSION names that, and AMD does not support it",
        0.4,
    )


def _rejected(because: str, candidate: Candidate, situation: Situation) -> Reason:
    instead = coverage.elsewhere(hardware.capabilities(situation), candidate.platform, candidate.channel)
    return Reason("gpu-code", because, SOURCE, instead)


def _lacking(candidate: Candidate, without: list[Device], known_to_ptx: list[Device]) -> str:
    codes = sorted((*candidate.sass, *candidate.ptx))
    newer = [device for device in without if (device.sm or 0) > codes[-1]]
    older = [device for device in without if (device.sm or 0) < codes[0]]
    between = [device for device in without if device not in newer and device not in older]
    parts = []
    if newer:
        parts.append(f"ends at sm_{codes[-1]}, and the {hardware.several(newer)} {_is(newer)} newer")
    if older:
        parts.append(f"begins at sm_{codes[0]}, and the {hardware.several(older)} {_is(older)} older")
    if between:
        carried = " ".join(f"sm_{code}" for code in candidate.sass)
        parts.append(f"({carried}) leaves out the {hardware.several(between)}")
    said = f"its GPU code {'; it '.join(parts)}"
    if known_to_ptx:
        cuda = cuda_of_label(candidate.build)
        said += f"; its PTX does not help: CUDA {cuda} does not know {_pronoun(known_to_ptx)} yet"
    return said


def _is(devices: list[Device]) -> str:
    return "is" if len({device.name for device in devices}) == 1 else "are"


def _pronoun(devices: list[Device]) -> str:
    return "that GPU" if len({device.name for device in devices}) == 1 else "those GPUs"


def _not_compiled(compiled: list[Device], candidate: Candidate, situation: Situation) -> Reason | None:
    """The driver compiles PTX only if it is as new as the toolkit that wrote it: compatibility does not cover that."""
    cuda = candidate.cuda or cuda_of_label(candidate.build) or ""
    if not isinstance(situation.driver, Driver) or not situation.driver.version:
        return None
    have, windows = situation.driver, situation.windows_driver
    if drivers.runs_natively(have.version, cuda, windows=windows) or (
        have.compat and have.cuda and at_least(have.cuda, minor(cuda))
    ):
        return None
    lowest = drivers.first_for(cuda, windows=windows)
    return Reason(
        "gpu-code",
        f"it has only PTX of CUDA {minor(cuda)} for the {hardware.several(compiled)}, which driver {have.version} cannot compile",
        "NVIDIA CUDA compatibility guide, limits of minor-version compatibility; " + SOURCE,
        f"driver >= {lowest}" if lowest else "",
    )


def _risks_of_jit(compiled: list[Device], situation: Situation) -> list[str]:
    if not compiled:
        return []
    text = (
        f"it has only PTX for the {hardware.several(compiled)}, which the driver compiles at the first start: that takes minutes"
    )
    if not isinstance(situation.driver, Driver):
        text += ", and a driver as new as the build's CUDA"
    return [text]


def _risks_of_unknown(ways: list[tuple[Device, str]]) -> list[str]:
    unknown = [device for device, way in ways if not way]
    known = [device for device in unknown if device.sm and toolkit_range(device.sm)]
    names = hardware.several(device for device in unknown if device not in known)
    return [f"whether it has code for the {names} is not known: no table tells its compute capability"] if names else []


def _risks_of_cudnn(ways: list[tuple[Device, str]], candidate: Candidate) -> list[str]:
    """Where the package manager picks cuDNN, it may pick one that has dropped the GPU."""
    oldest = min((device.sm for device, _ in ways if device.sm), default=0)
    since = coverage.last_cudnn(oldest) if oldest else None
    if candidate.cudnn is not None or since is None or candidate.channel == "wheel":
        return []
    gone = hardware.several(device for device, _ in ways if device.sm and coverage.dropped(since, device.sm))
    if candidate.channel == "source":
        return [f"cuDNN has dropped the {gone} from {since} on: build it with an older one, or with USE_CUDNN=0"]
    return [f"the solver picks cuDNN, which has dropped the {gone} from {since} on: hold it below"]
