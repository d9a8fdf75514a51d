"""A candidate built beside the present environment, verified and measured against it."""

from __future__ import annotations

from torchsmith.model.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torchsmith.model.choice import Option


@record
class Preview:
    """What a trial would do, for the consent of who has to wait for it and pay its traffic; sizes in bytes if known."""

    option: Option
    requirements: tuple[str, ...]
    folder: str
    tool: str
    download: int | None
    free: int | None


@record
class Check:
    """One thing that was verified: whether it holds, and what was found."""

    name: str
    passed: bool
    found: str


@record
class Measured:
    """An environment in numbers; None where there was nothing to measure, or it failed (``error`` says how).

    ``import_seconds`` is of a second, warm import; matrix products are of float32, copies in bytes read and written.
    """

    python: str
    torch: str
    build: str
    threads: int | None = None
    import_seconds: float | None = None
    cpu_gflops: float | None = None
    cpu_copy_gbs: float | None = None
    gpu: str = ""
    gpu_gflops: float | None = None
    gpu_copy_gbs: float | None = None
    error: str = ""


@record
class Trial:
    """The report.

    ``status`` is works, fails, not-built, declined, nothing-to-try or unable; ``problem`` says why in one sentence.
    ``seconds`` is the building, ``bytes_on_disk`` what it took; nothing of it is left.
    """

    status: str
    preview: Preview | None = None
    seconds: float | None = None
    bytes_on_disk: int | None = None
    checks: tuple[Check, ...] = ()
    present: Measured | None = None
    candidate: Measured | None = None
    problem: str = ""
