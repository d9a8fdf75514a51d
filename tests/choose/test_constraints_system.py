"""The system and the Python: C library, processor, WSL, Jetson, evidence, wheel tags, and where a label was published."""

from __future__ import annotations

import pytest
from tests.choose.situations import candidates, made, says

from torchsmith.choose import published, reject
from torchsmith.choose.constraints import python, system
from torchsmith.choose.situation import Situation
from torchsmith.knowledge.compiled.torch_builds import ROWS
from torchsmith.model.choice import Candidate, Reason, Risk
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.system import Cpu
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace


@pytest.mark.parametrize(
    ("glibc", "version", "channel", "unless"),
    [
        ("2.27", "2.7.0+cu126", "wheel", "glibc >= 2.28"),
        ("2.17", "2.14.1+cu126", "wheel", "glibc >= 2.28"),
        ("2.17", "2.6.0+cu126", "wheel", "glibc >= 2.28"),  # unlike the other builds of its release
        ("2.9", "2.14.1+cu126", "wheel", "glibc >= 2.28"),
        ("2.17", "2.13.0+cu129", "conda-forge", "glibc >= 2.28"),
        ("musl", "2.14.1+cpu", "wheel", "a system with glibc"),
    ],
)
def test_a_c_library_that_is_too_old(glibc: str, version: str, channel: str, unless: str) -> None:
    reason = says(system.glibc, version, made(glibc=glibc), channel=channel)
    assert isinstance(reason, Reason)
    assert reason.unless == unless


def test_a_c_library_that_does() -> None:
    assert says(system.glibc, "2.6.0+cu124", made(glibc="2.17")) is None
    assert says(system.glibc, "2.14.1+cu126", made(glibc="2.28")) is None
    assert says(system.glibc, "2.4.1+cu118", made(glibc="2.17"), channel="conda-forge") is None
    assert isinstance(says(system.glibc, "2.14.1+cu126", made(glibc="")), Risk)
    assert says(system.glibc, "2.14.1+cu126", made(os="windows", driver="581.57")) is None
    own = replace(interpreter(made(glibc="2.17")), libc="glibc 2.39")  # Nix and conda bring their own
    assert says(system.glibc, "2.14.1+cu126", made(glibc="2.17", interpreter=own)) is None


def interpreter(asked: Situation) -> Interpreter:
    assert isinstance(asked.interpreter, Interpreter)
    return asked.interpreter


def test_instructions_of_the_processor() -> None:
    def at(level: int, *, avx: bool = False, virtual: bool = False) -> Situation:
        return made(cpu=Cpu("", level, avx=avx, avx2=level > 2, virtual=virtual))

    first = says(system.cpu, "2.14.1+cpu", at(1))
    assert isinstance(first, Reason)
    assert "SSE4.2" in first.because
    assert isinstance(says(system.cpu, "2.14.1+cpu", at(2)), Risk)
    assert isinstance(says(system.cpu, "2.14.1+cpu", at(2, avx=True)), Risk)
    assert says(system.cpu, "2.14.1+cpu", at(3, avx=True)) is None
    assert says(system.cpu, "2.14.1+cpu", made()) is None  # nobody asked


def test_wsl_1_reaches_no_gpu() -> None:
    reason = says(system.system, "2.14.1+cu130", made("RTX 4090", os="wsl1"))
    assert isinstance(reason, Reason)
    assert reason.unless == "WSL 2"
    assert says(system.system, "2.14.1+cu130", made("RTX 4090", os="wsl")) is None
    assert says(system.system, "2.14.1+cpu", made(os="wsl1")) is None


def test_a_jetson_before_jetpack_7_needs_nvidias_build() -> None:
    def board(l4t: str) -> Situation:
        return made("Jetson AGX Orin", arch="aarch64", driver="540.3", jetson=Jetson("Jetson AGX Orin", l4t))

    reason = says(system.jetson, "2.12.0+cu132", board("36.4.3"))
    assert isinstance(reason, Reason)
    assert "JetPack 6" in reason.because
    assert "Python 3.10" in reason.because
    assert reason.unless == "JetPack 7"
    assert says(system.jetson, "2.12.0+cu132", board("38.2")) is None
    assert isinstance(says(system.jetson, "2.12.0+cu132", board("")), Risk)
    assert says(system.jetson, "2.14.1+cpu", board("36.4.3")) is None
    thor = made("Jetson AGX Thor", arch="aarch64", jetson=Jetson("Jetson AGX Thor", ""))
    assert says(system.jetson, "2.14.1+cu130", thor) is None  # no earlier JetPack has it
    assert says(system.jetson, "2.14.1+cu130", made("GB10", arch="aarch64", jetson=None)) is None


def test_what_nobody_has_seen_is_told() -> None:
    announced = says(system.evidence, "2.15.0+cu130", made())
    assert isinstance(announced, Risk)
    assert "nobody has seen this file" in announced.text
    low = says(system.evidence, "2.9.1+cu129", made())
    assert isinstance(low, Risk)
    assert "low confidence" in low.text
    assumed = says(system.evidence, "2.14.1+cu126", made())
    assert isinstance(assumed, Risk)
    assert "assumed" in assumed.text
    unseen = says(system.evidence, "2.14.1+rocm7.14", made())
    assert isinstance(unseen, Risk)
    assert "nobody has seen an index for rocm7.14" in unseen.text
    assert announced.weight > low.weight > assumed.weight
    assert says(system.evidence, "2.14.1+cu130", made()) is None  # a file of the package index


def test_pytorchs_own_conda_channel_is_retired() -> None:
    reason = says(system.published, "2.5.1+cu124", made(), channel="pytorch")
    assert isinstance(reason, Reason)
    assert "2.5.1" in reason.because
    assert reason.unless == "conda-forge"
    assert says(system.published, "2.5.1+cu124", made()) is None


@pytest.mark.parametrize(
    ("here", "version", "made_for", "unless"),
    [
        ("3.13", "2.4.1+cu124", "3.8 to 3.12", "python <= 3.12"),
        ("3.8", "2.9.1+cu130", "3.10 to 3.14, 3.13t and 3.14t", "python >= 3.10"),
        ("3.10", "2.15.0+cu132", "3.11 to 3.15", "python >= 3.11"),
        ("3.16", "2.15.0+cu132", "3.11 to 3.15", "python <= 3.15"),
        ("3.13t", "2.14.1+cu130", "3.10 to 3.14 and 3.14t", "python 3.13, not free-threaded"),
    ],
)
def test_the_range_of_pythons_is_told(here: str, version: str, made_for: str, unless: str) -> None:
    reason = says(python.python, version, made(python=here))
    assert isinstance(reason, Reason)
    assert f"for Python {made_for}" in reason.because
    assert reason.unless == unless


def test_a_build_that_has_this_python_too_names_the_other_one_only() -> None:
    reason = says(python.python, "2.14.1+cu130", made(python="3.12"), python="3.11")
    assert isinstance(reason, Reason)
    assert reason.unless == "python 3.11"


def test_pythons_that_no_wheel_serves() -> None:
    asked = made()
    for changes, words in (
        ({"bits": 32}, "32 bits"),
        ({"implementation": "pypy"}, "PyPy"),
    ):
        reason = says(python.python, "2.14.1+cpu", replace(asked, interpreter=replace(interpreter(asked), **changes)))
        assert isinstance(reason, Reason)
        assert words in reason.because
    mac = made(os="macos", arch="aarch64", driver=None)
    rosetta = replace(mac, interpreter=replace(interpreter(mac), machine="x86_64"))
    reason = says(python.python, "2.14.1+cpu", rosetta)
    assert isinstance(reason, Reason)
    assert "Arm" in reason.unless
    assert says(python.python, "2.14.1+cpu", mac) is None


def test_pre_releases_and_unknown_pythons_are_risks() -> None:
    asked = made(python="3.15")
    beta = replace(asked, interpreter=replace(interpreter(asked), version="3.15.0", release_level="beta"))
    assert isinstance(says(python.python, "2.15.0+cu132", beta, python="3.15"), Risk)
    assert says(python.python, "2.15.0+cu132", asked, python="3.15") is None
    assert isinstance(says(python.python, "2.14.1+cu130", made(interpreter=Unknown("none found"))), Risk)


def test_a_group_names_the_whole_range_of_pythons() -> None:
    asked = made("RTX 4090", python="3.13")
    judged = reject.judge(candidates("linux-x86_64"), (), (python.python,), (), asked)
    words = {
        (rows[0].candidate.torch, rows[-1].candidate.torch): reasons[0].because
        for rows, reasons in reject.grouped(judged, "3.13")
        if rows[0].candidate.channel == "wheel" and rows[0].candidate.build == "cu121"
    }
    assert words == {
        ("2.1.0", "2.1.2"): "its wheels are for Python 3.8 to 3.11, and 3.13 is here",
        ("2.2.0", "2.4.1"): "its wheels are for Python 3.8 to 3.12, and 3.13 is here",
    }


def test_labels_that_a_platform_never_got() -> None:
    windows = {rejected.build: rejected for rejected in published.missing("windows")}
    assert "only for Linux on x86-64" in windows["rocm6.4"].reasons[0].because
    assert (windows["cu129"].first, windows["cu129"].last) == ("2.9.1", "2.13.0")
    assert "cu126" not in windows
    arm = {rejected.build: rejected for rejected in published.missing("linux-aarch64")}
    assert arm["cu126"].candidate == "torch 2.7.0 - 2.8.0 cu126"
    assert "for Linux on Arm cu126 was published with torch 2.6.0 and 2.9.0 - 2.14.1 only" in arm["cu126"].reasons[0].because
    mac = {rejected.build: rejected for rejected in published.missing("macos-x86_64")}
    assert (mac["cpu"].first, mac["cpu"].last) == ("2.3.0", "2.15.0")
    for platform in ("windows", "linux-aarch64", "macos-x86_64", "macos-arm64", "windows-arm64"):
        labels = [rejected.build for rejected in published.missing(platform)]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("torch", "label", "platform", "words"),
    [
        ("2.15.0", "cu126", "linux-x86_64", "ended with torch 2.14.1"),
        ("2.5.1", "cu126", "linux-x86_64", "began with torch 2.6.0"),
        ("2.13.0", "cu129", "windows", "for Windows cu129 was published with torch 2.8.0 - 2.9.0 only"),
        ("2.8.0", "rocm6.4", "windows", "never published for Windows"),
        ("2.8.0", "cu127", "linux-x86_64", "the nearest are cu126 or cu128"),
        ("1.4.0", "cu92", "linux-x86_64", "belongs to releases before 1.12.0"),
        ("2.99.0", "cu130", "linux-x86_64", "no release 2.99.0"),
    ],
)
def test_why_a_build_is_no_candidate(torch: str, label: str, platform: str, words: str) -> None:
    reason = published.absent(torch, label, platform)
    assert reason is not None
    assert words in reason.because


def test_what_is_published_is_not_called_absent() -> None:
    for torch, label, _kind, platform, *_ in ROWS:
        assert published.absent(torch, label, platform) is None


@pytest.mark.parametrize("platform", ["linux-x86_64", "linux-aarch64", "windows", "macos-arm64", "macos-x86_64", "windows-arm64"])
def test_the_catalogue_is_whole(platform: str) -> None:
    """Candidates are made past the check of their fields; those of one build stand together, and none stands twice."""
    every = candidates(platform)
    assert every
    assert {len(candidate) for candidate in every} == {len(Candidate._fields)}  # type: ignore[arg-type, attr-defined]
    assert len({(c.channel, c.torch, c.build, c.python) for c in every}) == len(every)
    builds = [(c.channel, c.torch, c.build) for c in every]
    assert len({*builds}) == sum(build != before for build, before in zip(builds, [None, *builds], strict=False))
    for candidate in every:
        assert candidate.python in candidate.pythons
        assert (candidate.cuda is not None) == (candidate.kind == "cuda")
        assert candidate.tag.startswith("cp3")


def test_the_package_index_has_fewer_pythons_than_the_builds_own() -> None:
    default = {c.python for c in candidates("linux-x86_64") if c.version == "2.13.0+cu130" and c.channel == "wheel" and c.default}
    assert "3.14" in default
    assert "3.15" not in default


def test_a_build_from_source_on_a_jetson_takes_jetpacks_own_toolkit() -> None:
    board = made("Jetson AGX Orin", arch="aarch64", driver="540.3", python="3.10", jetson=Jetson("Jetson AGX Orin", "36.4.3"))
    found = says(system.jetson, "2.14.1+cu129", board, python="3.10", channel="source")
    assert isinstance(found, Reason)
    assert "JetPack's own toolkit" in found.because
    assert "it is made for Arm servers" not in found.because
    assert found.unless == ""


def test_what_a_hypervisor_may_hide_rejects_nothing() -> None:
    for virtual, kind in ((True, Risk), (False, Reason)):
        asked = made(cpu=Cpu("", 1, avx=False, avx2=False, virtual=virtual))
        assert isinstance(says(system.cpu, "2.14.1+cpu", asked), kind)


def test_a_build_from_source_need_not_be_made_for_glibc() -> None:
    asked = made("RTX 4090", glibc="musl")
    assert isinstance(says(system.glibc, "2.14.1+cu132", asked, channel="source"), Risk)
    assert isinstance(says(system.glibc, "2.14.1+cu130", asked), Reason)
