"""How packages fit around one build: of every package that is asked for, the release that clashes least with it.

A package fits by what its releases ask for (torch, Python, CUDA, cuDNN, the GPU, the platform) and by the packages that
they need in turn, as far as the tables list them.
"""

from __future__ import annotations

from functools import lru_cache

from torchsmith.knowledge import libraries, third_party, torch_releases
from torchsmith.model.record import record
from torchsmith.model.versions import major, minor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torchsmith.knowledge.third_party import Requirement
    from torchsmith.model.choice import Candidate

    Troubles = tuple[str, ...]


@lru_cache(None)
def _cudnn_of(torch: str) -> int | None:
    """The cuDNN major of a release, for builds that do not say theirs."""
    return libraries.cudnn_major_for_torch(torch)


@record
class Fit:
    """A release of a package beside a build: what clashes of its own, and the packages that it needs.

    ``troubles`` are words of ``fit_text``. ``subs`` are (what is needed, the release of it that clashes least); a trouble
    with NumPy or with another wish stands in place of the release.
    """

    row: Requirement
    version: str
    troubles: Troubles
    subs: tuple[tuple[str, Fit | str], ...] = ()
    older: bool = False
    """Whether a newer release is allowed too, which does not fit: an installer would take that one."""

    @property
    def clean(self) -> bool:
        """Whether nothing clashes."""
        return not self.troubles and not any(isinstance(sub, str) or not sub.clean for _, sub in self.subs)

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
    """One build as packages see it, with what was found for each of them."""

    def __init__(self, candidate: Candidate, oldest_sm: int | None, asked: Mapping[str, str]) -> None:
        """``asked`` are the versions that are wished for, by package; ``oldest_sm`` is that of the weakest GPU."""
        self.torch, self.kind, self.platform = candidate.torch, candidate.kind, candidate.platform
        self.cuda, self.cudnn = candidate.cuda, candidate.cudnn
        self.cuda_major, self.cuda_minor = major(self.cuda or ""), minor(self.cuda or "")
        self.cudnn_major = self._cudnn_major()
        self.python = candidate.python.rstrip("t")
        self.numpy_abi = torch_releases.numpy_abi(self.torch, windows=self.platform == "windows", python_tag=candidate.tag)
        self.oldest_sm = oldest_sm
        self._asked = asked
        self._found: dict[tuple[str, str, frozenset[str]], Fit | None] = {}

    def _cudnn_major(self) -> int | None:
        if self.kind != "cuda":
            return None
        return major(self.cudnn) if self.cudnn else _cudnn_of(self.torch)

    def best(self, name: str, specifier: str, apart: frozenset[str] = frozenset()) -> Fit | None:
        """The newest release that a set takes and that fits, else the one that clashes least; None if none is listed.

        The packages in ``apart`` are judged elsewhere: who needs this one needs them as well, and says in which versions.
        """
        asked = name, specifier, apart
        if asked not in self._found:
            self._found[asked] = None  # where packages need each other in a circle, it ends here
            self._found[asked] = self._best(name, specifier, apart)
        return self._found[asked]

    def _best(self, name: str, specifier: str, apart: frozenset[str]) -> Fit | None:
        least: Fit | None = None
        fewest, older = 0, False
        for row in reversed(third_party.of(name)):
            versions = row.allowed(specifier)
            if not versions:
                continue
            troubles = self.troubles(row)
            if troubles and least is not None and len(troubles) >= fewest:
                continue
            found = Fit(row, versions[-1], troubles, tuple(self._subs(row, troubles, apart)), older)
            if found.clean:
                return found
            older, count = True, found.count()
            if least is None or count < fewest:
                least, fewest = found, count
        return least

    def troubles(self, row: Requirement) -> Troubles:
        """What clashes between a range of releases and the build, in words of ``fit_text``."""
        found = []
        if row.torch_spec and not third_party.fits(row.torch_spec, self.torch):
            found.append("torch")
        if row.python_spec and not third_party.fits(row.python_spec, self.python):
            found.append("python")
        if row.platforms and self.platform not in row.platforms:
            found.append("platform")
        if self.kind != "cuda":
            return (*found, "no-gpu") if row.min_sm else tuple(found)
        if row.min_sm and self.oldest_sm is not None and self.oldest_sm < row.min_sm:
            found.append("gpu")
        if not row.elsewhere and self.uses_gpu(row):
            if row.cuda_major and row.cuda_major != self.cuda_major:
                found.append("cuda")
            elif row.cuda_builds and not any(major(build) == self.cuda_major for build in row.cuda_builds):
                found.append("cuda-builds")
            if row.cudnn_major and self.cudnn_major and row.cudnn_major != self.cudnn_major:
                found.append("cudnn")
        return tuple(found)

    def uses_gpu(self, row: Requirement) -> bool:
        """Whether its wheels for this platform have code for GPUs."""
        return not row.gpu_platforms or self.platform in row.gpu_platforms

    def _subs(self, row: Requirement, troubles: Troubles, apart: frozenset[str]) -> Iterator[tuple[str, Fit | str]]:
        needed = row.needed(self.python) if row.needs else ()
        others = apart.union(name for name, _ in needed)
        for name, specifier in needed:
            if name in apart:
                continue
            if name == "numpy":
                trouble = self.numpy_trouble(specifier)
                if trouble:
                    yield f"numpy{specifier}", trouble
                continue
            wished = self._asked.get(name, "")
            joint = ",".join(part for part in (specifier, wished) if part)
            found = self.best(name, joint, others)
            if found is None and wished and self.best(name, specifier) is not None and self.best(name, wished) is not None:
                yield f"{name}{specifier}", f"asked:{name}"
            # What the package itself says of torch need not be said again of what it needs.
            elif found is not None and not ("torch" in troubles and found.troubles == ("torch",)):
                yield f"{name}{specifier}", found

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

    def numpy(self, *specifiers: str, anywhere: bool = False) -> str:
        """The newest NumPy in all of these versions that has wheels for the Python, or for any; empty if there is none."""
        joint = ",".join(specifier for specifier in specifiers if specifier)
        for row in reversed(third_party.of("numpy")):
            if anywhere or third_party.fits(row.python_spec or "", self.python):
                versions = row.allowed(joint)
                if versions:
                    return versions[-1]
        return ""

    def nearest(self, fit: Fit) -> str:
        """The releases next to this one that fit, as a condition; empty if none does."""
        rows = third_party.of(fit.row.package)
        here = rows.index(fit.row)
        for distance in range(1, len(rows)):
            for place in (here + distance, here - distance):
                if not 0 <= place < len(rows) or not rows[place].versions or self.troubles(rows[place]):
                    continue
                row = rows[place]
                if Fit(row, row.versions[-1], (), tuple(self._subs(row, (), frozenset()))).clean:
                    bound = f">= {row.versions[0]}" if place > here else f"<= {row.versions[-1]}"
                    return f"{row.package} {bound}"
        return ""
