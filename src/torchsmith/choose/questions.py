"""What ``why-not`` is asked about: words about builds, releases, Pythons, approaches, and about the machine itself.

``cu130 torch==2.9.1 python3.12 conda`` asks for the builds that are all of it. ``whisperx==3.4.2``, ``numpy<2``, ``driver 470``,
``RTX 5070`` and ``glibc 2.17`` change the situation instead: they ask what would be offered if it were so.
"""

from __future__ import annotations

from torchsmith.knowledge import approaches, gpus, third_party, torch_builds, torch_releases
from torchsmith.knowledge import drivers as branches
from torchsmith.knowledge.compiled.conda_builds import ROWS as CONDA
from torchsmith.knowledge.compiled.torch_builds import ROWS as BUILDS
from torchsmith.model import pep440
from torchsmith.model.choice import Requirement
from torchsmith.model.facts.gpu import Device, Driver, Gpus
from torchsmith.model.pattern import pattern
from torchsmith.model.record import record, replace
from torchsmith.model.versions import cuda_of_label, key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from re import Match, Pattern

    from torchsmith.choose.situation import Situation
    from torchsmith.model.choice import Approach, Candidate

LONGEST = 400
"""Characters of a question that are looked at."""

_IGNORED = pattern(
    r"(?:and|with|on|for|under|using|use|via|from|by|the|an?|in|wheels?|builds?|gpu|nvidia|install|version|channel|approach|why|not|"
    r"(?:py)?torch|docker image)(?![\w.])|[^\w]+",
    2,  # re.IGNORECASE
)
_WORD = pattern(r"[^\s,;]+")

ALIASES = {
    "micromamba": "mamba",
    "miniforge": "conda",
    "miniconda": "conda",
    "anaconda": "conda",
    "conda-forge": "conda",
    "container": "docker",
    "podman": "docker",
    "uv pip": "uv",
    "uv add": "uv-project",
    "uv project": "uv-project",
    "pip install": "pip",
    "pip-compile": "pip-tools",
    "piptools": "pip-tools",
    "pip tools": "pip-tools",
    "pixi": "pixi",
    "nixpkgs": "nix",
    "nixos": "nix",
    "dll copy": "dll-copy",
    "copy dlls": "dll-copy",
    "copying dlls": "dll-copy",
    "dlls": "dll-copy",
    "source build": "source",
    "build from source": "source",
    "from source": "source",
    "compile": "source",
}
"""Other words for approaches."""


@record
class Term:
    """One part of a question that a candidate must satisfy: ``is_so`` tells whether it does.

    ``kind`` is build, torch, python, channel or default; ``text`` is how the answer calls it.
    """

    kind: str
    text: str
    is_so: Callable[[Candidate], bool]


@record
class Question:
    """A question taken apart. ``unknown`` are its words that name nothing known, ``nearest`` what may have been meant."""

    text: str
    terms: tuple[Term, ...] = ()
    approaches: tuple[str, ...] = ()
    needs: tuple[Requirement, ...] = ()
    driver: str = ""
    gpus: tuple[Device, ...] = ()
    glibc: str = ""
    unknown: tuple[str, ...] = ()
    nearest: tuple[str, ...] = ()

    @property
    def hypothetical(self) -> bool:
        """Whether it asks about another situation than this one."""
        return bool(self.needs or self.driver or self.gpus or self.glibc)

    def matches(self, candidate: Candidate) -> bool:
        """Whether a candidate is what was asked about."""
        return all(term.is_so(candidate) for term in self.terms)

    def asks_for(self, approach: Approach) -> bool:
        """Whether an approach is."""
        return not self.approaches or approach.name in self.approaches

    def situation(self, present: Situation) -> Situation:
        """The situation that it asks about."""
        if self.needs:
            wishes = replace(present.wishes, needs=(*present.wishes.needs, *self.needs))
            present = replace(present, wishes=wishes)
        if self.gpus:
            present = replace(present, gpus=Gpus(self.gpus, "the question"))
        if self.glibc:
            present = replace(present, machine=replace(present.machine, libc="glibc", libc_version=self.glibc))
        if self.driver:
            newest = branches.max_cuda(self.driver, windows=present.windows_driver)
            present = replace(present, driver=Driver(self.driver, None, newest, works=None))
        return present


def parse(text: str) -> Question:
    """The question, taken apart from left to right."""
    found = Question(text)
    rest = " ".join(text.lower().split())[:LONGEST]
    while rest:
        ignored = _IGNORED.match(rest)
        for shape, reader in _SHAPES:
            matched = shape.match(rest)
            changed = reader(found, matched) if matched else None
            if matched and changed is not None:
                found, rest = changed, rest[matched.end() :]
                break
        else:
            if ignored:
                rest = rest[ignored.end() :]
                continue
            found, rest = _other(found, rest)
    return found


def _with_term(question: Question, kind: str, text: str, is_so: Callable[[Candidate], bool]) -> Question:
    return replace(question, terms=(*question.terms, Term(kind, text, is_so)))


def _unknown(question: Question, word: str, nearest: Iterable[str]) -> Question:
    near = tuple(dict.fromkeys((*question.nearest, *nearest)))
    return replace(question, unknown=(*question.unknown, word), nearest=near)


def _with_builds(question: Question, said: str, labels: tuple[str, ...]) -> Question:
    """The builds with one of these labels; of another spelling the nearest that exist."""
    if labels:
        return _with_term(question, "build", said, lambda candidate: candidate.build in labels)
    return _unknown(question, said, nearest_labels(said))


def known_labels() -> tuple[str, ...]:
    """The labels of all builds there ever were, conda's included."""
    versions = (row[2].replace("=", " ").split()[-1] for row in CONDA if row[2] != "cpu")
    conda = ("cu" + version.replace(".", "") for version in versions)
    return tuple(dict.fromkeys((*torch_builds.labels(), *(row[1] for row in BUILDS), *conda)))


def nearest_labels(label: str) -> tuple[str, ...]:
    """The labels that a wrong one may have meant: the next CUDA below and above it, else what is spelled alike."""
    near = torch_builds.nearest_builds(label)
    return near or _alike(label, known_labels())


def _alike(word: str, names: Iterable[str]) -> tuple[str, ...]:
    from difflib import get_close_matches

    return tuple(get_close_matches(word, tuple(names), n=3, cutoff=0.5))


def _url(question: Question, matched: Match[str]) -> Question:
    """An index: that of one build by the last part of its path, the package index by its ``simple``."""
    parts = [part for part in matched[0].split("?")[0].split("#")[0].rstrip("/").split("/")[3:] if part]
    last = parts[-1] if parts else ""
    if last == "simple" or not parts:
        return _default(question, matched)
    if last in {"whl", "pytorch-wheels"}:
        return _with_term(question, "channel", "the wheel index", lambda candidate: candidate.channel == "wheel")
    if "nightly" in parts or "test" in parts:
        return _unknown(question, "/".join(parts[-2:]), (last,) if last in known_labels() else ())
    return _with_builds(question, last[:40], (last,) if last in known_labels() else ())


def _default(question: Question, _matched: Match[str]) -> Question:
    return _with_term(replace(question, approaches=("pip",)), "default", "the default build", lambda candidate: candidate.default)


def _cuda(question: Question, matched: Match[str]) -> Question:
    """``cu124``, ``cuda 12.4``, ``cuda12``: a label, or all builds of a major."""
    digits = matched[1] or ""
    labels = known_labels()
    if not digits:
        return _with_builds(question, "CUDA", tuple(label for label in labels if label.startswith("cu")))
    numbers = digits.split(".")
    label = "cu" + (numbers[0] + numbers[1] if len(numbers) > 1 else digits)
    if len(numbers) == 1 and label not in labels and len(digits) <= 2:
        ofmajor = tuple(known for known in labels if (cuda_of_label(known) or "").startswith(f"{int(digits)}."))
        return _with_builds(question, f"CUDA {digits}" if ofmajor else label, ofmajor)
    return _with_builds(question, label, (label,) if label in labels else ())


def _rocm(question: Question, matched: Match[str]) -> Question:
    version = matched[1] or ""
    labels = known_labels()
    exact = f"rocm{version}"
    if exact in labels:
        return _with_builds(question, exact, (exact,))
    return _with_builds(question, exact, tuple(label for label in labels if label.startswith(exact) and "." not in version))


def _kind(question: Question, matched: Match[str]) -> Question:
    kind = matched[0]
    if kind in {"mps", "metal"}:
        return _with_term(question, "build", kind, lambda candidate: candidate.platform.startswith("macos"))
    return _with_term(question, "build", kind, lambda candidate: candidate.kind == kind)


def _torch(question: Question, matched: Match[str]) -> Question | None:
    """``torch==2.2.0``, ``torch 2.2``, ``2.2.0+cu118``, ``torch>=2.6,<2.9``."""
    text = "".join(str(matched["spec"] or matched["bare"]).split())
    text, _, label = text.partition("+") if "," not in text else (text, "", "")
    if text[0].isdigit():
        text = f"=={text}" if text.count(".") > 1 or text.endswith("*") else f"=={text}.*"
    if label:  # only wheels are called so
        question = _with_builds(question, label, (label,) if label in known_labels() else ())
        question = _with_term(question, "channel", "wheel", lambda candidate: candidate.channel == "wheel")
    parts = [part.lstrip("=<>!~").removesuffix(".*") for part in text.split(",")]
    sound = all(pep440.is_version(part) for part in parts)
    if not sound or not any(pep440.allows(text, release) for release in releases()):
        return _unknown(question, f"torch{text}", _near_releases(text))
    return _with_term(question, "torch", f"torch{text}", lambda candidate: pep440.allows(text, candidate.torch))


def releases() -> tuple[str, ...]:
    """All releases that the tables know, oldest first."""
    return tuple(sorted({*torch_releases.known(), *(row[1] for row in CONDA)}, key=key))


def _near_releases(specifier: str) -> tuple[str, ...]:
    wanted = key(specifier.lstrip("=<>!~").split(",")[0].removesuffix(".*"))
    known = releases()
    below = [release for release in known if key(release) < wanted][-1:]
    above = [release for release in known if key(release) > wanted][:1]
    return tuple(f"torch {release}" for release in (*below, *above))


def _latest(question: Question, _matched: Match[str]) -> Question:
    newest = torch_releases.newest()
    return _with_term(question, "torch", f"torch=={newest}", lambda candidate: candidate.torch == newest)


def _python(question: Question, matched: Match[str]) -> Question:
    """``python3.14``, ``py313``, ``cp313t``, ``python<3.9``."""
    sign, version = str(matched["sign"] or "=="), f"{matched['major']}.{int(matched['minor'])}"
    threads = bool(matched["threads"] or matched["free"])

    def is_so(candidate: Candidate) -> bool:
        free = candidate.python.endswith("t")
        plain = candidate.python.removesuffix("t")
        return pep440.allows(f"{sign}{version}", plain) and (free if threads else not free)

    said = f"Python {sign.replace('==', '')}{version}{'t' if threads else ''}"
    return _with_term(question, "python", said, is_so)


def _driver(question: Question, matched: Match[str]) -> Question:
    return replace(question, driver=matched[1])


def _glibc(question: Question, matched: Match[str]) -> Question:
    return replace(question, glibc=matched[1])


def _capability(question: Question, matched: Match[str]) -> Question:
    """``sm_120``, ``compute capability 12.0``."""
    digits = matched[1] or matched[2]
    whole, _, part = digits.partition(".")
    sm = int(whole) * 10 + int(part) if part else int(whole)
    device = Device(len(question.gpus), f"GPU of compute capability {sm // 10}.{sm % 10}", sm)
    return replace(question, gpus=(*question.gpus, device))


def _approach(question: Question, matched: Match[str]) -> Question | None:
    word = matched[0].strip()
    if word in {"pytorch channel", "-c pytorch"}:
        return _with_term(question, "channel", "the pytorch channel", lambda candidate: candidate.channel == "pytorch")
    dashed = word.replace(" ", "-")
    name = ALIASES.get(word) or ALIASES.get(dashed) or dashed
    return replace(question, approaches=(*question.approaches, name))


def _other(question: Question, rest: str) -> tuple[Question, str]:
    """A package with its versions, a GPU's name; else a word that names nothing known."""
    found = _REQUIREMENT.match(rest)
    known = {*third_party.packages(), *PACKAGES}
    if found and found[1].replace("_", "-").replace(".", "-") in known:
        wanted = "".join((found[2] or "").split())
        wanted = wanted if not wanted or not wanted[0].isdigit() else f"=={wanted}"
        need = Requirement(found[1].replace("_", "-").replace(".", "-"), wanted, "the question")
        return replace(question, needs=(*question.needs, need)), rest[found.end() :]
    words = rest.split()
    for count in range(min(6, len(words)), 0, -1):
        name = " ".join(words[:count])
        row = gpus.by_name(name)
        if row is not None and row.name:
            device = Device(len(question.gpus), row.name, row.sm)
            return replace(question, gpus=(*question.gpus, device)), " ".join(words[count:])
    matched = _WORD.match(rest)
    word = matched[0] if matched else rest
    plain = word.partition("==")[0]
    names = (*known_labels(), *(approach.name for approach in approaches.every()), *ALIASES, *known)
    near = (*_alike(plain, names), *gpus.nearest(rest if len(words) < 7 else word))
    return _unknown(question, word, near[:5]), rest[len(word) :]


def _words() -> Iterator[str]:
    named = {*(approach.name for approach in approaches.every()), *ALIASES, "pytorch channel", "-c pytorch"} - {"cpu"}
    return (word.replace("-", "[- ]") if word[0] != "-" else word for word in sorted(named, key=len, reverse=True))


PACKAGES = ("numpy", "torchvision", "torchaudio", "triton", "transformers", "accelerate", "lightning", "torchcodec", "cudnn")
"""Packages that the tables of third parties do not list and that constraints judge all the same."""

_END = r"(?![\w.])"
_REQUIREMENT = pattern(
    r"([a-z0-9][a-z0-9._-]{0,60}?)\s*"
    r"((?:(?:===|==|!=|<=|>=|~=|<|>)\s*[\w.*+!]+\s*,?\s*){1,6}|\s\d[\w.]*)?(?=[\s;]|$)"
)
_SPEC = r"(?:(?:===|==|!=|<=|>=|~=|<|>|=)\s*v?\d[\w.+*]*(?:\s*,\s*(?=[<>=!~]))?)+"
_SHAPES: tuple[tuple[Pattern[str], Callable[[Question, Match[str]], Question | None]], ...] = (
    (pattern(r"(?:https?|file)://[^\s,;]+"), _url),
    (pattern(r"(?:(?:plain )?pip install (?:-u )?(?:py)?torch|plain pip|pypi|default index|default)" + _END), _default),
    (pattern(r"(?:(?:py)?torch\s*[=@ ]{0,3})?\s*(?:latest|newest)" + _END), _latest),
    (
        pattern(
            rf"(?:py)?torch\s*(?P<spec>{_SPEC}|v?\d[\w.+*]*)|v?(?P<bare>[012]\.\d+(?:\.\d+)?(?:\+[\w.]+)?|[012]\.\d+\.\*)" + _END
        ),
        _torch,
    ),
    (pattern(r"cu(?:da)?(?:[-_ ]?toolkit)?[-_ =v]{0,3}(\d+(?:\.\d+){0,2})" + _END + r"|cuda" + _END), _cuda),
    (pattern(r"rocm[-_ =v]{0,3}(\d+(?:\.\d+){0,2})?" + _END), _rocm),
    (pattern(r"(?:cpu|xpu|mps|metal)" + _END), _kind),
    (
        pattern(
            r"(?:c?python|py|cp)[-_ ]{0,2}(?P<sign>===|==|!=|<=|>=|~=|<|>|=)?\s*"
            r"(?P<major>\d)\.?(?P<minor>\d{1,2})(?:\.\d+)?(?P<threads>t)?"
            r"(?P<free>\s*[-(]?(?:free[- ]?thread(?:ed|ing)|nogil)\)?)?" + _END
        ),
        _python,
    ),
    (pattern(r"(?P<sign>>=|<=|<|>)?(?P<major>3)\.(?P<minor>\d{1,2})(?:\.\d+)?(?P<threads>t)?(?P<free>(?!))?" + _END), _python),
    (pattern(r"(?:nvidia[- ])?driver(?: version)?[-_ =<>]{0,4}(\d{2,4}(?:\.\d+){0,2})" + _END), _driver),
    (pattern(r"(?:glibc|libc)[-_ =<>]{0,4}(2\.\d+)" + _END), _glibc),
    (pattern(r"(?:sm[-_ ]?(\d{2,3})[af]?|compute[- _]?capability[ =]*(\d+\.\d))" + _END), _capability),
    (pattern(f"(?:{'|'.join(_words())})" + _END), _approach),
)
"""The shapes of parts, each with its reader; the first that matches reads."""
