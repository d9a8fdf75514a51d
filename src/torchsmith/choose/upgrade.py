"""What newer torch would work beside what is installed: the nearest and the newest that no constraint rejects.

Kept: the Python, the kind of build, and its label where the newer release still has it. What each step gains and breaks is
told from the tables and from what the installed packages themselves ask for.
"""

from __future__ import annotations

from torchsmith.choose.fit import Around
from torchsmith.choose.step import breaks, gains, moves
from torchsmith.knowledge import companions, drivers, third_party
from torchsmith.model import pep440
from torchsmith.model.choice import Reason, Risk
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.torch import Torch
from torchsmith.model.upgrade import Ceiling, Newer, Step, Upgrade
from torchsmith.model.versions import key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torchsmith.choose.reject import Judged, Row
    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Candidate
    from torchsmith.model.upgrade import Demand

_NOT_TOLD = frozenset({"numpy", "triton"})
"""NumPy is a matter of its own, and triton comes with torch."""
_CONDA = {"conda", "mamba", "micromamba", "pixi"}


def upgrade(judged: Judged, situation: Situation, demands: Sequence[Demand] = ()) -> Upgrade:
    """The answer for one situation; ``demands`` are what the installed packages ask of torch."""
    shell = situation.shell
    own = [row for row in judged.rows if row.candidate.channel == _channel(situation)]
    newest = max((row.candidate.torch for row in own if row.candidate.evidence != "announced"), key=key, default="")
    if not isinstance(situation.torch, Torch):
        return Upgrade("not-installed", "", "", situation.python or "", newest, shell=shell)
    have = situation.torch
    rows = [row for row in own if _of_kind(row.candidate, situation) and _newer(row.candidate, have)]
    fitting = [row for row in rows if not row.mask]
    steps = tuple(_steps(fitting, situation, demands))
    last = steps[-1].candidate if steps else None
    ceilings = tuple(_ceilings(rows, last, have, judged.names, situation))
    status = "upgradable" if steps else "held" if ceilings else "newest"
    outdated = tuple(_outdated(situation, own, steps))
    ends = _ends(own, have)
    return Upgrade(
        status, have.version, have.build, situation.python or "", newest, steps, outdated, ceilings, ends=ends, shell=shell
    )


def _channel(situation: Situation) -> str:
    manager = getattr(situation.environment, "manager", "")
    by_conda = any(situation.packages.conda_record(name) for name in ("pytorch", "pytorch-gpu", "pytorch-cpu", "libtorch"))
    return "conda-forge" if by_conda and (manager in _CONDA or not situation.packages.get("torch")) else "wheel"


def _of_kind(candidate: Candidate, situation: Situation) -> bool:
    """The kind that is installed; where a CPU build stands beside an NVIDIA GPU, the kind that would use it."""
    kind = situation.torch.kind if isinstance(situation.torch, Torch) else ""
    idle = kind == "cpu" and isinstance(situation.gpus, Gpus) and bool(situation.gpus)
    return candidate.kind == ("cuda" if idle else kind) and candidate.evidence != "announced"


def _newer(candidate: Candidate, have: Torch) -> bool:
    """A newer release, or the same one made with a newer CUDA."""
    mine, its = pep440.key(pep440.public(have.version)), pep440.key(candidate.torch)
    return its > mine or (its == mine and candidate.build != have.build and _cuda(candidate) > key(have.cuda or "")[:2])


def _cuda(candidate: Candidate) -> tuple[int, ...]:
    return key(candidate.cuda or "")[:2]


def _steps(fitting: Sequence[Row], situation: Situation, demands: Sequence[Demand]) -> Iterator[Step]:
    if not fitting:
        return
    have = situation.torch
    released = {key(row.candidate.torch) for row in fitting}
    newer = {release for release in released if not isinstance(have, Torch) or release > key(have.version)} or released
    near, far = (_best(fitting, release, situation) for release in (min(newer), max(newer)))
    alone = near is far or near.candidate == far.candidate
    for reach, row in (("nearest and newest", near),) if alone else (("nearest", near), ("newest", far)):
        risks = tuple(dict.fromkeys(answer.text for answer in row.answers if isinstance(answer, Risk)))
        its = row.candidate
        yield Step(
            reach, its, tuple(gains(its, situation)), tuple(breaks(its, situation, demands)), tuple(moves(its, situation)), risks
        )


def _best(fitting: Sequence[Row], release: tuple[int, ...], situation: Situation) -> Row:
    """Of a release's builds the one with the installed label, else the newest CUDA that the driver supports outright.

    None goes back behind the installed CUDA while another does not: minor-version compatibility is less than a step back.
    """
    label = situation.torch.build if isinstance(situation.torch, Torch) else ""
    present = key(situation.torch.cuda or "")[:2] if isinstance(situation.torch, Torch) else ()
    driver = situation.driver.version if isinstance(situation.driver, Driver) else None

    def order(row: Row) -> tuple[bool, bool, bool, tuple[int, ...], bool]:
        cuda = row.candidate.cuda
        native = cuda is None or driver is None or drivers.runs_natively(driver, cuda, windows=situation.windows_driver)
        near = tuple(part if native else -part for part in key(cuda or ""))
        kept = _cuda(row.candidate) >= present
        return row.candidate.build == label, kept, native, near, row.candidate.python == situation.python

    return max((row for row in fitting if key(row.candidate.torch) == release), key=order)


def _ceilings(
    rows: Sequence[Row], last: Candidate | None, have: Torch, names: Sequence[str], situation: Situation
) -> Iterator[Ceiling]:
    """The next and the newest release above what fits, each with the reasons against the best of its builds."""
    above = [row for row in rows if row.mask and key(row.candidate.torch) > key(last.torch if last else have.version)]
    releases = sorted({key(row.candidate.torch) for row in above})
    told: set[tuple[str, ...]] = set()
    for release in dict.fromkeys((releases[0], releases[-1])) if releases else ():
        of_release = [row for row in above if key(row.candidate.torch) == release]
        row = min(of_release, key=lambda row: _distance(row, have, situation))
        reasons = tuple(reason for reason in row.reasons(0, names) if isinstance(reason, Reason))
        said = tuple(reason.because for reason in reasons)
        if said not in told:
            told.add(said)
            yield Ceiling(row.candidate.torch, row.candidate.build, reasons)


def _distance(row: Row, have: Torch, situation: Situation) -> tuple[int, bool, bool]:
    """What a rejected build is away from the installed one: constraints, then label, then Python."""
    return row.mask.bit_count(), row.candidate.build != have.build, row.candidate.python != situation.python


def _ends(rows: Sequence[Row], have: Torch) -> str:
    """Where the builds with the installed label end, if the newest release has others only, or is only announced with it."""
    releases: dict[str, dict[str, str]] = {}
    for row in rows:
        releases.setdefault(row.candidate.torch, {})[row.candidate.build] = row.candidate.evidence
    with_label = [release for release, builds in releases.items() if have.build in builds]
    if not with_label:
        return ""
    last, newest = max(with_label, key=key), max(releases, key=key)
    if releases[last][have.build] == "announced":
        return f"torch {last}+{have.build} is announced, but nobody has seen it yet: it is not offered"
    kind = have.build.rstrip("0123456789.")
    others = sorted((label for label in releases[newest] if label.startswith(kind)), key=lambda label: (len(label), label))
    if key(last) >= key(newest) or not others:
        return ""
    return f"{have.build} ends with torch {last}; the newest release, {newest}, comes as {', '.join(others)}"


def _outdated(situation: Situation, rows: Sequence[Row], steps: Sequence[Step]) -> Iterator[Newer]:
    """Torch, its companions and the packages that the tables know, where a newer version would fit."""
    have = situation.torch
    if not isinstance(have, Torch):
        return
    if steps:
        yield Newer("torch", have.version, steps[-1].candidate.version)
    present = next((row.candidate for row in rows if _is_present(row.candidate, situation)), None)
    beside = [candidate for candidate in (present, *(step.candidate for step in steps[-1:])) if candidate is not None]
    for name in dict.fromkeys(("torchvision", "torchaudio", *third_party.packages())):
        installed = situation.packages.version(name)
        if installed is None or name in _NOT_TOLD:
            continue
        fit = _companion if name in {"torchvision", "torchaudio"} else _package
        found = ((fit(name, installed, candidate, situation), candidate) for candidate in beside)
        first = next(((version, candidate) for version, candidate in found if version), None)
        if first and first[0]:
            yield Newer(name, installed, first[0], "" if first[1] is present else first[1].torch)


def _is_present(candidate: Candidate, situation: Situation) -> bool:
    have = situation.torch
    same = isinstance(have, Torch) and (candidate.torch, candidate.build) == (pep440.public(have.version), have.build)
    return same and candidate.python == situation.python


def _companion(name: str, installed: str, candidate: Candidate, situation: Situation) -> str | None:
    """The companion that belongs to a torch, if it is newer than the installed one."""
    del situation
    wanted: str | None = getattr(companions.for_torch(candidate.torch), name, None)
    return wanted if wanted and pep440.key(wanted) > pep440.key(pep440.public(installed)) else None


def _package(name: str, installed: str, candidate: Candidate, situation: Situation) -> str | None:
    """The newest listed release above the installed one that fits beside a build with all that it needs."""
    gpus = situation.gpus if isinstance(situation.gpus, Gpus) else ()
    oldest = min((device.sm for device in gpus if device.sm), default=None)
    found = Around(candidate, oldest, {}).best(name, f">{pep440.public(installed)}")
    return found.version if found and found.clean else None
