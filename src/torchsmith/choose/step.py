"""What one step to a newer torch gains, what it breaks, and which packages have to move with it."""

from __future__ import annotations

from torchsmith.knowledge import companions, drivers, third_party, torch_builds, torch_pythons, torch_releases
from torchsmith.model import pep440
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.torch import Torch
from torchsmith.model.upgrade import Move
from torchsmith.model.versions import compute_capability, key, major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Candidate
    from torchsmith.model.upgrade import Demand

_COMPANIONS = ("torchvision", "torchaudio", "torchtext")
_BESIDE = (("triton", "triton_spec"), ("xformers", "xformers_spec"), ("torchcodec", "torchcodec_spec"))


def gains(candidate: Candidate, situation: Situation) -> Iterator[str]:
    """What is better with it, as far as the tables know."""
    have = situation.torch
    if not isinstance(have, Torch):
        return
    old, new = torch_releases.get(have.version), torch_releases.get(candidate.torch)
    if new is not None and new.released and pep440.public(have.version) != candidate.torch:
        since = f", {pep440.public(have.version)} of {old.released}" if old is not None and old.released else ""
        yield f"torch {candidate.torch} is of {new.released}{since}"
    if candidate.kind != have.kind:
        yield f"it uses the GPU, which the {have.kind} build leaves idle"
    yield from _libraries(candidate, have, better=True)
    yield from _code(candidate, have, situation, better=True)
    last, now = torch_pythons.newest_python_of(have.version), torch_pythons.newest_python_of(candidate.torch)
    if last is not None and now is not None and now > last:
        yield f"it has wheels up to Python 3.{now}; {pep440.public(have.version)} ends at 3.{last}"
    windows = situation.machine.os == "windows"
    abi = [torch_releases.numpy_abi(torch, windows=windows) for torch in (have.version, candidate.torch)]
    if abi == [1, 2]:
        yield "it works with NumPy 2, the present one with NumPy 1 only"


def breaks(candidate: Candidate, situation: Situation, demands: Sequence[Demand]) -> Iterator[str]:
    """What no longer fits, or gets worse."""
    have = situation.torch
    if not isinstance(have, Torch):
        return
    told = {name for name, _ in _BESIDE} | set(_COMPANIONS)
    for demand in demands:
        own = demand.package in told or demand.package.startswith("nvidia-")
        if own or pep440.allows(demand.specifier, candidate.version):
            continue
        told.add(demand.package)
        now = "" if pep440.allows(demand.specifier, have.version) else ", and has not got it now either"
        yield f"{demand.package} {demand.version} asks for torch{demand.specifier}{now}"
    yield from _third_party(candidate, have, situation, told)
    yield from _libraries(candidate, have, better=False)
    yield from _code(candidate, have, situation, better=False)
    if candidate.cuda and isinstance(situation.driver, Driver):
        driver, windows = situation.driver.version, situation.windows_driver
        before = have.cuda is None or drivers.runs_natively(driver, have.cuda, windows=windows)
        if before and not drivers.runs_natively(driver, candidate.cuda, windows=windows):
            yield f"driver {driver} runs CUDA {minor(candidate.cuda)} by minor-version compatibility alone"
    after = companions.for_torch(candidate.torch)
    if after is not None and after.torchtext is None and situation.packages.version("torchtext"):
        yield f"torchtext {situation.packages.version('torchtext')} has no release for it: torchtext has ended"


def moves(candidate: Candidate, situation: Situation) -> Iterator[Move]:
    """The installed packages that belong to torch's release, with the version that belongs to the new one."""
    after = companions.for_torch(candidate.torch)
    if after is None:
        return
    for name in _COMPANIONS:
        installed, wanted = situation.packages.version(name), getattr(after, name)
        if installed and wanted and pep440.public(installed) != wanted:
            yield Move(name, installed, wanted)
    for name, field in _BESIDE:
        installed, specifier = situation.packages.version(name), getattr(after, field)
        if installed and specifier and not pep440.allows(specifier, installed):
            yield Move(name, installed, specifier)


def _third_party(candidate: Candidate, have: Torch, situation: Situation, told: set[str]) -> Iterator[str]:
    """Packages of which the tables know what they need; what a package itself says has been told."""
    for name in third_party.packages():
        installed = situation.packages.version(name)
        known = third_party.requirement(name, installed) if installed else None
        if known is None or name in told:
            continue
        shown = f"{name} {installed}"
        if known.torch_spec and not pep440.allows(known.torch_spec, candidate.torch):
            yield f"{shown} asks for torch{known.torch_spec}"
        elif known.cuda_major and candidate.cuda and known.cuda_major not in {major(candidate.cuda), 0}:
            if have.cuda and known.cuda_major == major(have.cuda):
                yield f"{shown} needs libraries of CUDA {known.cuda_major}, which the present torch brings and this one does not"
        elif known.kind == "build" and pep440.public(have.version) != candidate.torch:
            yield f"{shown} is compiled against one torch: it has to be built or fetched anew"


def _libraries(candidate: Candidate, have: Torch, *, better: bool) -> Iterator[str]:
    """CUDA and cuDNN that are newer (``better``) or older than those of the present build."""
    before = torch_builds.published(have.version, have.build, candidate.platform)
    pairs = (("CUDA", have.cuda, candidate.cuda, 2), ("cuDNN", before.cudnn if before else None, candidate.cudnn, 4))
    for name, old, new, parts in pairs:
        if not old or not new or key(old)[:parts] == key(new)[:parts]:
            continue
        if (key(new)[:parts] > key(old)[:parts]) == better:
            shown = (minor(new), minor(old)) if name == "CUDA" else (new, old)
            yield f"{name} {shown[0]} in place of {shown[1]}" + ("" if better else ", which is newer")


def _code(candidate: Candidate, have: Torch, situation: Situation, *, better: bool) -> Iterator[str]:
    """GPUs that get machine code of their own (``better``), or lose it."""
    if not isinstance(situation.gpus, Gpus) or candidate.kind != "cuda" or have.kind != "cuda":
        return
    old = torch_builds.archs(have.version, have.build, candidate.platform)
    new = torch_builds.archs(candidate.torch, candidate.build, candidate.platform)
    if old is None or new is None:
        return
    for sm in sorted({device.sm for device in situation.gpus if device.sm}):
        native = old.sass_serves(sm), new.sass_serves(sm)
        name = next((device.name for device in situation.gpus if device.sm == sm and device.name), "GPU")
        shown = f"the {name} ({compute_capability(sm)})"
        if better and native == (False, True):
            instead = "compiles it at first use" if old.ptx_serves(sm) else "has none at all"
            yield f"it carries machine code for {shown}, for which the present build {instead}"
        if not better and native == (True, False):
            yield f"it no longer carries machine code for {shown}, which is compiled at first use"
