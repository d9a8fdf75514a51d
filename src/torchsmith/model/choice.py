"""A decision: the builds that could be taken, what rejects them, the ways to install them, and what was wished for."""

from __future__ import annotations

from torchsmith.model.record import packed, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.action import Action
    from torchsmith.model.facts.project import PastedProject
    from torchsmith.model.facts.python import Environment, Interpreter, Packages

GOALS = ("minimal-change", "inference", "training", "extension-build", "reproducible")

EVERYDAY = ("update-others", "clean-install")
"""Goals of ``apply`` alone, which choose as the first of the others does: all but torch is updated; all is made anew."""


@record
class Requirement:
    """A package with the versions that are welcome, as PEP 440 writes them; ``where`` says who asks for it."""

    name: str
    specifier: str = ""
    where: str = ""

    def __str__(self) -> str:
        """As an installer reads it."""
        return self.name + self.specifier


@record
class Wishes:
    """What was asked for: the goal, packages that must work beside torch (``needs``) or stay as they are (``keeps``).

    ``torch`` is a version specifier, its local label a build: ``>=2.6``, ``==2.9.0+cu129``.
    """

    goal: str = GOALS[0]
    needs: tuple[Requirement, ...] = ()
    keeps: tuple[Requirement, ...] = ()
    torch: str = ""
    admin: bool = True
    offline: bool = False


@packed
class Candidate:
    """One build of torch in one Python, as a channel serves it.

    ``channel`` is wheel, conda-forge, pytorch (its retired conda channel) or source. ``kind`` is cpu, cuda, rocm or xpu;
    ``sass`` and ``ptx`` are compute capabilities. ``index`` is the wheel index that serves it with its local label,
    ``default`` whether the package index serves the same build without one. ``evidence`` and ``confidence`` say how the
    row is known; ``python_seen`` whether the file for its Python was seen, ``pythons`` are all that the build was made for.
    ``glibc`` is the lowest that it runs with, None off Linux.
    """

    channel: str
    torch: str
    build: str
    kind: str
    platform: str
    python: str
    cuda: str | None = None
    cudnn: str | None = None
    sass: tuple[int, ...] = ()
    ptx: tuple[int, ...] = ()
    index: str | None = None
    default: bool = False
    status: str = "stable"
    evidence: str = ""
    confidence: str = ""
    pythons: tuple[str, ...] = ()
    glibc: str | None = None
    python_seen: bool = True

    @property
    def version(self) -> str:
        """The version with its local label: 2.14.1+cu126."""
        return f"{self.torch}+{self.build}"

    @property
    def tag(self) -> str:
        """The wheel tag of its Python: ``cp314t``."""
        return "cp" + self.python.replace(".", "", 1)


@packed
class Reason:
    """Why a candidate or an approach is rejected.

    ``because`` is one sentence, ``source`` where the fact behind it stands; ``unless`` says what would have to change, as
    a condition (``driver >= 570.26``), empty where nothing in reach would.
    """

    constraint: str
    because: str
    source: str
    unless: str = ""


@packed
class Risk:
    """What an option rests on without proof, or what goes less well with it; ``weight`` is its share of unreliability."""

    text: str
    weight: float = 0.1


@record
class Approach:
    """A way to install torch. Its judgements, from 0 to 1, are data with a source (``torchsmith facts approaches``).

    ``channels`` are what it can take torch from; ``brings`` the constraints that it makes good by itself (a container has
    its own Python and glibc); ``touches`` says what it changes, ``contained`` how far that stays apart from all else;
    ``minutes`` is the set-up beside downloading, ``reproducible`` how exactly it can be had again. ``tool`` is the program that
    it needs, ``get`` where that comes from.
    """

    name: str
    title: str
    channels: tuple[str, ...]
    brings: tuple[str, ...]
    touches: str
    minutes: int
    reversible: float
    reliability: float
    flexibility: float
    upkeep: float
    reproducible: float = 0.5
    contained: float = 0.5
    tool: str = ""
    get: str = ""


@packed
class Pin:
    """A package at one version; ``index`` None is the default package index."""

    name: str
    version: str
    index: str | None = None


@packed
class Score:
    """One cell of the decision matrix: what is shown, its worth from 0 to 1, and the criterion's weight for the goal."""

    criterion: str
    shown: str | int | float | bool | None
    worth: float
    weight: float


@record
class Option:
    """An approach with exact versions. ``why`` says in one sentence what puts it before the next one.

    ``files`` are (name, text) pairs that the approach needs written, such as a Dockerfile. ``declared`` says that the
    project's own files already ask for it: its manager has only to install them.
    """

    rank: int
    approach: Approach
    candidate: Candidate
    index: str | None
    packages: tuple[Pin, ...]
    scores: tuple[Score, ...]
    score: float
    risks: tuple[str, ...] = ()
    why: str = ""
    checked: str | None = None
    actions: tuple[Action, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    declared: bool = False


@record
class Rejected:
    """What was rejected: a build over a range of releases, or an approach (then ``build`` is empty)."""

    candidate: str
    reasons: tuple[Reason, ...]
    build: str = ""
    first: str = ""
    last: str = ""
    channel: str = ""
    approach: str = ""


@record
class Conflict:
    """Wishes and facts that no candidate satisfies together, none of which could be left out of the conflict."""

    reasons: tuple[Reason, ...]


@record
class Repair:
    """What would have to change, all of it, so that something fits; ``gives`` names the best of what then would."""

    changes: tuple[str, ...]
    gives: str


@record
class Choice:
    """The whole decision. ``satisfied`` is False where no option does what was asked, though something could be changed."""

    wishes: Wishes
    options: tuple[Option, ...]
    rejected: tuple[Rejected, ...]
    satisfied: bool = True
    conflicts: tuple[Conflict, ...] = ()
    repairs: tuple[Repair, ...] = ()
    remarks: tuple[str, ...] = ()
    weights: tuple[tuple[str, float], ...] = ()
    shell: str = "bash"


@record
class Answer:
    """The answer to ``why-not``: verdict is rejected, offered or unknown-candidate.

    ``options`` are the ranks of the options that are what was asked about; ``remarks`` say which candidate the answer
    speaks of, and what else fails and why.
    """

    candidate: str
    verdict: str
    reasons: tuple[Reason, ...] = ()
    would_fit_if: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()
    shell: str = "bash"
    remarks: tuple[str, ...] = ()
    options: tuple[int, ...] = ()


@record
class Place:
    """Where an option would be carried out: the system and its shell, the environment and project that are there.

    ``fresh`` says that a new environment is made for it, because there is none that could be changed or because the
    option needs another Python. ``torch`` is what is installed, with its label (None: nobody could tell), ``broken`` that
    it has to be installed anew; ``elsewhere`` that the plan is for another machine than this one. ``toolkits`` are
    (version, folder) pairs, ``sms`` the compute capabilities of the GPUs, ``variables`` the names of those that are set,
    ``wheels`` (version of torch, folder) pairs. Only where it is carried out: ``tools`` are (name, version) pairs of the
    managers that are at hand, ``here`` is the current folder. Only for the machine's settings: the user's ``home``, ``values``
    of variables that are set, ``registry`` (key, name, type, text) of Windows' own, and whether folders of other toolkits are
    to leave the user's PATH.
    """

    os: str
    shell: str
    environment: Environment | None = None
    interpreter: Interpreter | None = None
    project: PastedProject | None = None
    driver: str = ""
    fresh: bool = False
    torch: str | None = None
    packages: Packages | None = None
    broken: bool = False
    elsewhere: bool = False
    goal: str = ""
    arch: str = "x86_64"
    wsl: bool = False
    sms: tuple[int, ...] = ()
    toolkits: tuple[tuple[str, str], ...] = ()
    variables: tuple[str, ...] = ()
    offline: bool = False
    wheels: tuple[tuple[str, str], ...] = ()
    tools: tuple[tuple[str, str], ...] = ()
    here: str = ""
    home: str = ""
    values: tuple[tuple[str, str], ...] = ()
    registry: tuple[tuple[str, str, str, str], ...] = ()
    pip_alone: str = ""
    remove_stale: bool = False


@record
class Steps:
    """How an approach is carried out: typed actions, the same as commands, files to write, and what to know besides."""

    actions: tuple[Action, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
