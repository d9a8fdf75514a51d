"""What packages beside torch ask of a build: tables of what is asked, the build, and the answer."""

from __future__ import annotations

from typing import Any

import pytest

from torchsmith.choose import beside, catalogue, situation
from torchsmith.choose.asked import asked_for
from torchsmith.choose.constraints.cudnn import cudnn
from torchsmith.choose.constraints.numpy import numpy
from torchsmith.choose.constraints.packages import left_out, packages
from torchsmith.choose.packages import pins
from torchsmith.choose.situation import Situation
from torchsmith.model.choice import Candidate, Reason, Requirement, Risk, Wishes
from torchsmith.model.facts.gpu import Device, Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.project import Dependency, PastedProject
from torchsmith.model.facts.python import Interpreter, Package, Packages
from torchsmith.model.known import Fact, Known
from torchsmith.model.record import replace

LINUX, WINDOWS, ARM = Machine("linux", "x86_64"), Machine("windows", "amd64"), Machine("linux", "aarch64")
CONSTRAINTS = (packages, numpy, cudnn)
RTX3090, T4 = 86, 75


def build(version: str, python: str = "3.12", machine: Machine = LINUX) -> Candidate:
    """The candidate of a version with its label, as a wheel."""
    torch, _, label = version.partition("+")
    found = (
        candidate
        for candidate in catalogue.candidates(machine.platform)
        if (candidate.torch, candidate.build, candidate.python, candidate.channel) == (torch, label, python, "wheel")
    )
    return next(found)


def requirement(text: str, where: str) -> Requirement:
    at = next((place for place, letter in enumerate(text) if letter in "=<>!~"), len(text))
    return Requirement(text[:at], text[at:], where)


def asking(
    *needs: str,
    keep: tuple[str, ...] = (),
    here: dict[str, str] | None = None,
    project: tuple[Dependency, ...] = (),
    machine: Machine = LINUX,
    python: str = "3.12",
    sm: int | None = RTX3090,
) -> Situation:
    """A situation in which this is asked for and that is installed."""
    device = Device(0, "the test's GPU", sm=sm) if sm else None
    facts: dict[str, Fact[Any]] = {
        "machine": Known(machine, "test"),
        "gpus": Known(Gpus((device,) if device else ()), "test"),
        "packages": Known(Packages(tuple(Package(name, version, "x") for name, version in (here or {}).items())), "test"),
        "pasted_project": Known(PastedProject(dependencies=project), "test"),
        "interpreter": Known(interpreter(python), "test"),
    }
    return situation.of(
        facts, Wishes(needs=tuple(requirement(n, "--need") for n in needs), keeps=tuple(requirement(k, "--keep") for k in keep))
    )


def interpreter(python: str) -> Interpreter:
    return Interpreter("python", f"{python}.1", "/e", "/b", 64, "x86_64", "linux", "venv", (), ())


def reasons(candidate: Candidate, asked: Situation) -> dict[str, Reason]:
    answers = ((constraint.name, constraint.judge(candidate, asked)) for constraint in CONSTRAINTS)
    return {name: answer for name, answer in answers if isinstance(answer, Reason)}


def risks(candidate: Candidate, asked: Situation) -> str:
    asking_now = (constraint for constraint in (*CONSTRAINTS, left_out) if constraint.when(asked))
    answers = (constraint.judge(candidate, asked) for constraint in asking_now)
    return "; ".join(answer.text for answer in answers if isinstance(answer, Risk))


ANSWERS = [
    # Seed 004: whisperx 3.4.2 asks for torch 2.5.1 and for a ctranslate2 of cuDNN 8; torch brings 9 since 2.4.
    ("whisperx==3.4.2", "2.7.1+cu128", {"cudnn": "needs cuDNN 8, while torch 2.7.1 brings cuDNN 9"}),
    ("whisperx==3.4.2", "2.5.1+cu124", {"cudnn": "needs ctranslate2<4.5.0; ctranslate2 4.4.0 needs cuDNN 8"}),
    ("whisperx==3.4.2", "2.3.1+cu121", {"packages": "needs torch>=2.5.1"}),
    ("whisperx==3.4.2", "2.2.0+cu121", {"packages": "needs torch>=2.5.1", "numpy": "needs numpy>=2.0.2"}),
    ("whisperx==3.4.2", "2.7.1+cpu", {}),
    ("whisperx==3.5.0", "2.7.1+cu128", {}),
    ("whisperx==3.5.0", "2.8.0+cu126", {}),
    ("whisperx==3.5.0", "2.6.0+cu124", {"packages": "needs torch>=2.7.1"}),
    ("whisperx==3.5.0", "2.9.1+cu128", {"packages": "pyannote-audio 3.4.0 needs torch>=2.0.0,<2.9"}),
    ("whisperx==3.5.0", "2.9.1+cu130", {"packages": "needs CUDA 12, while this build is made with CUDA 13"}),
    ("whisperx==3.3.2", "2.5.1+cu124", {}),
    ("whisperx==3.3.1", "2.3.1+cu121", {}),
    ("whisperx==3.3.1", "2.4.1+cu121", {"cudnn": "needs cuDNN 8"}),
    ("whisperx==3.3.1", "2.3.1+cu118", {"packages": "needs CUDA 12"}),
    ("whisperx==3.8.6", "2.8.0+cu128", {}),
    ("whisperx==3.8.6", "2.9.0+cu128", {"packages": "needs torch~=2.8.0"}),
    ("whisperx", "2.8.0+cu128", {}),
    ("whisperx", "2.3.1+cu121", {}),
    ("whisperx", "2.14.1+cu130", {"packages": "no whisperx fits"}),
    ("faster-whisper", "2.2.2+cu118", {}),
    ("faster-whisper>=1.0", "2.2.2+cu118", {"packages": "needs CUDA 12"}),
    ("ctranslate2==4.4.0", "2.3.1+cu121", {}),
    ("ctranslate2==4.4.0", "2.6.0+cu126", {"cudnn": "needs cuDNN 8"}),
    ("ctranslate2==4.5.0", "2.6.0+cu126", {}),
    ("ctranslate2==4.5.0", "2.3.1+cu121", {"cudnn": "needs cuDNN 9, while torch 2.3.1 brings cuDNN 8"}),
    ("ctranslate2", "2.14.1+cu130", {"packages": "needs CUDA 12"}),
    ("vllm==0.22.0", "2.11.0+cu130", {}),
    ("vllm==0.22.0", "2.11.0+cu129", {}),
    ("vllm==0.22.0", "2.13.0+cu130", {"packages": "needs torch==2.11.0"}),
    ("vllm==0.22.0", "2.11.0+cpu", {"packages": "works with CUDA builds only"}),
    ("vllm", "2.12.0+cu130", {"packages": "no vllm fits"}),
    ("xformers==0.0.31", "2.7.1+cu128", {}),
    ("xformers==0.0.31", "2.7.0+cu128", {"packages": "needs torch==2.7.1"}),
    ("xformers==0.0.33.post1", "2.9.0+cu128", {}),
    ("xformers", "2.14.1+cu126", {}),
    ("bitsandbytes==0.47.0", "2.9.1+cu128", {}),
    ("bitsandbytes==0.47.0", "2.9.1+cu130", {"packages": "has libraries for CUDA 11.8 to 12.9"}),
    ("bitsandbytes", "2.14.1+cu132", {}),
    ("onnxruntime-gpu==1.26.0", "2.11.0+cu130", {"packages": "needs CUDA 12"}),
    ("onnxruntime-gpu==1.27.0", "2.11.0+cu130", {}),
    ("onnxruntime-gpu==1.19.2", "2.3.1+cu121", {"cudnn": "needs cuDNN 9"}),
    ("onnxruntime-gpu", "2.11.0+cu128", {}),
    ("onnxruntime-gpu==1.18.0", "2.3.1+cu118", {}),
    ("onnxruntime-gpu==1.18.0", "2.7.1+cu118", {"cudnn": "needs cuDNN 8"}),
    ("flash-attn==2.8.0", "2.7.1+cu118", {"packages": "needs CUDA 12 or newer"}),
    ("flash-attn==2.8.0", "2.7.1+cu126", {}),
    ("torchvision==0.20.1", "2.5.1+cu124", {}),
    ("torchvision==0.20.1", "2.6.0+cu124", {"packages": "needs torch==2.5.1"}),
    ("torchaudio==2.8.0", "2.9.0+cu128", {"packages": "needs torch==2.8.0"}),
    ("torchtext==0.18.0", "2.3.0+cu121", {}),
    ("torchtext==0.18.0", "2.4.0+cu124", {"packages": "needs torch>=2.3.0,<2.4"}),
    ("torchcodec==0.7.0", "2.9.0+cu128", {"packages": "needs torch==2.8.*"}),
    ("triton==3.3.1", "2.7.1+cu128", {}),
    ("triton==3.3.0", "2.7.1+cu128", {"packages": "needs torch==2.7.0"}),
    ("transformers==5.21.0", "2.5.1+cu124", {"packages": "needs torch>=2.6"}),
    ("nvidia-cudnn-cu12==9.10.2.21", "2.9.1+cu128", {}),
    ("nvidia-cudnn-cu12==8.9.2.26", "2.9.1+cu128", {"cudnn": "requires nvidia-cudnn-cu12==9.10.2.21"}),
    ("nvidia-cudnn-cu11==8.7.0.84", "2.2.0+cu121", {"cudnn": "is for CUDA 11"}),
    ("numpy>=2", "2.2.0+cu121", {"numpy": "was built against NumPy 1"}),
    ("numpy<2", "2.2.0+cu121", {}),
    ("numpy<2", "2.9.1+cu128", {}),
    ("numpy>=2", "2.9.1+cu128", {}),
    ("banana==1", "2.9.1+cu128", {}),
    ("cuda==12.8", "2.9.1+cu128", {}),
    ("cuda==12.8", "2.9.1+cu126", {"packages": "made with CUDA 12.6"}),
    ("cuda>=12", "2.9.1+cpu", {"packages": "has no CUDA"}),
    ("cudnn==8", "2.3.1+cu121", {}),
    ("cudnn==8", "2.4.0+cu121", {"cudnn": "brings cuDNN 9"}),
    ("python==3.12", "2.9.1+cu128", {}),
    ("python==3.11", "2.9.1+cu128", {"packages": "it is for Python 3.12"}),
    ("python>=3.11.4,<3.13", "2.9.1+cu128", {}),
    ("torch==2.9.1", "2.9.1+cu128", {}),
    ("torch==2.9.1+cu126", "2.9.1+cu128", {"packages": "it is torch 2.9.1+cu128"}),
]


@pytest.mark.parametrize(("need", "version", "expected"), ANSWERS)
def test_answers(need: str, version: str, expected: dict[str, str]) -> None:
    found = reasons(build(version), asking(need))
    assert found.keys() == expected.keys()
    for name, words in expected.items():
        assert words in found[name].because
        assert found[name].source
        assert found[name].constraint == name


@pytest.mark.parametrize(("need", "version", "unless"), [
    ("whisperx==3.4.2", "2.7.1+cu128", "whisperx >= 3.5.0"),
    ("whisperx==3.4.2", "2.3.1+cu121", "whisperx <= 3.3.1"),
    ("whisperx==3.4.2", "2.9.1+cu130", "without whisperx==3.4.2"),
    ("ctranslate2==4.4.0", "2.6.0+cu126", "ctranslate2 >= 4.5.0"),
    ("vllm==0.22.0", "2.13.0+cu130", "vllm >= 0.27.0"),
    ("onnxruntime-gpu==1.27.0", "2.8.0+cu128", "onnxruntime-gpu <= 1.26.0"),
    ("numpy>=2", "2.2.0+cu121", "numpy < 2"),
])  # fmt: skip
def test_what_would_have_to_change(need: str, version: str, unless: str) -> None:
    assert {reason.unless for reason in reasons(build(version), asking(need)).values()} == {unless}


def test_what_would_have_to_change_fits() -> None:
    for need, version in (("whisperx==3.5.0", "2.7.1+cu128"), ("whisperx==3.3.1", "2.3.1+cu121")):
        assert not reasons(build(version), asking(need))


def test_kept_numpy_against_needed_whisperx() -> None:
    for version in ("2.7.1+cu128", "2.8.0+cpu", "2.5.1+cu124"):
        found = reasons(build(version), asking("whisperx==3.4.2", keep=("numpy<2",)))
        assert found["numpy"].because == "whisperx 3.4.2 (--need) needs numpy>=2.0.2, and numpy<2 (--keep) was asked for"


def test_what_is_kept_without_a_version_stays() -> None:
    asked = asking(keep=("numpy",), here={"numpy": "2.1.3"})
    assert asked_for(asked) == (Requirement("numpy", "==2.1.3", "--keep"),)
    assert "numpy==2.1.3 (--keep)" in reasons(build("2.2.0+cu121"), asked)["numpy"].because


def test_two_needs_that_share_nothing() -> None:
    found = reasons(build("2.6.0+cu124"), asking("vllm==0.8.2", "cupy-cuda12x==14.0.1"))
    assert "no release serves all of them" in found["numpy"].because
    found = reasons(build("2.8.0+cu128"), asking("whisperx==3.8.6", keep=("ctranslate2==4.4.0",)))
    assert any("ctranslate2==4.4.0 (--keep) was asked for" in reason.because for reason in found.values())


def test_what_no_table_lists_is_a_risk() -> None:
    assert "banana==1 is not in the tables" in risks(build("2.9.1+cu128"), asking("banana==1"))
    assert "flash-attn 2.8.0 is not in the tables" in risks(build("2.9.1+cu128"), asking("flash-attn==2.8.0"))
    assert "which end with 3.8.6" in risks(build("2.9.1+cu128"), asking("whisperx==9.9"))


RISKS = [
    ("flash-attn==2.8.3", "2.8.0+cu128", LINUX, ""),
    ("flash-attn==2.8.3", "2.14.1+cu130", LINUX, "flash-attn 2.8.3 has no wheel for this build"),
    ("flash-attn==2.8.3", "2.8.0+cu128", WINDOWS, "flash-attn 2.8.3 has no wheel for this build"),
    ("vllm==0.22.0", "2.11.0+cu129", LINUX, "vllm 0.22.0 is made with CUDA 13, this build with CUDA 12.9"),
    ("bitsandbytes==0.50.2", "2.9.1+cu129", LINUX, None),
    ("whisperx==3.3.2", "2.5.1+cu124", LINUX, "whisperx 3.3.2 was withdrawn"),
    ("whisperx==3.5.0", "2.8.0+cu129", ARM, "have no CUDA: it runs on the CPU"),
]


@pytest.mark.parametrize(("need", "version", "machine", "words"), RISKS)
def test_risks(need: str, version: str, machine: Machine, words: str | None) -> None:
    candidates = [c for c in catalogue.candidates(machine.platform) if c.version == version and c.python == "3.12"]
    for candidate in candidates:
        asked = asking(need, machine=machine)
        assert not reasons(candidate, asked)
        told = risks(candidate, asked)
        assert words in told if words else not words or not told


def test_platforms_and_gpus() -> None:
    found = reasons(build("2.11.0+cu130", machine=WINDOWS), asking("vllm", machine=WINDOWS))
    assert "exists only for Linux" in found["packages"].because
    found = reasons(build("2.8.0+cu128"), asking("flash-attn", sm=T4))
    assert "compute capability 8.0 or higher, and here is the the test's GPU (7.5)" in found["packages"].because
    assert not reasons(build("2.8.0+cu128"), asking("flash-attn", sm=None))
    found = reasons(build("2.0.0+cu118", "3.11"), asking("flash-attn==2.8.0", python="3.11"))
    assert "needs torch>=2.2" in found["packages"].because


def test_installed_packages_are_risks() -> None:
    here = {"ctranslate2": "4.4.0", "numpy": "2.1.3", "vllm": "0.10.0", "torchtext": "0.15.2", "requests": "2.0"}
    asked = asking(here=here)
    assert not reasons(build("2.9.1+cu128"), asked)
    told = risks(build("2.9.1+cu128"), asked)
    assert "ctranslate2 4.4.0 is installed and needs cuDNN 8, while torch 2.9.1 brings cuDNN 9" in told
    assert "vllm 0.10.0 is installed and needs torch==2.7.1" in told
    assert "torchtext is installed and has no release for torch 2.9.1" in told
    assert "NumPy" not in told
    moved = risks(build("2.9.1+cu128"), asking(here={"torch": "2.6.0", "xformers": "0.0.29.post3", "torchvision": "0.21.0"}))
    assert "xformers 0.0.29.post3 is installed and needs torch==2.6.0: it moves along" in moved
    assert "torchvision 0.21.0 is installed and needs torch==2.6.0: it moves along" in moved
    assert "NumPy 2.1.3 is here, and torch 2.2.2 was built against NumPy 1: it goes to 1.26.4" in risks(
        build("2.2.2+cu121"), asked
    )


def test_another_python_starts_anew() -> None:
    assert not risks(build("2.9.1+cu128", "3.11"), asking(here={"ctranslate2": "4.4.0"}))


def test_project_requirements_are_reasons() -> None:
    declared = (
        Dependency("xformers", "==0.0.30", "requirements", "", "requirements.txt"),
        Dependency("numpy", "<2", "project", "python_version < '3.10'"),
        Dependency("whisperx", "==3.4.2", "extra:speech"),
        Dependency("requests", "", "project"),
        Dependency("torchvision", "==0.25.0", "project"),
        Dependency("torch", "==2.7.0", "project"),
    )
    asked = asking(project=declared)
    assert asked_for(asked)[0] == Requirement("xformers", "==0.0.30", "requirements.txt")
    assert [each.name for each in asked_for(asked)] == ["xformers", "torchvision"]
    found = reasons(build("2.8.0+cu128"), asked)["packages"]
    assert found.because == "xformers 0.0.30 (requirements.txt) needs torch==2.7.0"
    assert not reasons(build("2.7.0+cu128"), asked)


@pytest.mark.parametrize(("specifier", "where", "meant"), [
    ("^2.1", "poetry", ">=2.1,<3"),
    ("~1.26", "poetry", ">=1.26,<1.27"),
    ("1.26.*", "conda", "==1.26.*"),
    ("=1.26", "conda", "==1.26.*"),
    (">=1.26, <2", "project", ">=1.26,<2"),
    ("*", "pipenv", ""),
    ("@ https://h/vllm-0.22.0+cu129-cp38-abi3-linux_x86_64.whl", "requirements", "==0.22.0+cu129"),
])  # fmt: skip
def test_every_manager_s_versions(specifier: str, where: str, meant: str) -> None:
    asked = asking(project=(Dependency("vllm", specifier, where),))
    assert asked_for(asked) == (Requirement("vllm", meant, where),)


def test_alternatives_are_left_to_the_resolver() -> None:
    assert asked_for(asking(project=(Dependency("vllm", "0.1 || 0.2", "poetry"),))) == ()


def named(candidate: Candidate, asked: Situation, index: str | None = "https://i") -> dict[str, tuple[str, str | None]]:
    return {pin.name: (pin.version, pin.index) for pin in pins(candidate, asked, index)}


PINS = [
    ((), {}, "2.9.1+cu128", {"torchvision": "0.24.1", "torchaudio": "2.9.1"}),
    ((), {}, "2.14.1+cu126", {"torchvision": "0.29.1"}),
    ((), {"torch": "2.8.0"}, "2.9.1+cu128", {}),
    ((), {"torch": "2.8.0", "torchaudio": "2.8.0"}, "2.9.1+cu128", {"torchaudio": "2.9.1"}),
    ((), {"torch": "2.8.0", "xformers": "0.0.32.post2"}, "2.9.1+cu128", {"xformers": "0.0.33.post2"}),
    ((), {"torch": "2.2.0", "torchtext": "0.17.0"}, "2.9.1+cu128", {}),
    ((), {"torch": "2.9.1", "numpy": "2.1.3"}, "2.2.2+cu121", {"numpy": "1.26.4"}),
    ((), {"torch": "2.9.1", "numpy": "1.26.4"}, "2.2.2+cu121", {}),
    ((), {}, "2.2.2+cu121", {"torchvision": "0.17.2", "torchaudio": "2.2.2", "numpy": "1.26.4"}),
    (("whisperx",), {"torch": "2.8.0"}, "2.8.0+cu128",
     {"torchvision": "0.23.0", "torchaudio": "2.8.0", "torchcodec": "0.7.0", "whisperx": "3.8.6"}),
    (("faster-whisper>=1.0",), {"torch": "2.3.1"}, "2.3.1+cu121", {"faster-whisper": "1.2.1"}),
    (("vllm==0.33.0",), {"torch": "2.8.0"}, "2.14.0+cu130",
     {"torchvision": "0.29.0", "torchaudio": "2.11.0", "vllm": "0.33.0"}),
    (("numpy<2",), {}, "2.9.1+cu128", {"torchvision": "0.24.1", "torchaudio": "2.9.1", "numpy": "1.26.4"}),
]  # fmt: skip


@pytest.mark.parametrize(("needs", "here", "version", "expected"), PINS)
def test_pins(needs: tuple[str, ...], here: dict[str, str], version: str, expected: dict[str, str]) -> None:
    candidate = build(version)
    found = named(candidate, asking(*needs, here=here))
    assert found.pop("torch") == (candidate.torch, "https://i")
    assert {name: pinned for name, (pinned, _) in found.items()} == expected


def test_where_pins_come_from() -> None:
    found = named(build("2.8.0+cu128"), asking("whisperx"))
    assert {name for name, (_, index) in found.items() if index} == {"torch", "torchvision", "torchaudio", "torchcodec"}
    # torchaudio ended with 2.11.0: there are no builds of it for a CUDA that came later.
    found = named(build("2.14.0+cu132"), asking(here={"torch": "2.13.0", "torchaudio": "2.11.0"}))
    assert found["torchaudio"] == ("2.11.0", None)


def test_companion_without_wheels_for_the_python() -> None:
    candidate = build("2.5.1+cu124", "3.13")
    assert named(candidate, asking(python="3.13")).keys() == {"torch"}
    assert "torchvision 0.20.1 has no wheels for Python 3.13" in risks(candidate, asking(python="3.13"))
    assert "packages" in reasons(candidate, asking("torchvision", python="3.13"))


def test_nothing_is_said_where_nothing_is_asked() -> None:
    asked = asking(here={"torch": "2.8.0", "requests": "2.0"})
    assert not any(constraint.when(asked) for constraint in (*CONSTRAINTS, left_out))
    for candidate in catalogue.candidates("linux-x86_64")[::50]:
        assert not any(constraint.judge(candidate, asked) for constraint in CONSTRAINTS)
    assert left_out.when(asking())


@pytest.mark.parametrize(("torch", "fits"), [("2.8.0+cu128", True), ("2.7.1+cu128", False)])
def test_what_was_published_with_a_mending_alone_asks_for_what_that_asks_for(torch: str, fits: bool) -> None:
    """There is no xformers 0.0.32: 0.0.32.post1 came with torch 2.8.0, 0.0.31.post1 with 2.7.1."""
    asked = asking("xformers==0.0.32")
    if fits:
        told = risks(build(torch), asked)
        assert "xformers 0.0.32 is not in the tables, which have 0.0.31.post1 and 0.0.32.post1 around it" in told
        return
    found = reasons(build(torch), asked)["packages"]
    assert "not in the tables" in found.because
    assert "Requires-Dist of xformers 0.0.32.post1" in found.source


def _project(name: str, specifier: str = "") -> Dependency:
    return Dependency(name, specifier, where="requirements", file="requirements.txt")


def _pinned(version: str, asked: Situation) -> dict[str, str]:
    return {pin.name: pin.version for pin in pins(build(version), asked, "https://download.pytorch.org/whl/x")}


def test_the_companions_that_a_project_names_move_along() -> None:
    every = asking(project=(_project("torch"), _project("torchvision"), _project("torchaudio")))
    assert _pinned("2.14.1+cu130", every) == {"torch": "2.14.1", "torchvision": "0.29.1", "torchaudio": "2.11.0"}
    none = asking(project=(_project("torch"), _project("numpy", "<3")))
    assert _pinned("2.14.1+cu130", none) == {"torch": "2.14.1"}
    assert set(_pinned("2.14.1+cu130", asking())) == {"torch", "torchvision"}


@pytest.mark.parametrize(
    ("specifier", "torch", "pinned"),
    [
        (">=1.25.0", "2.14.1+cu130", False),  # the newest satisfies it
        ("<3", "2.14.1+cu130", False),
        ("<2", "2.14.1+cu130", True),  # pip would take NumPy 2
        (">=1.20", "2.2.2+cu121", True),  # torch was built for NumPy 1
    ],
)
def test_a_numpy_that_an_installer_takes_by_itself_is_not_pinned(specifier: str, torch: str, pinned: bool) -> None:
    asked = asking(project=(_project("torch"), _project("torchvision"), _project("numpy", specifier)))
    assert ("numpy" in _pinned(torch, asked)) == pinned


def test_cuda_minors_of_two_digits_are_told_apart() -> None:
    asked = asking("bitsandbytes==0.49.0")
    one, ten = (replace(build("2.14.1+cu130"), cuda=cuda) for cuda in ("13.1", "13.10"))
    assert beside.question(asked).verdict(one) is not beside.question(asked).verdict(ten)
