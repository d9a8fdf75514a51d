"""Questions of ``why-not``: what is understood, what is answered, and that what would make it fit does."""

from __future__ import annotations

import pytest
from tests.choose.situations import made

from torchsmith.choose import decide, questions, relax, why_not
from torchsmith.choose.python_range import python_range
from torchsmith.choose.situation import Situation
from torchsmith.model.choice import Answer
from torchsmith.model.facts.system import Room
from torchsmith.model.record import replace

RTX_5070_TI = made("RTX 5070 Ti", os="windows", driver="581.57", python="3.13")
GTX_1080_TI = made("GTX 1080 Ti", driver="535.183.01")
OLD_RTX_3090 = made("RTX 3090", driver="470.256.02", glibc="2.31", python="3.10")
MAC = made(os="macos", arch="aarch64", driver=None)
BARE = made(driver=None)


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("cu124", ["cu124"]),
        ("cu12.4", ["cu124"]),
        ("cuda12.4", ["cu124"]),
        ("CUDA 12.4.1", ["cu124"]),
        ("cuda=12.4", ["cu124"]),
        ("cuda 12", ["CUDA 12"]),
        ("cu13", ["CUDA 13"]),
        ("cu92", ["cu92"]),
        ("rocm 6.4", ["rocm6.4"]),
        ("rocm6", ["rocm6"]),
        ("xpu", ["xpu"]),
        ("torch==2.2.0", ["torch==2.2.0"]),
        ("torch 2.2", ["torch==2.2.*"]),
        ("torch>=2.6, <2.9", ["torch>=2.6,<2.9"]),
        ("2.2.0+cu118", ["cu118", "wheel", "torch==2.2.0"]),
        ("torch==2.2.0+cu118", ["cu118", "wheel", "torch==2.2.0"]),
        ("latest", ["torch==2.15.0"]),
        ("python3.14", ["Python 3.14"]),
        ("3.14", ["Python 3.14"]),
        ("py313", ["Python 3.13"]),
        ("cp313t", ["Python 3.13t"]),
        ("python 3.13 free-threaded", ["Python 3.13t"]),
        ("python<3.9", ["Python <3.9"]),
        ("pip install torch", ["the default build"]),
        ("https://download.pytorch.org/whl/cu124", ["cu124"]),
        ("https://mirror.example/pytorch-wheels/cu126/", ["cu126"]),
        ("https://mirror.example/simple", ["the default build"]),
        ("pytorch 2.5.1 with cuda 12.1 and python 3.11", ["torch==2.5.1", "cu121", "Python 3.11"]),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    found = questions.parse(text)
    assert ([term.text for term in found.terms], found.unknown) == (terms, ())


@pytest.mark.parametrize(
    ("text", "approach"),
    [
        ("conda", "conda"),
        ("micromamba", "mamba"),
        ("uv project", "uv-project"),
        ("from source", "source"),
        ("copying DLLs", "dll-copy"),
        ("Docker", "docker"),
        ("conda-forge", "conda"),
        ("pip", "pip"),
        ("pip-tools", "pip-tools"),
    ],
)
def test_approaches(text: str, approach: str) -> None:
    assert questions.parse(text).approaches == (approach,)


def test_another_situation() -> None:
    found = questions.parse("whisperx==3.4.2 numpy<2 driver 470.57 RTX 5070 Ti glibc 2.17")
    assert [str(need) for need in found.needs] == ["whisperx==3.4.2", "numpy<2"]
    assert (found.driver, [device.sm for device in found.gpus], found.glibc) == ("470.57", [120], "2.17")
    asked = found.situation(BARE)
    assert [str(need) for need in asked.wishes.needs] == ["whisperx==3.4.2", "numpy<2"]
    assert (asked.driver.version, asked.machine.libc_version) == ("470.57", "2.17")  # type: ignore[union-attr]
    assert questions.parse("sm_120").gpus[0].sm == questions.parse("compute capability 12.0").gpus[0].sm == 120


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("cu125", ("cu124", "cu126")),
        ("https://mirror.example/whl/cu125", ("cu124", "cu126")),
        ("torch==2.3.2", ("torch 2.3.1", "torch 2.4.0")),
        ("torch>=9", ("torch 2.15.0",)),
        ("condaa", ("conda",)),
        ("RTX 5075", ("GeForce RTX 5070",)),
        ("whisperxx", ("whisperx",)),
    ],
)
def test_what_is_not_known_is_answered_with_the_nearest(text: str, near: tuple[str, ...]) -> None:
    answer = why_not.answer(BARE, text)
    assert answer.verdict == "unknown-candidate"
    assert set(near) <= set(answer.nearest)


@pytest.mark.parametrize(
    "text", ["", " ", "why not", "\x1b[31m", "$(id)", "a" * 100_000, "torch==" + "9" * 5000, "cu" + "1" * 500, "(((" * 500]
)
def test_what_is_no_question(text: str) -> None:
    assert why_not.answer(BARE, text).verdict == "unknown-candidate"


REJECTED: list[tuple[str, Situation, str, list[str], list[str]]] = [
    ("too new for cu124", RTX_5070_TI, "cu124", ["gpu-code"], ["a GPU of compute capability 5.0 to 9.0"]),
    ("a release before the GPU", RTX_5070_TI, "torch==2.6.0", ["gpu-code"], []),
    ("too old, and the driver too", GTX_1080_TI, "cu130", ["gpu-code", "driver"], []),
    ("no build, though a source build would do", GTX_1080_TI, "torch==2.15.0", ["gpu-code", "driver"], []),
    ("only the driver", OLD_RTX_3090, "cu130", ["driver"], ["driver >= 580"]),
    ("the weakest driver of several builds", OLD_RTX_3090, "cuda 12", ["driver"], ["driver >= 525.60.13"]),
    ("a package index whose default needs more", OLD_RTX_3090, "pypi", ["driver"], ["driver >= 580"]),
    ("another Python", made("RTX 4090", python="3.9"), "torch==2.9.1", ["python"], ["python >= 3.10"]),
    ("a Python that came later", made("RTX 4090", python="3.14"), "torch==2.5.1", ["python"], ["python <= 3.13"]),
    ("a Python that was asked for", made("RTX 4090"), "python3.14", ["python"], ["python 3.14"]),
    ("glibc", made("RTX 4090", glibc="2.27"), "torch==2.8.0", ["glibc"], ["glibc >= 2.28"]),
    ("the wrong maker", GTX_1080_TI, "rocm6.4", ["accelerator"], []),
    ("no GPU", BARE, "cu130", ["accelerator"], []),
    ("never for this system", MAC, "cu126", ["published"], []),
    ("never this release for this system", RTX_5070_TI, "2.13.0+cu129", ["published"], []),
    ("never this release for this Python", GTX_1080_TI, "torch==2.2.0 python3.13", ["published"], ["python <= 3.12"]),
    ("plain pip gives the CPU build", RTX_5070_TI, "pypi", ["accelerator"], []),
    ("copied libraries, whatever the build", RTX_5070_TI, "dll-copy", ["copied-libraries"], []),
    ("a package", made("RTX 5070 Ti"), "whisperx==3.4.2", ["cudnn"], ["whisperx >= 3.5.0"]),
    ("a driver that does not know the GPU", RTX_5070_TI, "driver 470", ["driver-knows-gpu", "driver"], ["driver >= 570.65"]),
    ("a GPU that the driver does not know", GTX_1080_TI, "RTX 5070", ["driver-knows-gpu"], ["driver >= 570.26"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("situation", "text", "constraints", "fits"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED]
)
def test_rejected(situation: Situation, text: str, constraints: list[str], fits: list[str]) -> None:
    answer = why_not.answer(situation, text)
    assert (answer.verdict, [reason.constraint for reason in answer.reasons][: len(constraints)]) == ("rejected", constraints), (
        answer
    )
    assert all(reason.because and reason.source for reason in answer.reasons)
    for condition in fits:
        assert any(part.startswith(condition) for change in answer.would_fit_if for part in change.split(" and ")), answer


@pytest.mark.parametrize(
    ("situation", "text"),
    [
        (RTX_5070_TI, "cu130"),
        (RTX_5070_TI, "conda"),
        (RTX_5070_TI, "docker"),
        (RTX_5070_TI, "cpu"),  # as the last of the options
        (RTX_5070_TI, "2.7.1+cu128"),
        (RTX_5070_TI, "RTX 4090"),
        (GTX_1080_TI, "cu118"),
        (GTX_1080_TI, "torch==2.2.0"),
        (GTX_1080_TI, "source torch==2.15.0"),
        (GTX_1080_TI, "numpy<2"),
        (made("RTX 4090"), "uv python3.14"),
        (MAC, "pypi"),
        (MAC, "mps"),
        (BARE, "cpu"),
        (BARE, "latest"),
    ],
)
def test_offered(situation: Situation, text: str) -> None:
    answer = why_not.answer(situation, text)
    assert (answer.verdict, answer.reasons, answer.would_fit_if) == ("offered", (), ())
    question = questions.parse(text)
    listed = {option.rank: option for option in decide.decide(question.situation(situation)).options}
    for rank in answer.options:
        option = listed[rank]
        assert question.hypothetical or (question.matches(option.candidate) and question.asks_for(option.approach))


CHANGES = [row for row in REJECTED if not questions.parse(row[2]).hypothetical and row[3] != ["published"]]


@pytest.mark.parametrize(("situation", "text"), [row[1:3] for row in CHANGES], ids=[row[0] for row in CHANGES])
def test_what_would_fit_does(situation: Situation, text: str) -> None:
    """Each change that can be made here is made, and then the candidate is offered; no part of it is needless."""
    answer = why_not.answer(situation, text)
    for change in answer.would_fit_if:
        conditions = change.split(" and ")
        changed = after(situation, conditions)
        if changed is None:
            continue
        assert why_not.answer(changed, text).verdict == "offered", change
        for left_out in conditions if len(conditions) > 1 else ():
            less = after(situation, [condition for condition in conditions if condition != left_out])
            assert less is None or why_not.answer(less, text).verdict == "rejected", (change, left_out)


def after(situation: Situation, conditions: list[str]) -> Situation | None:
    """The situation with the conditions made true; None where a test cannot."""
    candidate = decide.judged(situation).rows[0].candidate
    for condition in conditions:
        words = condition.split()
        if words[:1] == ["python"]:
            python = next(word.strip(",") for word in words[1:] if word[0].isdigit())
            candidate = replace(candidate, python=python)
        elif "capability" in words:
            candidate = replace(candidate, sass=(int(words[-1].replace(".", "")),))
        elif words[0] not in {"driver", "glibc"}:
            return None
        situation = relax.apply([condition], candidate, situation)
    return situation


def test_a_range_of_pythons_begins_with_the_nearer_bound() -> None:
    assert python_range(["3.10", "3.11", "3.12"], "3.14") == "python <= 3.12, >= 3.10"
    assert python_range(["3.10", "3.11", "3.12"], "3.8") == "python >= 3.10, <= 3.12"
    assert python_range(["3.13", "3.13t"], "3.14t") == "python 3.13, not free-threaded"
    assert python_range(["3.9", "3.12"], "3.14") == "python 3.9 or 3.12"


def test_an_answer_says_which_build_it_speaks_of() -> None:
    answer: Answer = why_not.answer(RTX_5070_TI, "torch==2.6.0")
    assert any("nearest to it, torch 2.6.0+cu126" in remark for remark in answer.remarks)
    assert any("what serves it: torch >= 2.7" in remark for remark in answer.remarks)
    source = why_not.answer(GTX_1080_TI, "torch==2.15.0")
    assert any("source build of torch 2.15.0 would fit" in remark for remark in source.remarks)


def test_a_package_is_held_against_what_would_be_offered_without_it() -> None:
    asked = made("RTX 4090", driver="550.120")
    without = decide.decide(asked).options[0].candidate
    answer = why_not.answer(asked, "whisperx==3.4.2")
    assert [reason.constraint for reason in answer.reasons] == ["cudnn"]
    assert f"torch {without.torch} brings cuDNN 9" in answer.reasons[0].because
    assert any(f"torch {without.version} for Python 3.12" in remark for remark in answer.remarks)


def test_another_reason_is_told_to_its_end() -> None:
    answer = why_not.answer(made("RTX 4090"), "whisperx==3.4.2 torch==2.3.1")
    assert answer.verdict == "rejected"
    said = why_not.answer(made("Tesla T4", driver="470.57"), "ctranslate2==4.4.0").remarks
    assert not any(remark.endswith("needs ctranslate2<4.5.0") for remark in (*answer.remarks, *said))


def test_what_another_approach_brings_has_its_rank() -> None:
    asked = made("RTX 4090", glibc="2.27")
    answer = why_not.answer(asked, "cu128")
    assert (answer.verdict, [reason.constraint for reason in answer.reasons]) == ("rejected", ["glibc"])
    listed = {option.rank: option for option in decide.decide(asked).options}
    assert {listed[rank].approach.name for rank in answer.options} == {"docker"}
    assert {listed[rank].candidate.build for rank in answer.options} == {"cu128"}


def test_what_only_the_retired_channel_had() -> None:
    answer = why_not.answer(made("RTX 4090"), "torch==2.5.1 cu124 conda")
    assert [reason.constraint for reason in answer.reasons] == ["published"]
    assert "PyTorch's own conda channel ended" in answer.reasons[0].because
    older = why_not.answer(made("RTX 4090"), "torch==2.4.0 cu118 conda")
    assert not any(condition.startswith("torch >= 2.0.0, <= 2.4.1") for condition in older.would_fit_if)


def test_of_several_amounts_of_room_the_least_is_told() -> None:
    asked = made("RTX 4090", room=Room("/env", 10**9, "/tmp/x", 10**9))
    answer = why_not.answer(asked, "cu130")
    assert len([condition for condition in answer.would_fit_if if condition.startswith("free ")]) == 1


def test_an_approach_that_this_system_does_not_have_says_so_itself() -> None:
    answer = why_not.answer(made("RTX 4090", os="windows", driver="581.57"), "flox")
    assert [reason.constraint for reason in answer.reasons] == ["runs-here"]
    assert answer.would_fit_if == ("WSL 2",)
