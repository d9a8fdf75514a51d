"""`plan --upgrade` and `--outdated`: the nearest and the newest that fits, what each gains and breaks, and why not further."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from tests.patient import Patient, gpu

from torchsmith.app import asked, why_not
from torchsmith.app.upgrade import upgrade
from torchsmith.host.local import LocalHost
from torchsmith.knowledge import torch_releases
from torchsmith.model import pep440
from torchsmith.model.choice import Wishes
from torchsmith.model.facts.gpu import Driver, Gpus
from torchsmith.model.facts.python import Target, Variables
from torchsmith.model.known import Known
from torchsmith.model.upgrade import Upgrade
from torchsmith.report import upgrade_json, upgrade_text

NEWEST = "2.15.0"
SCHEMAS = Path(upgrade_json.__file__).with_name("schema")


def told(*assumptions: str) -> Upgrade:
    host, assumed = asked.evidence(LocalHost(), None, None, assumptions)
    return upgrade(host, assumed, Wishes())


def targets(answer: Upgrade) -> list[str]:
    return [step.candidate.version for step in answer.steps]


CASES = {
    "the label goes on, then ends": (
        ("gpu=GTX 1080 Ti", "driver=560.35", "os=linux", "python=3.11", "torch=2.8.0+cu126"),
        ["2.9.0+cu126", "2.14.1+cu126"],
    ),
    "one step is both": (
        ("gpu=RTX 4090", "driver=595.58", "os=linux", "python=3.12", "torch=2.14.1+cu130"),
        ["2.15.0+cu132"],
    ),
    "CUDA 11 ends with its last release": (
        ("gpu=GTX 1080 Ti", "driver=470.57", "os=linux", "python=3.11", "torch=2.3.1+cu118"),
        ["2.4.0+cu118", "2.7.1+cu118"],
    ),
    "the Python holds it": (
        ("gpu=RTX 3090", "driver=580.65", "os=linux", "python=3.8", "torch=2.3.1+cu121"),
        ["2.4.0+cu121", "2.4.1+cu121"],
    ),
    "a CPU build stays one": (("gpu=none", "os=linux", "python=3.12", "torch=2.13.0+cpu"), ["2.14.0+cpu", "2.14.1+cpu"]),
}


@pytest.mark.parametrize("name", CASES)
def test_nearest_and_newest(name: str) -> None:
    assumptions, wanted = CASES[name]
    answer = told(*assumptions)
    assert targets(answer) == wanted
    assert answer.status == "upgradable"
    assert all(step.option and step.option.commands for step in answer.steps)
    assert answer.outdated[0].package == "torch"


def test_a_cpu_build_beside_a_gpu_is_upgraded_to_one_that_uses_it() -> None:
    answer = told("gpu=RTX 4090", "driver=580.65", "os=linux", "python=3.12", "torch=2.8.0+cpu")
    assert {step.candidate.kind for step in answer.steps} == {"cuda"}
    assert any("uses the GPU" in gain for step in answer.steps for gain in step.gains)


def test_nothing_newer_is_offered_that_a_constraint_rejects() -> None:
    answer = told("gpu=GTX 1080 Ti", "driver=560.35", "os=linux", "python=3.11", "torch=2.8.0+cu126")
    (ceiling,) = answer.ceilings
    assert ceiling.torch == NEWEST
    assert {"gpu-code", "driver"} <= {reason.constraint for reason in ceiling.reasons}
    assert "2.14.1" in answer.ends
    assert "cu132" in answer.ends


def test_no_torch() -> None:
    answer = told("gpu=RTX 4090", "driver=580.65", "os=linux", "python=3.12")
    assert (answer.status, answer.steps, answer.outdated) == ("not-installed", (), ())
    for short in (False, True):
        said = upgrade_text.render(answer, short=short)
        assert "No torch is installed" in said
        assert NEWEST in said


def test_the_newest() -> None:
    answer = told("gpu=RTX 5070 Ti", "driver=595.58", "os=linux", "python=3.13", "torch=2.15.0+cu132")
    assert (answer.status, answer.steps) == ("newest", ())
    assert "nothing is out of date" in upgrade_text.render(answer, short=True)
    assert "nothing to upgrade" in upgrade_text.render(answer)


def test_held_by_the_machine_says_by_what() -> None:
    answer = told("gpu=GTX 1080 Ti", "driver=470.57", "os=linux", "python=3.11", "torch=2.7.1+cu118")
    assert (answer.status, answer.steps) == ("held", ())
    said = upgrade_text.render(answer, short=True)
    assert "Nothing newer than torch 2.7.1+cu118 fits" in said
    assert "driver" in said


def test_gains_are_told_from_the_tables() -> None:
    answer = told("gpu=RTX 5070 Ti", "driver=581.57", "os=linux", "python=3.12", "torch=2.6.0+cu124")
    gains = " | ".join(gain for step in answer.steps for gain in step.gains)
    assert "machine code for the GeForce RTX 5070 Ti (12.0)" in gains
    assert "in place of 12.4" in gains
    released = torch_releases.get(answer.steps[0].candidate.torch)
    assert released
    assert released.released in gains


def test_no_step_goes_back_behind_the_installed_cuda() -> None:
    answer = told("gpu=RTX 4090", "driver=550.120", "os=linux", "python=3.10", "torch=2.6.0+cu124")
    assert targets(answer) == ["2.7.0+cu126", "2.14.1+cu126"]
    gains = [gain for step in answer.steps for gain in step.gains]
    assert "CUDA 12.6 in place of 12.4" in gains
    assert not any("CUDA 11" in gain for gain in gains)


def test_an_older_cuda_is_no_gain() -> None:
    """Where the GPU leaves nothing else: torch 2.8 has no Maxwell beside CUDA 12.8, only beside 12.6."""
    answer = told("gpu=GTX 970", "driver=580.65", "os=linux", "python=3.11", "torch=2.7.0+cu128")
    step = answer.steps[0]
    assert step.candidate.build == "cu126"
    assert "CUDA 12.6 in place of 12.8, which is newer" in step.breaks
    assert not any("in place of 12.8" in gain for gain in step.gains)


def test_the_commands_are_for_the_shell_that_is_there() -> None:
    values = {"variables": Known(Variables({"SHELL": "/usr/bin/fish"}), "assumed by the test")}
    host, assumed = asked.evidence(LocalHost(), None, None, ("gpu=RTX 4090", "driver=580.65", "os=linux", "python=3.12"))
    assert upgrade(host, {**assumed, **values}, Wishes()).shell == "fish"
    assert why_not.answer(host, {**assumed, **values}, Wishes(), "cu130").shell == "fish"


# ---- what stands beside torch


def beside(folder: Path, packages: dict[str, str]) -> Upgrade:
    """An environment with torch 2.8.0+cu128 and packages that ask for some torch, on a machine where everything goes."""
    patient = Patient(folder, gpus=(gpu(89, name="NVIDIA GeForce RTX 4090"),), driver=Driver("595.58", "595.58", "13.2", True))
    patient.torch("2.8.0+cu128")
    for name, asks in packages.items():
        distribution, _, version = name.partition("==")
        patient.record(distribution, version, requires=f"Requires-Dist: {asks}" if asks else "")
    environ = {"HOME": str(folder / "home")}
    values = {
        "machine": patient.machine,
        "gpus": Gpus(patient.gpus, "NVML"),
        "driver": patient.driver,
        "target": Target(str(patient.prefix / "bin/python"), "--python"),
        "interpreter": patient.interpreter(environ),
        "nvidia_libraries": None,
    }
    host = LocalHost(root=str(folder / "system"), environ=environ, cwd=str(folder))
    return upgrade(host, {name: Known(value, "assumed by the test") for name, value in values.items()}, Wishes())


def test_what_moves_and_what_breaks(tmp_path: Path) -> None:
    packages = {
        "torchvision==0.23.0": "torch==2.8.0",
        "torchaudio==2.8.0": "torch==2.8.0",
        "whisperx==3.7.4": "torch~=2.8.0",
        "mine==1.0": "torch<2.12,>=2.0",
        "free==1.0": "torch",
        "extra==1.0": 'torch==1.0; extra == "old"',
        "flash-attn==2.8.3": "torch",
        "ctranslate2==4.5.0": "",
    }
    answer = beside(tmp_path, packages)
    near, far = answer.steps
    assert pep440.key(near.candidate.torch) < pep440.key(far.candidate.torch) == pep440.key(NEWEST)
    assert {move.package: move.after for move in far.moves} == {"torchvision": "0.29.2", "torchaudio": "2.11.0"}
    said = " | ".join(far.breaks)
    assert "whisperx 3.7.4 asks for torch~=2.8.0" in said
    assert "mine 1.0 asks for torch" in said
    assert "flash-attn 2.8.3 is compiled" in said
    assert "ctranslate2 4.5.0 needs libraries of CUDA 12" in said
    assert "extra" not in said
    assert "free" not in said
    assert "mine" not in " | ".join(near.breaks)


# ---- reports


def test_the_documents() -> None:
    answer = told("gpu=GTX 1080 Ti", "driver=560.35", "os=linux", "python=3.11", "torch=2.8.0+cu126")
    whole, short = (json.loads(upgrade_json.render(answer, short=brief)) for brief in (False, True))
    schema = json.loads((SCHEMAS / "upgrade-1.schema.json").read_text())
    for document in (whole, short, json.loads(upgrade_json.render(told("gpu=none", "os=linux", "python=3.12")))):
        jsonschema.validate(document, schema)
    assert whole["schema_version"] == short["schema_version"] == 1
    assert (whole["status"], whole["torch"], whole["build"]) == ("upgradable", "2.8.0+cu126", "cu126")
    assert [step["reach"] for step in whole["steps"]] == ["nearest", "newest"]
    assert whole["ceilings"][0]["reasons"][0].keys() == {"constraint", "because", "source", "unless"}
    assert "steps" not in short
    assert short["outdated"] == whole["outdated"]


def test_text_from_outside_commands_nothing(tmp_path: Path) -> None:
    answer = beside(tmp_path, {"evil==1.0": "torch<2.9,>1\x1b[31m"})
    assert any("evil" in said for step in answer.steps for said in step.breaks)
    assert "\x1b" not in upgrade_text.render(answer) + upgrade_json.render(answer)


def test_the_text_fits_its_width() -> None:
    answer = told("gpu=GTX 1080 Ti", "driver=560.35", "os=linux", "python=3.11", "torch=2.8.0+cu126")
    lines = upgrade_text.render(answer, 72).splitlines()
    assert all(len(line) <= 72 for line in lines if not line.startswith("    ") or line.startswith("    -"))
