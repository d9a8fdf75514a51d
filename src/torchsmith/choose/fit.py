"""How packages fit around one build: of every package that is asked for, the release that clashes least with it.

A package fits by what its releases ask for (torch, Python, CUDA, cuDNN, the GPU, the platform) and by the packages that
they need in turn, as far as the tables list them.
"""

from __future__ import annotations

from functools import lru_cache

from torchsmith.knowledge import libraries, third_party, torch_releases
from torchsmith.model import pep440
from torchsmith.model.record import packed
from torchsmith.model.versions import major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from torchsmith.knowledge.third_party import Requirement
    from torchsmith.model.choice import Candidate

    Troubles = tuple[str, ...]
    Subs = tuple[tuple[str, "Fit | str"], ...]


@lru_cache(None)
def cudnn_of(torch: str) -> int | None:
    """The cuDNN major of a release, for builds that do not say theirs."""
    return libraries.cudnn_major_for_torch(torch)


@packed
class Fit:
    """A release of a package beside a build: what clashes of its own, and the packages that it needs.

    ``troubles`` are words of ``fit_text``. ``subs`` are (what is needed, the release of it that clashes least); a trouble
    with NumPy or with another wish stands in place of the release. ``clean``: nothing of all this clashes.
    """

    row: Requirement
    version: str
    troubles: Troubles
    subs: Subs
    clean: bool
    older: bool = False
    """Whether a newer release is allowed too, which does not fit: an installer would take that one."""

    def count(self) -> int:
        """How many things clash."""
        return len(self.troubles) + sum(1 if isinstance(sub, str) else sub.count() for _, sub in self.subs)

    def chosen(self) -> Iterator[Fit]:
        """The releases of this package and of those that it needs."""
        yield self
        for _, sub in self.subs:
            if not isinstance(sub, str):
                yield from sub.chosen()


class Around:
    """One build as packages see it. What was found for a package is shared by the builds that it cannot tell apart."""

    def __init__(
        self, candidate: Candidate, oldest_sm: int | None, asked: Mapping[str, str], shared: dict[object, Any] | None = None
    ) -> None:
        """``asked`` are the versions that are wished for, by package; ``oldest_sm`` is that of the weakest GPU.

        ``shared`` remembers; it belongs to one platform, one set of GPUs and one set of wishes.
        """
        self.torch, self.kind, self.platform = candidate.torch, candidate.kind, candidate.platform
        self.cuda, self.cudnn = candidate.cuda, candidate.cudnn
        self.cuda_major, self.cuda_minor = major(self.cuda or ""), minor(self.cuda or "")
        self.cudnn_major = self._cudnn_major()
        self.python = candidate.python.rstrip("t")
        self.numpy_abi = torch_releases.numpy_abi(self.torch, windows=self.platform == "windows", python_tag=candidate.tag)
        self.oldest_sm = oldest_sm
        self._asked = asked
        self._shared: dict[object, Any] = {} if shared is None else shared
        self._views: dict[str, tuple[object, ...]] = {}
        self._sights: dict[str, object] = {
            "torch": self.torch,
            "python": self.python,
            "gpu": (self.kind, self.cuda_major, self.cudnn_major),
            "cuda": None,  # of its minor only risks speak, which are not kept
            "numpy": self.numpy_abi,
        }

    def _cudnn_major(self) -> int | None:
        if self.kind != "cuda":
            return None
        return major(self.cudnn) if self.cudnn else cudnn_of(self.torch)

    def _seen(self, name: str) -> tuple[object, ...]:
        """What a package sees of the build: two builds that look the same to it get the same answer."""
        seen = self._views.get(name)
        if seen is None:
            seen = self._views[name] = tuple(self._sights[sight] for sight in third_party.looks_at(name))
        return seen

    def best(self, name: str, specifier: str, apart: frozenset[str] = frozenset()) -> Fit | None:
        """The newest release that a set takes and that fits, else the one that clashes least; None if none is listed.

        The packages in ``apart`` are judged elsewhere: who needs this one needs them as well, and says in which versions.
        """
        asked = (name, specifier, apart, self._seen(name))
        if asked not in self._shared:
            self._shared[asked] = None  # where packages need each other in a circle, it ends here
            self._shared[asked] = self._best(name, specifier, apart)
        found: Fit | None = self._shared[asked]
        return found

    def _best(self, name: str, specifier: str, apart: frozenset[str]) -> Fit | None:
        listed = self._listed(name, specifier)
        clashing = self._clashing(listed)
        bad = _union(clashing)
        least: Fit | None = None
        fewest = 0
        for place, (row, version) in enumerate(listed.releases):
            if not bad >> place & 1:
                found = self._fit(row, version, (), apart, older=place > 0)
                if found.clean:
                    return found
                if least is None or found.count() < fewest:
                    least, fewest = found, found.count()
        # What a release needs is looked at only if nothing clashes less than it does by itself.
        counts = [sum(mask >> place & 1 for _, mask in clashing) for place in range(len(listed.releases))]
        own = min((count for count in counts if count), default=0)
        if own and (least is None or own < fewest):
            place = counts.index(own)
            least = self._fit(*listed.releases[place], _words(clashing, place), apart)
        return least

    def _fit(self, row: Requirement, version: str, troubles: Troubles, apart: frozenset[str], *, older: bool = False) -> Fit:
        subs = tuple(self._subs(row, troubles, apart)) if row.needs else ()
        clean = not troubles and all(not isinstance(sub, str) and sub.clean for _, sub in subs)
        return Fit(row, version, troubles, subs, clean, older)

    def _listed(self, name: str, specifier: str) -> _Listed:
        asked = name, specifier
        if asked not in self._shared:
            self._shared[asked] = _Listed(name, specifier)
        found: _Listed = self._shared[asked]
        return found

    def _clashing(self, listed: _Listed) -> list[tuple[str, int]]:
        """What clashes between the build and some of the releases: a word of ``fit_text``, and which (bit n: the nth)."""
        known, found = listed.known, []
        for sight, judge in (("torch", self._by_torch), ("python", self._by_python), ("gpu", self._by_gpu)):
            value = self._sights[sight]
            if (sight, value) not in known:
                known[sight, value] = judge(listed)
            found += known[sight, value]
        return found

    def _by_torch(self, listed: _Listed) -> list[tuple[str, int]]:
        return listed.where("torch", lambda row: bool(row.torch_spec) and not third_party.fits(row.torch_spec, self.torch))

    def _by_python(self, listed: _Listed) -> list[tuple[str, int]]:
        spec = listed.where("python", lambda row: bool(row.python_spec) and not third_party.fits(row.python_spec, self.python))
        return spec + listed.where("platform", lambda row: bool(row.platforms) and self.platform not in row.platforms)

    def _by_gpu(self, listed: _Listed) -> list[tuple[str, int]]:
        found: dict[str, int] = {}
        for place, (row, _) in enumerate(listed.releases):
            for word in self._gpu_troubles(row):
                found[word] = found.get(word, 0) | 1 << place
        return list(found.items())

    def troubles(self, row: Requirement) -> Troubles:
        """What clashes between a range of releases and the build, in words of ``fit_text``."""
        listed = self._listed(row.package, "")
        place = next((place for place, (its, _) in enumerate(listed.releases) if its is row), None)
        return () if place is None else _words(self._clashing(listed), place)

    def _gpu_troubles(self, row: Requirement) -> Troubles:
        if not (row.min_sm or row.cuda_major or row.cuda_least or row.cuda_builds):
            return ()
        if self.kind != "cuda":
            return ("no-gpu",) if row.min_sm else ()
        found = []
        if row.min_sm and self.oldest_sm is not None and self.oldest_sm < row.min_sm:
            found.append("gpu")
        if self.uses_gpu(row):
            if row.cuda_major and row.cuda_major != self.cuda_major and not row.elsewhere:
                found.append("cuda")
            elif row.cuda_least and self.cuda_major < row.cuda_least:
                found.append("cuda-least")
            elif row.cuda_builds and not any(major(build) == self.cuda_major for build in row.cuda_builds):
                found.append("cuda-builds")
            if row.cudnn_major and self.cudnn_major and row.cudnn_major != self.cudnn_major:
                found.append("cudnn")
        return tuple(found)

    def uses_gpu(self, row: Requirement) -> bool:
        """Whether its wheels for this platform have code for GPUs."""
        return not row.gpu_platforms or self.platform in row.gpu_platforms

    def _subs(self, row: Requirement, troubles: Troubles, apart: frozenset[str]) -> Iterator[tuple[str, Fit | str]]:
        for name, specifier, joint, wished, others, said in self._needed(row, apart):
            if name == "numpy":
                trouble = self.numpy_trouble(specifier)
                if trouble:
                    yield said, trouble
                continue
            found = self.best(name, joint, others)
            if found is None:
                if wished and self.best(name, specifier) is not None and self.best(name, wished) is not None:
                    yield said, f"asked:{name}"
            # What the package itself says of torch need not be said again of what it needs.
            elif not ("torch" in troubles and found.troubles == ("torch",)):
                yield said, found

    def _needed(self, row: Requirement, apart: frozenset[str]) -> list[tuple[str, str, str, str, frozenset[str], str]]:
        """What a release needs: the package, its versions, those with what is wished for, that, what is apart, in words."""
        asked = row.package, row.first, self.python, apart
        if asked not in self._shared:
            needed = row.needed(self.python)
            others = apart.union(name for name, _ in needed)
            self._shared[asked] = [
                (name, specifier, _both(specifier, wished), wished, others, f"{name}{specifier}")
                for name, specifier in needed
                if name not in apart
                for wished in (self._asked.get(name, ""),)
            ]
        found: list[tuple[str, str, str, str, frozenset[str], str]] = self._shared[asked]
        return found

    def numpy_trouble(self, specifier: str) -> str:
        """Why no NumPy is in these versions, in those that are wished for, and fits the build; empty if one is."""
        wished = self._asked.get("numpy", "")
        built = "<2" if self.numpy_abi == 1 else ""
        if self.numpy(specifier, wished, built):
            return ""
        if self.numpy(specifier, wished, built, anywhere=True):
            return "numpy-python"
        if self.numpy(specifier, wished, anywhere=True):
            return "numpy-abi"
        listed = self.numpy(specifier, anywhere=True) and (not wished or self.numpy(wished, anywhere=True))
        return "asked:numpy" if listed else ""

    def numpy_serves(self, specifier: str) -> bool:
        """Whether a NumPy is in these versions, in those that are wished for, and fits the build."""
        return bool(self.numpy(specifier, self._asked.get("numpy", ""), "<2" if self.numpy_abi == 1 else ""))

    def numpy(self, *specifiers: str, anywhere: bool = False) -> str:
        """The newest NumPy in all of these versions that has wheels for the Python, or for any; empty if there is none."""
        joint = ",".join(specifier for specifier in specifiers if specifier)
        for row in reversed(third_party.of("numpy")):
            if anywhere or third_party.fits(row.python_spec or "", self.python):
                versions = row.allowed(joint)
                if versions:
                    return versions[-1]
        return ""

    def many(self, name: str, specifier: str) -> bool:
        """Whether a set leaves a choice."""
        return len(self._listed(name, specifier).releases) > 1

    def nearest(self, fit: Fit) -> str:
        """The releases next to this one that fit, as a condition; empty if none does."""
        name = fit.row.package
        asked = ("nearest", name, fit.row.first, self._seen(name))
        if asked not in self._shared:
            self._shared[asked] = self._nearest(fit)
        found: str = self._shared[asked]
        return found

    def _nearest(self, fit: Fit) -> str:
        listed = self._listed(fit.row.package, "")
        begins = pep440.key(fit.row.first or "")
        here = next(
            (n for n, (row, _) in enumerate(listed.releases) if pep440.key(row.first or "") <= begins), len(listed.releases)
        )
        bad = _union(self._clashing(listed))
        for place in sorted(range(len(listed.releases)), key=lambda place: abs(place - here)):
            row, version = listed.releases[place]
            if row is not fit.row and not bad >> place & 1 and self._fit(row, version, (), frozenset()).clean:
                return f"{row.package} >= {row.versions[0]}" if place < here else f"{row.package} <= {version}"
        return ""


class _Listed:
    """The ranges that a set takes a release of, newest first, each with that release; and what clashes with them."""

    def __init__(self, name: str, specifier: str) -> None:
        taken = ((row, row.allowed(specifier)) for row in reversed(third_party.of(name)))
        self.releases = [(row, versions[-1]) for row, versions in taken if versions]
        if not self.releases and specifier:
            likely = third_party.between(name, specifier)
            self.releases = [likely] if likely else []
        self.known: dict[tuple[str, object], list[tuple[str, int]]] = {}

    def where(self, word: str, clashes: Callable[[Requirement], bool]) -> list[tuple[str, int]]:
        """The word with the releases that clash; nothing if none does."""
        mask = sum(1 << place for place, (row, _) in enumerate(self.releases) if clashes(row))
        return [(word, mask)] if mask else []


def _both(one: str, other: str) -> str:
    return f"{one},{other}" if one and other else one or other


def _union(clashing: list[tuple[str, int]]) -> int:
    found = 0
    for _, mask in clashing:
        found |= mask
    return found


def _words(clashing: list[tuple[str, int]], place: int) -> Troubles:
    return tuple(word for word, mask in clashing if mask >> place & 1)
