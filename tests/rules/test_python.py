"""Which Python, which torch: environments on disk in which the one imported is not the one meant, and near misses."""

import shutil
from pathlib import Path

import pytest
from tests.patient import LINUX, Patient, roots, symptoms

from torchsmith.model.diagnosis import Diagnosis
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.install import PathProgram, PathPrograms
from torchsmith.model.facts.python import Target
from torchsmith.model.finding import Severity
from torchsmith.model.known import Unknown
from torchsmith.probes.torch_install import PARTS

FAMILY = (
    "python-unusable",
    "torch-shadowed",
    "user-site-shadowing",
    "duplicate-torch-conda-pip",
    "torch-install-incomplete",
    "torch-not-installed",
    "wrong-python-environment",
    "cpu-only-build",
    "wrong-index-for-platform",
)


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(tmp_path)


def test_a_healthy_environment_is_silent(patient: Patient) -> None:
    patient.torch()
    assert roots(patient.check(*FAMILY)) == []


# ---- torch-shadowed


@pytest.mark.parametrize(
    ("files", "environ"),
    [
        (["work/torch.py"], {}),
        (["work/torch/__init__.py"], {}),
        (["work/torch/__init__.py", "work/torch/version.py"], {}),
        (["stray/torch.py"], {"PYTHONPATH": "{root}/stray"}),
    ],
)
def test_something_named_torch_comes_first(patient: Patient, files: list[str], environ: dict[str, str]) -> None:
    patient.torch("2.8.0+cpu")
    for name in files:
        patient.write(patient.root / name, "__version__ = '2.9.0a0'\n" if name.endswith("version.py") else "")
    patient.environ = {key: value.format(root=patient.root) for key, value in environ.items()}
    found = patient.check(*FAMILY)
    assert roots(found) == ["torch-shadowed"]
    assert "cpu-only-build" in symptoms(found)


def test_a_checkout_without_any_torch_installed(patient: Patient) -> None:
    patient.write(patient.cwd / "torch/__init__.py")
    assert roots(patient.check(*FAMILY))[0] == "torch-shadowed"


@pytest.mark.parametrize("name", ["work/torch/notes.txt", "work/torchvision.py", "work/torch_utils.py", "work/torch.txt"])
def test_what_does_not_shadow(patient: Patient, name: str) -> None:
    patient.torch()
    patient.write(patient.root / name)
    assert roots(patient.check(*FAMILY)) == []


def test_a_built_checkout_is_a_torch(patient: Patient) -> None:
    patient.torch(site=patient.cwd)
    assert "torch-shadowed" not in roots(patient.check(*FAMILY))


# ---- user-site-shadowing


def test_the_user_site_wins(patient: Patient) -> None:
    patient.user = True
    patient.torch("2.5.1+cpu", site=patient.user_site)
    patient.torch("2.8.0+cu128")
    found = patient.check(*FAMILY)
    assert roots(found) == ["user-site-shadowing"]
    assert found.root_causes[0].severity is Severity.BLOCKER
    assert "cpu-only-build" in symptoms(found)


def test_the_same_release_as_another_build(patient: Patient) -> None:
    patient.environ = {"PYTHONPATH": str(patient.root / "old")}
    patient.torch("2.8.0+cpu", site=patient.root / "old")
    patient.torch("2.8.0+cu128")
    found = patient.check(*FAMILY)
    assert roots(found) == ["user-site-shadowing"]
    assert found.root_causes[0].remedies[0].commands == (("unset", "PYTHONPATH"),)


def test_an_old_numpy_wins(patient: Patient) -> None:
    patient.user = True
    patient.torch()
    patient.record("numpy", "1.26.4", site=patient.user_site)
    patient.record("numpy", "2.1.0")
    assert [f.subject for f in patient.check("user-site-shadowing").root_causes] == ["package:numpy"]


def test_a_user_site_that_is_switched_off_or_equal(patient: Patient) -> None:
    patient.torch("2.5.1+cpu", site=patient.user_site)
    patient.torch()
    assert roots(patient.check(*FAMILY)) == []
    patient.user = True
    patient.record("numpy", "2.1.0", site=patient.user_site)
    patient.record("numpy", "2.1.0")
    assert "package:numpy" not in [f.subject for f in patient.check(*FAMILY).root_causes]


# ---- duplicate-torch-conda-pip


def _conda(patient: Patient, build: str, version: str = "2.5.1") -> None:
    patient.kind = "conda"
    patient.write(patient.prefix / f"conda-meta/pytorch-{version}-{build}.json", "{}")


def test_pip_over_conda(patient: Patient) -> None:
    _conda(patient, "py3.12_cuda12.4_cudnn9.1.0_0")
    patient.torch("2.8.0+cpu")
    found = patient.check(*FAMILY, "conda-solver-picked-cpu")
    assert roots(found) == ["duplicate-torch-conda-pip"]
    assert found.root_causes[0].severity is Severity.BLOCKER
    commands = [command for remedy in found.root_causes[0].remedies for command in remedy.commands]
    assert ("conda", "remove", "-p", str(patient.prefix), "--force", "pytorch") in commands


def test_condas_own_record_is_no_second_torch(patient: Patient) -> None:
    _conda(patient, "cuda126_mkl_py312h30b5a27_300")
    patient.torch("2.5.1", installer="conda")
    assert roots(patient.check("duplicate-torch-conda-pip", "torch-install-incomplete")) == []


# ---- torch-install-incomplete


def test_remains_of_a_removal(patient: Patient) -> None:
    patient.write("~orch/version.py", "__version__ = '2.8.0'")
    patient.write("~orch-2.8.0.dist-info/METADATA", "Name: torch\n")
    found = patient.check(*FAMILY)
    assert roots(found) == ["torch-install-incomplete"]
    assert "torch-not-installed" in symptoms(found)


def test_a_record_without_the_package(patient: Patient) -> None:
    patient.record("torch", "2.8.0")
    assert roots(patient.check(*FAMILY)) == ["torch-install-incomplete"]


def test_the_compiled_core_is_gone(patient: Patient) -> None:
    patient.torch()
    next(patient.site.glob("torch/_C.*")).unlink()
    assert roots(patient.check(*FAMILY)) == ["torch-install-incomplete"]


@pytest.mark.parametrize(("library", "there"), [("libtorch_cuda.so", False), ("libc10.so", True)])
def test_a_native_library_is_missing_or_cut_off(patient: Patient, library: str, there: bool) -> None:
    patient.torch()
    patient.write("torch-2.8.0+cu128.dist-info/RECORD", f"torch/functional.py,sha256=x,10\ntorch/lib/{library},sha256=y,4096\n")
    if there:
        patient.write(f"torch/lib/{library}", "\x7fELF and then nothing")
    found = patient.check(*FAMILY)
    assert roots(found) == ["torch-install-incomplete"]
    assert library in str(found.root_causes[0].evidence)


@pytest.mark.parametrize("library", ["cudnn64_9.dll", "libcublas.so.12", "libtorch_cuda_linalg.so"])
def test_files_that_other_rules_judge_or_torch_starts_without(patient: Patient, library: str) -> None:
    patient.torch()
    patient.write("torch-2.8.0+cu128.dist-info/RECORD", f"torch/lib/{library},sha256=y,4096\n")
    assert roots(patient.check(*FAMILY)) == []


def test_a_healthy_torch_beside_remains_is_a_note(patient: Patient) -> None:
    patient.torch()
    patient.write("~orch-2.7.0.dist-info/METADATA", "Name: torch\n")
    patient.write("~umpy/version.py")
    found = patient.check(*FAMILY)
    assert [(f.cause, f.severity) for f in found.root_causes] == [("torch-install-incomplete", Severity.NOTE)]


@pytest.mark.parametrize(("without", "severity"), [("utils", Severity.BLOCKER), (None, Severity.NOTE)])
def test_a_torch_without_its_record(patient: Patient, without: str | None, severity: Severity) -> None:
    patient.torch()
    shutil.rmtree(patient.site / "torch-2.8.0+cu128.dist-info")
    for part in PARTS:
        if part != without:
            patient.write(f"torch/{part}" if part.endswith(".py") else f"torch/{part}/__init__.py")
    [root] = patient.check(*FAMILY).root_causes
    assert (root.cause, root.severity) == ("torch-install-incomplete", severity)
    if without:
        assert any(word.startswith("torch==2.8.0+cu") for word in root.remedies[-1].commands[0])


def test_remains_of_another_package_say_nothing(patient: Patient) -> None:
    patient.torch()
    for name in ("~orchvision", "~umpy-2.0.0.dist-info", "~ip"):
        patient.write(f"{name}/METADATA")
    assert roots(patient.check(*FAMILY)) == []


def test_two_records_of_torch(patient: Patient) -> None:
    patient.torch("2.8.0+cu128", "2.8.0")
    patient.record("torch", "2.6.0")
    assert [(f.cause, f.severity) for f in patient.check(*FAMILY).root_causes] == [
        ("torch-install-incomplete", Severity.DEGRADED)
    ]


# ---- python-unusable


def _unusable(patient: Patient, reason: str) -> Diagnosis:
    return patient.check(*FAMILY, interpreter=Unknown(reason, ("python describe",)))


@pytest.mark.parametrize(
    ("reason", "confidence"),
    [
        ("cannot be started: No such file or directory", 0.95),
        ("ended with exit status 2 without an answer: ls: invalid option", 0.95),
        ("ended with signal 11 without an answer", 0.95),
        ("slow: no answer in 2 s; try --wait 30", 0.6),
    ],
)
def test_an_interpreter_that_does_not_work(patient: Patient, reason: str, confidence: float) -> None:
    found = _unusable(patient, reason)
    assert found.verdict == "blocked"
    assert [(f.cause, f.confidence) for f in found.root_causes] == [("python-unusable", confidence)]


def test_an_interpreter_that_nobody_asked(patient: Patient) -> None:
    assert roots(_unusable(patient, "not in this bundle")) == []


# ---- wrong-python-environment


def _programs(*programs: PathProgram) -> PathPrograms:
    return PathPrograms(programs)


def test_pip_installed_into_another_python(patient: Patient) -> None:
    given = _programs(
        PathProgram("python", "/e/bin/python", "/e", None, True), PathProgram("pip", "/usr/bin/pip", "/usr", "2.8.0")
    )
    found = patient.check(*FAMILY, path_programs=given)
    assert roots(found) == ["wrong-python-environment"]
    assert symptoms(found) == ["torch-not-installed"]


def test_the_active_environment_is_not_the_one_that_runs(patient: Patient) -> None:
    patient.torch()
    given = _programs(PathProgram("python", "/usr/bin/python", "/usr", None))
    found = patient.check(*FAMILY, path_programs=given)
    assert [(f.cause, f.severity) for f in found.root_causes] == [("wrong-python-environment", Severity.DEGRADED)]


@pytest.mark.parametrize(
    ("found_by", "torch", "program"),
    [
        ("--python", None, PathProgram("python", "/usr/bin/python", "/usr", "2.8.0")),
        ("--python", "2.8.0+cu128", PathProgram("python", "/usr/bin/python", "/usr", None)),
        ("VIRTUAL_ENV", "2.8.0+cu128", PathProgram("python", "/usr/bin/python", "/usr", "2.8.0+cu128")),
        ("VIRTUAL_ENV", "2.8.0+cu128", PathProgram("pip", "/usr/bin/pip", "/usr", None)),
        ("VIRTUAL_ENV", None, PathProgram("python", "/usr/bin/python", "/usr", None)),
        ("conda", None, PathProgram("python", "/usr/bin/python", "/usr", "2.8.0")),
    ],
)
def test_other_pythons_that_do_no_harm(patient: Patient, found_by: str, torch: str | None, program: PathProgram) -> None:
    if torch:
        patient.torch(torch)
    target = Target(str(patient.prefix / "bin/python"), found_by)
    found = patient.check("wrong-python-environment", target=target, path_programs=_programs(program))
    assert roots(found) == []


def test_torch_that_is_not_there(patient: Patient) -> None:
    found = patient.check(*FAMILY, machine=LINUX, gpus=Gpus(()))
    assert roots(found) == ["torch-not-installed"]
