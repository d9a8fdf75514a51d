"""``plan --trial``: the first option is built beside the present environment, verified, measured, reported, and removed.

The present environment is only run, never changed.
"""

from __future__ import annotations

from torchsmith.act import trial as act
from torchsmith.app import plan
from torchsmith.choose import asked as wished
from torchsmith.choose import decide
from torchsmith.host.local import LocalHost
from torchsmith.managers import places
from torchsmith.model.choice import Place
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.trial import Check, Measured, Preview, Trial
from torchsmith.model.versions import cuda_of_label, local_label, minor, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from torchsmith.act.tools import Tool
    from torchsmith.choose.situation import Situation
    from torchsmith.host.base import Host
    from torchsmith.model.choice import Candidate, Option, Wishes
    from torchsmith.model.facts.python import Packages
    from torchsmith.model.known import Fact

    Groups = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

_IMPORTS = {"torchvision", "torchaudio", "torchtext"}


def trial(host: Host, assumed: Mapping[str, Fact[Any]], wishes: Wishes, agreed: Callable[[Preview], bool]) -> Trial:
    """Build, verify and measure the first option; ``agreed`` is asked before anything is fetched.

    Raises:
        UsageError: another machine is meant than this one, or there is no network to be used.
        EndedError: this process was told to end while it was under way.

    """
    if not isinstance(host, LocalHost) or set(assumed) - {"target"}:
        raise UsageError("`--trial` builds on this machine: leave out `--assume`, `--machine` and `--from`")
    if wishes.offline:
        raise UsageError("`--trial` fetches a whole torch: it cannot go with `--offline`")
    asked, _ = plan.look(host, assumed, wishes)
    choice = decide.decide(asked)
    option = next((option for option in choice.options if _can_be_tried(option)), None)
    if option is None:
        return Trial("nothing-to-try", problem="no option here takes torch from a wheel index; `torchsmith plan` says why")
    if _is_here(option.candidate, asked):
        here = f"torch {option.candidate.version} is what is installed, and nothing is better"
        problem = f"{here}: name another by `--torch`; `torchsmith plan --upgrade` lists newer ones"
        return Trial("nothing-to-try", problem=problem)
    return tried(option, asked, agreed)


def tried(option: Option, asked: Situation, agreed: Callable[[Preview], bool]) -> Trial:
    """Build, verify and measure one option."""
    interpreter = _interpreter(option.candidate, asked)
    tool = act.installer(interpreter)
    if tool is None:
        return Trial("unable", problem="neither uv nor pip is at hand to build an environment with")
    groups = requirements(option, asked.wishes, asked.packages)
    shown = tuple(word for group in groups for word in group)
    preview = Preview(option, shown, act.place(), str(tool), _bytes(option, "download_bytes"), act.free())
    need, room = _bytes(option, "disk_bytes"), preview.free
    if need is not None and room is not None and room < need:
        said = f"it takes about {-(-need // 10**8) / 10:.1f} GB, and {preview.folder} has {room // 10**8 / 10:.1f} GB free"
        return Trial("unable", preview, problem=f"{said}: set TMPDIR to a larger place")
    if not agreed(preview):
        return Trial("declined", preview, problem="nothing was built and nothing was changed")
    return _carried_out(preview, groups, tool, interpreter, asked)


def requirements(option: Option, wishes: Wishes, packages: Packages) -> Groups:
    """What is installed from the index of the build, what from the configured ones, and what is built against torch.

    They are the option's packages, and those that must work or stay beside them.
    """
    there = Place("macos" if option.candidate.platform.startswith("macos") else "linux", "")
    named = {pin.name for pin in option.packages}
    beside = (str(each) for each in wished.installable(wishes, packages) if each.name not in named)
    return places.wanted(option, there), (*places.others(option), *beside), places.built(option)


def _can_be_tried(option: Option) -> bool:
    """Whether an environment on this system can hold it: what only fits in a container has a libc that is not here."""
    return option.candidate.channel == "wheel" and not {"glibc", "libc"} & set(option.approach.brings)


def _is_here(candidate: Candidate, asked: Situation) -> bool:
    have = asked.torch
    same = isinstance(have, Torch) and (public(have.version), have.build) == (candidate.torch, candidate.build)
    return same and candidate.python == asked.python and not asked.reinstall


def _interpreter(candidate: Candidate, asked: Situation) -> str:
    """The interpreter of the present environment, if the candidate is for its Python."""
    here = asked.interpreter if isinstance(asked.interpreter, Interpreter) else None
    return here.executable if here is not None and candidate.python == asked.python else candidate.python


def _bytes(option: Option, criterion: str) -> int | None:
    shown = next((cell.shown for cell in option.scores if cell.criterion == criterion), None)
    return shown if isinstance(shown, int) else None


def _carried_out(preview: Preview, groups: Groups, tool: Tool, interpreter: str, asked: Situation) -> Trial:
    option = preview.option
    candidate = option.candidate
    beside = [pin.name for pin in option.packages if pin.name in _IMPORTS]
    with act.folder() as made:
        built = act.build(made, tool, interpreter, option, *groups)
        if built.problem:
            return Trial("not-built", preview, built.seconds, built.size, problem=built.problem)
        found = act.measured(built.python, beside, own=True)
    present = None
    if isinstance(asked.torch, Torch) and isinstance(asked.interpreter, Interpreter):
        present = numbers(act.measured(asked.interpreter.executable, (), own=False))
    checks = _checks(found, candidate, beside, asked)
    failed = [check for check in checks if not check.passed]
    problem = f"{failed[0].name}: {failed[0].found}" if failed else ""
    status = "fails" if failed else "works"
    return Trial(status, preview, built.seconds, built.size, checks, present, numbers(found), problem)


def _checks(found: Mapping[str, Any], candidate: Candidate, beside: list[str], asked: Situation) -> tuple[Check, ...]:
    """What the plan promised, held against what is there."""
    version = str(found.get("torch", ""))
    if not version:
        return (Check("import torch", False, _error(found) or "no answer"),)
    checks = [Check("import torch", True, f"{version} in {found.get('import_seconds', 0):.2f} s")]
    label, cuda = local_label(version), found.get("cuda")
    as_planned = public(version) == candidate.torch and (label == candidate.build if label else _made_with(candidate, cuda))
    checks.append(Check("version and build", as_planned, f"{version}, CUDA {cuda}; planned {candidate.version}"))
    imports = found.get("beside") if isinstance(found.get("beside"), dict) else {}
    checks += [Check(f"import {name}", *_pair((imports or {}).get(name))) for name in beside]
    checks.append(Check("matrix product on the CPU is exact", *_pair(found.get("exact_cpu"), found.get("exact_cpu_error"))))
    if candidate.kind != "cpu" and isinstance(asked.gpus, Gpus) and asked.gpus:
        seen = bool(found.get("available"))
        checks.append(Check("torch sees the GPU", seen, str(found.get("gpu") or found.get("gpu_error") or "no GPU")))
        if seen:
            told = _pair(found.get("exact_cuda"), found.get("exact_cuda_error"))
            checks.append(Check("matrix product on the GPU is exact", *told))
    if found.get("ended"):
        checks.append(Check("the measuring came to its end", False, str(found["ended"])))
    return tuple(checks)


def _made_with(candidate: Candidate, cuda: Any) -> bool:
    """For a version without a label: whether torch's own word on its CUDA is that of the build."""
    planned = cuda_of_label(candidate.build)
    return (planned is None and cuda is None) or (bool(cuda) and planned == minor(str(cuda)))


def _pair(told: Any, error: Any = None) -> tuple[bool, str]:
    """(passed, what was found) of the script; its words are anybody's."""
    if isinstance(told, list) and len(told) == 2:
        return bool(told[0]), str(told[1])[:300]
    return False, str(error or "no answer")[:300]


def _error(found: Mapping[str, Any]) -> str:
    return next((str(found[name]) for name in ("import_error", "ended") if found.get(name)), "")


def numbers(found: Mapping[str, Any]) -> Measured:
    """The environment in numbers; what is no number is left out."""

    def number(name: str) -> float | None:
        value = found.get(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9 else None

    version, cuda, threads = str(found.get("torch", "")), found.get("cuda"), number("threads")
    build = local_label(version) or (f"cu{minor(str(cuda)).replace('.', '')}" if cuda else "")
    errors = (str(found[name]) for name in ("import_error", "cpu_error", "cuda_error", "ended") if found.get(name))
    return Measured(
        str(found.get("python", "")),
        version,
        build,
        None if threads is None else int(threads),
        number("import_seconds"),
        number("cpu_gflops"),
        number("cpu_copy_gbs"),
        str(found.get("gpu", "")),
        number("cuda_gflops"),
        number("cuda_copy_gbs"),
        "; ".join(errors)[:500],
    )
