"""A made-up decision in which every part says something: what its reports are tested with."""

from __future__ import annotations

from torchsmith.model.action import InstallTorch
from torchsmith.model.choice import (
    Answer,
    Approach,
    Candidate,
    Choice,
    Conflict,
    Option,
    Pin,
    Reason,
    Rejected,
    Repair,
    Requirement,
    Score,
    Wishes,
)

INDEX = "https://download.pytorch.org/whl/cu130"
WEIGHTS = (
    ("native_gpu_code", 30),
    ("driver_headroom", 6),
    ("change", 60),
    ("minutes", 6),
    ("download_bytes", 3),
    ("companions", 0),
)


def scores(change: str, minutes: int, code: str = "native", size: int | None = 1_800_000_000) -> tuple[Score, ...]:
    """The cells of an option."""
    return (
        Score("native_gpu_code", code, {"native": 1.0, "jit": 0.7}.get(code, 0.0), 30),
        Score("driver_headroom", "supported outright", 1.0, 6),
        Score("change", change, 1.0 if change == "nothing" else 0.5, 60),
        Score("reversible", 0.5, 0.5, 4),
        Score("reliability", 0.8, 0.8, 10),
        Score("minutes", minutes, 1 - minutes / 30, 6),
        Score("download_bytes", size, 0.4, 3),
        Score("disk_bytes", None if size is None else size * 2, 0.4, 1),
    )


def option(rank: int, name: str = "pip", words: str = "", code: str = "native", change: str = "torch is new") -> Option:
    """An option; ``words`` stand in every text of it that comes from outside."""
    approach = Approach(name, f"{name} with an index", ("wheel",), (), "pyproject.toml the environment", rank, 0.5, 0.8, 0.8, 0.5)
    candidate = Candidate("wheel", "2.14.1", "cu130", "cuda", "linux-x86_64", "3.12", "13.0")
    return Option(
        rank,
        approach,
        candidate,
        INDEX,
        (Pin("torch", "2.14.1", INDEX), Pin("numpy", "2.3.4")),
        scores(change, rank, code),
        1 - rank / 10,
        risks=(f"something is open {words}", "and something else, which is told in more words than one line has room for here"),
        why=f"Before the next, uv with torch 2.14.1+cu130, by 1.0 points: it is set up sooner (+1.0){words}.",
        checked=None if rank > 1 else "uv 0.13.8",
        actions=(InstallTorch("2.14.1", "cu130", INDEX),),
        commands=() if change == "nothing" else ((f"python{words}", "-m", "pip", "install", f"torch==2.14.1+cu130{words}"),),
        files=() if rank < 3 else ((f"Dockerfile{words}", f"FROM python:3.12\nRUN pip install torch{words}\n"),),
        notes=(f"a note {words}",),
    )


def reason(words: str = "", constraint: str = "driver") -> Reason:
    """Why something is rejected."""
    return Reason(constraint, f"CUDA 13.2 needs a driver from 595 on{words}", f"facts drivers{words}", f"driver >= 595{words}")


def choice(words: str = "", *, satisfied: bool = True, nothing: bool = False) -> Choice:
    """A decision."""
    first = option(1, words=words, change="nothing" if nothing else "torch is new")
    return Choice(
        Wishes(needs=(Requirement(f"whisperx{words}", "==3.4.2"),)),
        (first, option(2, "uv", words, "jit"), option(3, "docker", words), option(4, "uv", words))
        if satisfied
        else (option(1, "cpu", words, "no"),),
        (
            Rejected("torch 2.12.0 - 2.14.1 cu132", (reason(words),), "cu132", "2.12.0", "2.14.1", "wheel"),
            Rejected("torch 2.15.0 cu132", (reason(words), reason(words, "python")), "cu132", "2.15.0", "2.15.0", "wheel"),
            Rejected("torch 2.6.0 cu124", (reason(words, "gpu-code"),), "cu124", "2.6.0", "2.6.0", "wheel"),
            Rejected("torch 2.6.0 rocm6.2", (reason(words, "published"),), "rocm6.2", "2.6.0", "2.6.0", "wheel"),
            Rejected(f"dll-copy{words}", (reason(words, "copied-libraries"),), approach=f"dll-copy{words}"),
        ),
        satisfied,
        () if satisfied else (Conflict((reason(words), reason(words, "gpu-code"))), Conflict((reason(words),))),
        () if satisfied else (Repair((f"driver >= 595{words}", "python 3.12"), f"torch 2.15.0+cu132 by pip{words}"),),
        (f"a remark {words}",),
        tuple((name, float(weight)) for name, weight in WEIGHTS),
        "bash",
    )


def answer(words: str = "", verdict: str = "rejected") -> Answer:
    """An answer of ``why-not``."""
    if verdict == "offered":
        return Answer(f"cu130{words}", verdict, options=(1, 4), remarks=(f"option 1 is it{words}",))
    return Answer(
        f"cu132{words}",
        verdict,
        (reason(words), reason(words, "gpu-code")),
        (f"driver >= 595{words}", "another GPU"),
        (f"cu130{words}", "cu126"),
        remarks=(f"this speaks of torch 2.15.0+cu132{words}",),
    )
