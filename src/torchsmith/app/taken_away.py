"""A CPU build in the place of one for a GPU that is not to be seen at this moment: not unless somebody asked for it.

On a login node, in a container without the GPU, where a driver is not loaded, the CPU build is what fits, and the environment is
meant for another place, or for later.
"""

from __future__ import annotations

from torchsmith.choose import hardware, root_cause
from torchsmith.model.choice import GOALS
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Unknown
from torchsmith.model.versions import public
from torchsmith.report.shell import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torchsmith.app.apply import Looked
    from torchsmith.app.question import Asked
    from torchsmith.model.choice import Option
    from torchsmith.model.transaction import Transaction

USES = {"cuda": "CUDA", "rocm": "ROCm", "xpu": "XPU"}
"""What each kind of build computes with."""
NO_GPU = "no-nvidia-gpu"
"""The cause that says no more than that there is no GPU."""
_BUILD = "+cpu"
_UPDATE_OTHERS = "update-others"


def lost(looked: Looked, option: Option, made: Transaction) -> Torch | None:
    """The torch that would be gone: one for a GPU, in whose environment this puts a CPU build."""
    torch, have, place = looked.situation.torch, looked.situation.interpreter, made.environment
    if not isinstance(torch, Torch) or torch.kind not in USES or option.candidate.kind != "cpu" or place is None:
        return None
    same = not isinstance(have, Unknown) and have.prefix == place.prefix
    return torch if same and looked.asked.goal != _UPDATE_OTHERS else None


def note(looked: Looked, option: Option, made: Transaction) -> tuple[str, ...]:
    """What a person has to know who agrees to it."""
    torch = lost(looked, option, made)
    if torch is None:
        return ()
    return (f"this takes {USES[torch.kind]} away: torch {_version(torch)} gives way to a CPU build, which uses no GPU",)


def held(looked: Looked, option: Option, made: Transaction) -> tuple[str, str]:
    """The status with which nothing is done, and why; two empty words where it may be done.

    ``nothing`` where all that was asked for is a torch that works, ``refused`` where something else was and is not done.
    """
    torch, asked = lost(looked, option, made), looked.asked
    if torch is None or is_asked(asked) or not _whole(looked) or _sees(looked, torch.kind):
        return "", ""
    cpu = quoted(_words(asked, option, made), looked.choice.shell)
    uses = USES[torch.kind]
    if asked.torch or asked.need or asked.approach or asked.goal != GOALS[0]:
        gpu = f", or, for a GPU that is not to be seen here, {_for_a_gpu(torch.kind)}"
        why = f"torch {_version(torch)} would give way to {option.candidate.version}, and {uses} be gone, as no GPU is to be seen"
        return "refused", f"{why} on this machine. Say which is meant: `{cpu}`{gpu}"
    return "nothing", (
        f"torch {_version(torch)} is whole, and computes on the CPU here: no GPU is to be seen on this machine. The CPU build "
        f"would take {uses} away, so it is not put in its place. If it is wanted: `{cpu}`"
    )


def only_unseen(looked: Looked) -> bool:
    """Whether nothing else is wrong than that there is no GPU."""
    cause = root_cause.cause(looked.diagnosis)
    return cause is None or cause.cause == NO_GPU


def is_asked(asked: Asked) -> bool:
    """Whether somebody asked for the CPU build: by its label, its approach, its number, or by saying that there is no GPU."""
    words = (asked.torch, *(need for need in asked.need if need.lower().startswith("torch")))
    assumed = {tuple(part.strip().lower() for part in item.partition("=")[::2]) for item in asked.assume}
    labelled = any(word.lower().replace(" ", "").endswith(("+cpu", "==cpu")) or word.strip().lower() == "cpu" for word in words)
    return bool(asked.option) or asked.approach == "cpu" or labelled or ("gpu", "none") in assumed


def _whole(looked: Looked) -> bool:
    """Whether torch as it is may stay: what is wrong, if anything, lies under it."""
    cause = root_cause.cause(looked.diagnosis)
    return not looked.situation.reinstall and (cause is None or root_cause.uncured(looked.diagnosis))


def _sees(looked: Looked, kind: str) -> bool:
    """Whether a GPU is here that such a build is for."""
    if kind == "cuda":
        return bool(hardware.devices(looked.situation))
    there = hardware.others(looked.situation, kind)
    return not isinstance(there, Unknown) and bool(there)


def _words(asked: Asked, option: Option, made: Transaction) -> tuple[str, ...]:
    """The same question, and the CPU build in it."""
    wanted = f"{public(option.candidate.version)}{_BUILD}"
    # A plan file has another word for the same environment.
    python = ("--python", made.environment.prefix) if asked.python and made.environment is not None else ()
    return ("torchsmith", "apply", *python, *_rest(asked), "--torch", wanted)


def _rest(asked: Asked) -> Iterator[str]:
    """What else was asked, but for how torch is wanted."""
    if asked.goal != GOALS[0]:
        yield from ("--goal", asked.goal)
    for name in ("need", "keep", "assume"):
        for value in getattr(asked, name):
            yield from (f"--{name}", value)
    if asked.approach:
        yield from ("--approach", asked.approach)
    for name in ("no_admin", "offline"):
        if getattr(asked, name):
            yield f"--{name.replace('_', '-')}"


def _for_a_gpu(kind: str) -> str:
    """How a GPU is named that is not to be seen."""
    return "`--assume gpu=NAME --assume driver=VERSION`" if kind == "cuda" else "`--assume gpu=NAME`"


def _version(torch: Torch) -> str:
    return torch.version if "+" in torch.version else f"{torch.version}+{torch.build}"
