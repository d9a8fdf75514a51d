"""Toolkits: every finding is a note, and none where there is no toolkit."""

from __future__ import annotations

import pytest
from tests.rules.judging import CPU, CUDA, LINUX, ONE_GPU, RTX5070, WINDOWS, findings, one, python

from torchsmith.app.catalogue import RULES
from torchsmith.model.facts.gpu import Gpus
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.toolkit import HostCompiler, PythonHeaders, Toolkit, Toolkits
from torchsmith.model.finding import Severity
from torchsmith.model.record import replace

CUDA13 = Toolkit("/usr/local/cuda-13.0", "13.0", "/usr/local/cuda-13.0/bin/nvcc")
CUDA12 = Toolkit("/usr/local/cuda-12.4", "12.4.1", "/usr/local/cuda-12.4/bin/nvcc")
RUNTIME_ONLY = Toolkit("/usr/local/cuda-13.0", "13.0")


def of(*toolkits: Toolkit, why: str = "PATH", on_path: str = "") -> Toolkits:
    """The first of them is active."""
    return Toolkits(toolkits, toolkits[0].path, why, on_path or toolkits[0].path)


FAMILY = [rule.slug for rule in RULES if ".rules.toolkit." in rule.module]


@pytest.mark.parametrize("slug", FAMILY)
def test_no_toolkit_is_no_fault(slug: str) -> None:
    facts = {"machine": LINUX, "toolkits": None, "host_compiler": None, "python_headers": None, "variables": Variables({})}
    assert not findings(slug, **facts, torch=CUDA, gpus=ONE_GPU, interpreter=python())


@pytest.mark.parametrize("slug", FAMILY)
def test_a_fitting_toolkit_is_not_mentioned(slug: str) -> None:
    facts = {
        "machine": LINUX,
        "toolkits": of(CUDA13),
        "host_compiler": HostCompiler("gcc", "/usr/bin/gcc", "14", "PATH"),
        "python_headers": PythonHeaders("/usr/include/python3.12/Python.h", present=True),
        "variables": Variables({"CUDA_HOME": "/usr/local/cuda-13.0"}),
    }
    assert not findings(slug, **facts, torch=CUDA, gpus=ONE_GPU, interpreter=python())


def test_another_major_than_torchs() -> None:
    found = one("nvcc-vs-torch-cuda-mismatch", toolkits=of(CUDA12, CUDA13), torch=CUDA)
    assert found.severity is Severity.NOTE
    assert found.remedies[0].actions
    assert CUDA13.path in str(found.remedies[0].actions)
    assert not one("nvcc-vs-torch-cuda-mismatch", toolkits=of(CUDA12), torch=CUDA).remedies[0].actions


@pytest.mark.parametrize(
    ("toolkit", "torch"),
    [
        (replace(CUDA13, version="13.2"), CUDA),
        (replace(CUDA12, version=""), CUDA),
        (replace(CUDA12, nvcc=""), CUDA),
        (CUDA12, CPU),
    ],
)
def test_a_major_that_does_not_matter(toolkit: Toolkit, torch: object) -> None:
    assert not findings("nvcc-vs-torch-cuda-mismatch", toolkits=of(toolkit), torch=torch)


@pytest.mark.parametrize(
    ("value", "words", "remedy"),
    [
        (":/usr/local/cuda-12.4", "separator", "/usr/local/cuda-12.4"),
        ("/usr/local/cuda-13.0:/usr/local/cuda-12.4", "list", "/usr/local/cuda-12.4"),
        ("/usr/local/cuda-12.4/bin", "inside", "/usr/local/cuda-12.4"),
        ("/opt/cuda-11.1", "without a toolkit", "/usr/local/cuda-12.4"),
    ],
)
def test_a_cuda_home_that_names_none(value: str, words: str, remedy: str) -> None:
    toolkits = Toolkits((CUDA12,), value, "CUDA_HOME", CUDA12.path)
    found = one("cuda-home-malformed", machine=LINUX, variables=Variables({"CUDA_HOME": value}), toolkits=toolkits, torch=CUDA)
    assert found.severity is Severity.NOTE
    assert words in found.summary
    assert remedy in found.remedies[0].title


@pytest.mark.parametrize(
    ("machine", "value", "toolkits"),
    [
        (LINUX, "/usr/local/cuda", None),  # an image that sets it and has no toolkit: nobody is harmed
        (LINUX, "/usr/local/cuda-12.4/", of(CUDA12)),
        (WINDOWS, r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v12.4", None),
        (LINUX, "", of(CUDA12)),
    ],
)
def test_a_cuda_home_that_is_well(machine: Machine, value: str, toolkits: Toolkits | None) -> None:
    assert not findings(
        "cuda-home-malformed", machine=machine, variables=Variables({"CUDA_HOME": value}), toolkits=toolkits, torch=CUDA
    )


def test_two_toolkits() -> None:
    found = one("cuda-two-toolkits", toolkits=of(CUDA13, CUDA12, why="CUDA_HOME", on_path=CUDA12.path), torch=CUDA)
    assert (found.severity, "12.4" in found.summary) == (Severity.NOTE, True)


@pytest.mark.parametrize(
    "toolkits",
    [
        of(CUDA13, CUDA12),  # the second one is not active
        of(CUDA13, replace(CUDA13, path="/opt/cuda"), why="CUDA_HOME", on_path="/opt/cuda"),
        of(CUDA13, replace(CUDA12, version=""), why="CUDA_HOME", on_path=CUDA12.path),
        of(CUDA13, why="CUDA_HOME", on_path="/usr"),
    ],
)
def test_not_two_toolkits(toolkits: Toolkits) -> None:
    assert not findings("cuda-two-toolkits", toolkits=toolkits, torch=CUDA)


def test_headers_are_missing() -> None:
    poor = replace(CUDA13, missing=("cusparse.h", "cusolverDn.h"))
    found = one("cuda-toolkit-incomplete", machine=LINUX, toolkits=of(poor), torch=CUDA)
    assert found.severity is Severity.NOTE
    assert "libcusparse-dev-13-0" in str(found.remedies)
    assert not findings("cuda-toolkit-incomplete", machine=LINUX, toolkits=of(CUDA13, poor), torch=CUDA)
    assert not findings("cuda-toolkit-incomplete", machine=LINUX, toolkits=of(poor), torch=CPU)


def test_a_toolkit_older_than_the_gpu() -> None:
    mixed = Gpus((RTX5070, replace(RTX5070, index=1, name="NVIDIA GeForce RTX 3060", sm=86)))
    found = one("toolkit-too-old-for-gpu", toolkits=of(CUDA12), gpus=mixed, torch=CUDA)
    assert (found.subject, found.severity) == ("gpu:0", Severity.NOTE)
    assert "12.8" in found.summary


@pytest.mark.parametrize(
    ("toolkit", "sm"), [(CUDA13, 120), (CUDA12, 86), (CUDA12, 999), (CUDA12, None), (replace(CUDA12, nvcc=""), 120)]
)
def test_a_toolkit_that_knows_the_gpu(toolkit: Toolkit, sm: int | None) -> None:
    assert not findings("toolkit-too-old-for-gpu", toolkits=of(toolkit), gpus=Gpus((replace(RTX5070, sm=sm),)), torch=CUDA)


GCC, CLANG, MSVC = "gcc", "clang", "msvc"


@pytest.mark.parametrize(
    ("version", "compiler", "number", "limit"),
    [
        ("12.4", GCC, "14.2.0", "13"),
        ("11.8", GCC, "12", "11"),
        ("12.2", GCC, "13.1.0", "12"),
        ("13.0", GCC, "16.1", "15"),
        ("12.6", CLANG, "19.1.0", "18"),
        ("12.3", MSVC, "14.40", "14.39"),
        ("13.0", MSVC, "14.51", "14.49"),
    ],
)
def test_a_compiler_that_is_too_new(version: str, compiler: str, number: str, limit: str) -> None:
    toolkits = of(replace(CUDA12, version=version))
    found = one(
        "host-compiler-too-new", toolkits=toolkits, host_compiler=HostCompiler(compiler, "/usr/bin/x", number, "PATH"), torch=CUDA
    )
    assert found.severity is Severity.NOTE
    assert f"{limit} at most" in found.summary


@pytest.mark.parametrize(
    ("version", "compiler", "number"),
    [
        ("12.4", GCC, "13.3.0"),
        ("12.4", GCC, "9"),
        ("12.3", MSVC, "14.39"),
        ("99.0", GCC, "40"),
        ("", GCC, "40"),
        ("12.6", CLANG, "18.1"),
    ],
)
def test_a_compiler_that_is_accepted(version: str, compiler: str, number: str) -> None:
    toolkits = of(replace(CUDA12, version=version))
    assert not findings(
        "host-compiler-too-new", toolkits=toolkits, host_compiler=HostCompiler(compiler, "x", number, "PATH"), torch=CUDA
    )


@pytest.mark.parametrize(
    ("distro", "base", "package"), [("ubuntu", "/usr", "python3.12-dev"), ("fedora", "/usr", "python3-devel")]
)
def test_python_headers(distro: str, base: str, package: str) -> None:
    headers = PythonHeaders(f"{base}/include/python3.12/Python.h", present=False)
    machine = replace(LINUX, distro=distro)
    found = one(
        "python-headers-missing", machine=machine, interpreter=python(base_prefix=base), python_headers=headers, torch=CUDA
    )
    assert found.severity is Severity.NOTE
    assert package in str(found.remedies)


def test_no_package_is_named_for_a_python_that_no_package_made() -> None:
    headers = PythonHeaders("/opt/py/include/python3.12/Python.h", present=False)
    found = one(
        "python-headers-missing", machine=LINUX, interpreter=python(base_prefix="/opt/py"), python_headers=headers, torch=CUDA
    )
    assert not found.remedies[0].actions
