"""Builds of torch: which exist, what GPU code they carry, and which of them fit a machine.

Platforms: linux-x86_64, linux-aarch64, windows, macos-arm64, macos-x86_64 (and the rare windows-arm64, linux-s390x).
"""

from __future__ import annotations

from torchsmith.knowledge import archs as arch_rules
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.model.record import packed
from torchsmith.model.versions import at_least, cuda_of_label, key, public

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@packed
class Build:
    """A build of torch for one platform."""

    torch: str
    build: str
    """cpu, cu126, rocm7.1, xpu"""
    kind: str
    """cpu, cuda, rocm, xpu"""
    platform: str
    status: str
    """stable, experimental or additional, as the release declares it"""
    toolkit: str | None
    cudnn: str | None
    pypi_default: bool
    python_tags: tuple[str, ...]
    wheel_platform_tag: str | None
    evidence: str
    """How its existence is known; ``announced`` means that nobody has seen the file yet."""
    python_evidence: str = "seen"
    """``assumed`` where no file for its Pythons was seen."""

    @property
    def version(self) -> str:
        """The version with its local label, as an installer is asked for it: 2.14.1+cu126."""
        return f"{self.torch}+{self.build}"

    @property
    def index_url(self) -> str:
        """The index that serves it."""
        return index_url(self.build)

    @property
    def cuda(self) -> str | None:
        """The CUDA of the build: the exact toolkit where known, else the one its label names; None without CUDA."""
        return self.toolkit or cuda_of_label(self.build)


@packed
class Archs:
    """The GPU code inside a build, as compute capabilities."""

    torch: str
    build: str
    platform: str
    sass: tuple[int, ...]
    ptx: tuple[int, ...]
    evidence: str
    confidence: str
    """high, medium, low"""

    def sass_serves(self, sm: int) -> bool:
        """Whether some of its machine code runs on the GPU."""
        cuda = cuda_of_label(self.build)
        return any(arch_rules.sass_runs_on(f"sm_{code}", sm, cuda) for code in self.sass)

    def ptx_serves(self, sm: int) -> bool:
        """Whether some of its PTX can be compiled for the GPU, given a driver as new as the build's CUDA.

        PTX rescues torch's own kernels only; cuBLAS and cuDNN of a CUDA older than the GPU have no code for it. So the
        CUDA of the build must know the GPU.
        """
        cuda, span = cuda_of_label(self.build), arch_rules.toolkit_range(sm)
        knows = cuda is not None and span is not None and at_least(cuda, span[0])
        return knows and any(arch_rules.ptx_runs_on(f"compute_{code}", sm) for code in self.ptx)

    def serves(self, sm: int) -> bool:
        """Whether its machine code or its PTX serves the GPU."""
        return self.sass_serves(sm) or self.ptx_serves(sm)


def builds(platform: str, *, kind: str | None = None) -> Iterator[Build]:
    """All builds for a platform, oldest release first."""
    return (Build(*row) for row in ROWS if row[3] == platform and kind in {None, row[2]})


def published(torch: str, build: str, platform: str) -> Build | None:
    """The build, if the table lists it. ``torch`` may carry a local label, which does not count."""
    wanted = public(torch)
    return next((Build(*row) for row in ROWS if row[:2] == (wanted, build) and row[3] == platform), None)


def archs(torch: str, build: str, platform: str) -> Archs | None:
    """The GPU code of a CUDA build, if the table lists it."""
    from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE

    wanted = (public(torch), build, platform)
    return next((Archs(*row) for row in CODE if row[:3] == wanted), None)


def default_on_pypi(torch: str, platform: str) -> Build | None:
    """The build that ``pip install torch==...`` without an index gets on a platform."""
    wanted = public(torch)
    return next((build for build in builds(platform) if build.torch == wanted and build.pypi_default), None)


def newest(platform: str, python_tag: str | None = None) -> str | None:
    """The newest release with any build for a platform and, if given, a Python tag."""
    return max((build.torch for build in builds(platform) if _fits_python(build, python_tag)), key=key, default=None)


def index_url(build: str) -> str:
    """The index URL of a build label; whether it was ever published, ``build_exists`` tells."""
    from torchsmith.knowledge.compiled.indexes import ROWS as INDEXES

    return next(pattern for name, pattern, _labels in INDEXES if name == "pytorch").format(build=build)


def labels() -> tuple[str, ...]:
    """The index labels that were ever published: cpu, cu118, rocm6.4, xpu."""
    from torchsmith.knowledge.compiled.indexes import ROWS as INDEXES

    return next(listed for name, _pattern, listed in INDEXES if name == "pytorch")


def build_exists(label: str) -> bool:
    """Whether an index with this label was ever published."""
    return label in labels()


def nearest_builds(label: str) -> tuple[str, ...]:
    """For a CUDA label, the published ones next below and next above it; for another label, nothing."""
    wanted = cuda_of_label(label)
    if wanted is None:
        return ()
    known = sorted((cuda, other) for other in labels() if (cuda := key(cuda_of_label(other) or "")))
    below = [other for cuda, other in known if cuda < key(wanted)][-1:]
    above = [other for cuda, other in known if cuda > key(wanted)][:1]
    return (label,) if label in labels() else (*below, *above)


def fitting(
    sms: tuple[int, ...],
    *,
    platform: str,
    driver: str | None = None,
    windows: bool = False,
    python_tag: str | None = None,
    torch: str | None = None,
) -> list[Build]:
    """The CUDA builds with code for every GPU that the driver runs, best first; empty if there is none.

    ``driver`` None asks for no driver in particular; ``windows`` says whose numbering it is. First come builds whose
    machine code serves every GPU, before those that lean on PTX. Then the release: ``torch`` itself, newer ones from
    the nearest on, older ones from the nearest on; without it, the newest first. Inside a release: a CUDA that the
    driver supports outright, the newest such; then those by minor-version compatibility, the nearest first. A build
    that is only announced comes after those that somebody has seen, unless it is of the wanted release.
    """
    from torchsmith.knowledge import drivers
    from torchsmith.knowledge.compiled.gpu_archs_in_builds import ROWS as CODE

    if driver is not None and not all(drivers.serves(driver, sm, windows=windows) for sm in sms):
        return []
    code = {row[:3]: Archs(*row) for row in CODE if row[2] == platform}
    wanted = key(public(torch)) if torch else ()
    # Few CUDA versions and architecture lists serve many builds: each is judged once.
    reach: dict[str, tuple[bool, bool]] = {}
    served: dict[tuple[object, ...], tuple[bool, bool]] = {}
    ranked = []
    for build in builds(platform, kind="cuda"):
        carried, cuda = code.get((build.torch, build.build, platform)), build.cuda
        if carried is None or cuda is None or not _fits_python(build, python_tag):
            continue
        if cuda not in reach:
            native = driver is None or drivers.runs_natively(driver, cuda, windows=windows)
            reach[cuda] = native, native or (driver is not None and drivers.runs(driver, cuda, windows=windows))
        native, runs = reach[cuda]
        judged = (build.build, carried.sass, carried.ptx)
        if judged not in served:
            served[judged] = all(map(carried.sass_serves, sms)), all(map(carried.serves, sms))
        by_sass, by_any = served[judged]
        # The driver compiles PTX only if it is as new as the toolkit that wrote it: compatibility does not cover it.
        if not runs or not (by_sass or (native and by_any)) or not _cudnn_serves(build.cudnn, sms):
            continue
        release = key(build.torch)
        toolkit = tuple(-part if native else part for part in key(cuda)[:2])
        announced = build.evidence == "announced"
        rank = (not by_sass, release != wanted, announced, _nearness(release, wanted), not native, toolkit)
        ranked.append((rank, build))
    return [build for _rank, build in sorted(ranked, key=lambda pair: pair[0])]


def _nearness(release: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """Rank of a release: the wanted one, newer ones ascending, older ones descending."""
    if release == wanted:
        return 0, ()
    return (1, release) if wanted and release > wanted else (2, tuple(-part for part in release))


def _cudnn_serves(cudnn: str | None, sms: tuple[int, ...]) -> bool:
    """Whether the cuDNN of a build still serves every GPU: without it torch starts, and every convolution fails."""
    from torchsmith.knowledge.compiled.compat_rules import CUDNN_DROPS_BELOW

    oldest = min(sms, default=1000)
    return cudnn is None or not any(oldest < lowest and at_least(cudnn, since) for lowest, since in CUDNN_DROPS_BELOW)


def _fits_python(build: Build, python_tag: str | None) -> bool:
    return python_tag is None or python_tag in build.python_tags
