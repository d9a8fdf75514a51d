"""CPU builds beside GPUs, and what put them there; near misses in which nobody is to blame."""

from pathlib import Path

import pytest
from tests.patient import ARM, RTX3060, WINDOWS, Patient, roots, symptoms

from torchsmith.model.facts.gpu import Driver
from torchsmith.model.facts.install import LockedTorch
from torchsmith.model.finding import Severity

FAMILY = (
    "cpu-only-build",
    "wrong-index-for-platform",
    "nonexistent-index",
    "dependency-replaced-torch",
    "conda-solver-picked-cpu",
    "torchvision-mismatch",
    "driver-too-old-for-cuda",
    "torch-not-installed",
)
WHL = "https://download.pytorch.org/whl"


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_nothing_says_who_chose_the_cpu_build(patient: Patient) -> None:
    patient.torch("2.8.0+cpu")
    found = patient.check(*FAMILY)
    assert roots(found) == ["cpu-only-build"]
    assert "whl/cu" in str(found.root_causes[0].remedies[0].commands)


def test_a_cpu_build_without_a_gpu_fits(patient: Patient) -> None:
    patient.torch("2.8.0+cpu")
    patient.gpus, patient.driver = (), None
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"{WHL}/cpu"}
    assert patient.check(*FAMILY).verdict == "fits"


# ---- wrong-index-for-platform


@pytest.mark.parametrize("name", ["PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "PIP_FIND_LINKS"])
@pytest.mark.parametrize(
    "url", [f"{WHL}/cpu", f"{WHL}/cpu/", "https://mirror.sjtu.edu.cn/pytorch-wheels/cpu", f"{WHL}/nightly/cpu"]
)
def test_a_variable_names_the_cpu_index(patient: Patient, name: str, url: str) -> None:
    patient.torch("2.8.0+cpu")
    patient.environ = {name: url}
    found = patient.check(*FAMILY)
    assert roots(found) == ["wrong-index-for-platform"]
    assert symptoms(found) == ["cpu-only-build"]
    assert found.root_causes[0].remedies[0].commands == (("unset", name),)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("home/.config/pip/pip.conf", f"[global]\nextra-index-url =\n    https://index.example/simple\n    {WHL}/cpu\n"),
        ("env/pip.conf", f"[install]\nindex-url={WHL}/cpu\n"),
        ("home/.config/uv/uv.toml", f'[[index]]\nname = "pytorch"\nurl = "{WHL}/cpu"\n'),
        (
            "work/pyproject.toml",
            f'[project]\nname = "x"\n[[tool.uv.index]]\nname = "pytorch-cpu"\nurl = "{WHL}/cpu"\nexplicit = true\n',
        ),
        ("work/pyproject.toml", f'[tool.poetry]\n[[tool.poetry.source]]\nname = "torch"\nurl = "{WHL}/cpu"\n'),
        ("work/requirements.txt", f"--extra-index-url {WHL}/cpu\ntorch==2.8.0\n"),
    ],
)
def test_a_file_names_the_cpu_index(patient: Patient, path: str, text: str) -> None:
    patient.torch("2.8.0+cpu")
    patient.write(patient.root / path, text)
    found = patient.check(*FAMILY)
    assert roots(found) == ["wrong-index-for-platform"]
    assert str(patient.root / path) in str(found.root_causes[0].evidence)


def test_credentials_are_never_shown(patient: Patient) -> None:
    patient.torch("2.8.0+cpu")
    patient.environ = {"PIP_INDEX_URL": "https://me:secret@mirror.example/pytorch-wheels/cpu"}
    assert "secret" not in str(patient.check(*FAMILY))


def test_the_lock_takes_it_from_the_cpu_index(patient: Patient) -> None:
    patient.torch("2.8.0+cpu")
    found = patient.check(*FAMILY, locked_torch=LockedTorch("uv.lock", "2.8.0+cpu", f"{WHL}/cpu"))
    assert roots(found) == ["wrong-index-for-platform"]


@pytest.mark.parametrize("machine", [WINDOWS, ARM])
def test_pypi_has_no_cuda_for_this_system(patient: Patient, machine: object) -> None:
    patient.torch("2.6.0+cpu", "2.6.0")
    assert roots(patient.check(*FAMILY, machine=machine)) == ["wrong-index-for-platform"]


@pytest.mark.parametrize("name", ["PIP_EXTRA_INDEX_URL", "UV_INDEX"])
def test_a_cuda_index_or_none_of_pytorchs_is_no_evidence(patient: Patient, name: str) -> None:
    patient.torch("2.8.0+cpu")
    for url in (
        f"{WHL}/cu128",
        "https://index.example/simple",
        "https://pypi.example/whl/cpuinfo",
        "https://example.org/whl/cpu-tools/",
    ):
        patient.environ = {name: url}
        assert roots(patient.check(*FAMILY)) == ["cpu-only-build"]


def test_a_cpu_index_beside_a_cuda_build_is_a_note(patient: Patient) -> None:
    patient.torch()
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"{WHL}/cpu"}
    found = patient.check(*FAMILY)
    assert [(f.cause, f.severity) for f in found.root_causes] == [("wrong-index-for-platform", Severity.NOTE)]
    assert found.verdict == "fits"


def test_the_default_index_took_the_place_of_the_configured_one(patient: Patient) -> None:
    patient.torch("2.14.1+cu130", "2.14.1")
    patient.driver = Driver("550.54.14", "550.54.14", "12.4", True)
    patient.write(patient.cwd / "requirements.txt", f"--extra-index-url {WHL}/cu126\ntorch\n")
    found = patient.check(*FAMILY)
    assert roots(found) == ["wrong-index-for-platform"]
    assert symptoms(found) == ["driver-too-old-for-cuda"]


# ---- nonexistent-index


@pytest.mark.parametrize("label", ["cu131", "cu114", "cu120", "cu122", "cu127"])
def test_an_index_that_never_was(patient: Patient, label: str) -> None:
    patient.torch("2.8.0+cpu", "2.8.0")
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"{WHL}/{label}"}
    found = patient.check(*FAMILY)
    assert roots(found) == ["nonexistent-index"]
    assert "cpu-only-build" in symptoms(found)


@pytest.mark.parametrize("path", ["whl/cu128", "whl/nightly/cu131", "whl/cu128/torch/", "whl/torch_stable.html", "simple/cu131x"])
def test_indexes_that_exist_or_that_nobody_can_tell(patient: Patient, path: str) -> None:
    patient.torch("2.8.0+cpu")
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"https://download.pytorch.org/{path}"}
    assert roots(patient.check(*FAMILY)) == ["cpu-only-build"]


def test_a_label_newer_than_the_table_is_a_guess(patient: Patient) -> None:
    patient.torch("2.8.0+cpu")
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"{WHL}/cu199"}
    (finding,) = patient.check("nonexistent-index").root_causes
    assert finding.severity is Severity.NOTE
    assert finding.decide_by


# ---- dependency-replaced-torch


def _pin(patient: Patient, requirement: str) -> None:
    patient.record("vllm", "0.10.1", requires=f"Requires-Dist: {requirement}")


@pytest.mark.parametrize("requirement", ["torch==2.7.1", "torch (==2.7.1)", 'torch==2.7.1; platform_system == "Linux"'])
def test_a_pin_replaced_torch(patient: Patient, requirement: str) -> None:
    patient.torch("2.7.1+cpu", "2.7.1", requested=False)
    patient.companion("torchvision", "0.23.0+cu128")
    _pin(patient, requirement)
    found = patient.check(*FAMILY)
    assert roots(found) == ["dependency-replaced-torch"]
    assert {"cpu-only-build", "torchvision-mismatch"} <= set(symptoms(found))


@pytest.mark.parametrize(
    ("requested", "requirement"),
    [(True, "torch==2.7.1"), (False, "torch>=2.0"), (False, "torch==2.6.0"), (False, "torch==2.7.1 ; extra == 'gpu'")],
)
def test_nobody_replaced_it(patient: Patient, requested: bool, requirement: str) -> None:
    patient.torch("2.7.1+cpu", requested=requested)
    _pin(patient, requirement)
    assert roots(patient.check(*FAMILY)) == ["cpu-only-build"]


# ---- conda-solver-picked-cpu


@pytest.mark.parametrize("build", ["py3.8_cpu_0", "cpu_generic_py312h0a1b2c3_100", "cpu_py312h57ae3a1_0"])
def test_the_solver_chose_cpu(patient: Patient, build: str) -> None:
    patient.kind = "conda"
    patient.write(patient.prefix / f"conda-meta/pytorch-2.5.1-{build}.json", "{}")
    patient.torch("2.5.1", installer="conda")
    found = patient.check(*FAMILY)
    assert roots(found) == ["conda-solver-picked-cpu"]
    assert found.root_causes[0].remedies[0].commands[0][:4] == ("conda", "install", "-p", str(patient.prefix))


def test_a_cuda_variant_of_conda(patient: Patient) -> None:
    patient.kind = "conda"
    patient.write(patient.prefix / "conda-meta/pytorch-2.5.1-cuda126_mkl_py312h30b5a27_300.json", "{}")
    patient.torch("2.5.1+cu126", "2.5.1", installer="conda")
    patient.gpus = (RTX3060,)
    assert roots(patient.check(*FAMILY)) == []


def test_a_note_about_an_index_explains_no_blocker(patient: Patient) -> None:
    patient.torch("2.14.1+cu130")
    patient.driver = Driver("535.183.01", "535.183.01", "12.2", True)
    patient.environ = {"PIP_EXTRA_INDEX_URL": f"{WHL}/cpu"}
    assert roots(patient.check(*FAMILY)) == ["driver-too-old-for-cuda", "wrong-index-for-platform"]
