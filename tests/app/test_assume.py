"""``--assume``: each key puts in one fact; what contradicts itself is judged by the rules, what cannot be is one error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from torchsmith import cli
from torchsmith.app import asked, assume, check
from torchsmith.host.base import Host
from torchsmith.host.local import LocalHost
from torchsmith.host.replay import ReplayHost, request_key
from torchsmith.model.diagnosis import Diagnosis
from torchsmith.model.errors import UsageError
from torchsmith.model.facts.container import Container
from torchsmith.model.known import Known, Unknown

LINUX = ("os=linux", "arch=x86_64", "glibc=2.36", "python=3.12")


def diagnosis(*items: str, host: Host | None = None) -> Diagnosis:
    host, assumed = asked.evidence(host or ReplayHost({}), None, None, items)
    return check.check(host, assumed, detail=True)


def fact(name: str, *items: str) -> Any:
    found = diagnosis(*LINUX, *items).facts[name]
    assert isinstance(found, Known), found
    assert found.source.startswith("assumed: ")
    return found.value


# Key and value, the fact that it gives, what of it to look at, what that is.
GIVEN: tuple[tuple[str, str, Any, Any], ...] = (
    (
        "toolkit=12.4",
        "toolkits",
        lambda t: (t.current.version, t.active, t.why),
        ("12.4", "/usr/local/cuda-12.4", "the assumption"),
    ),
    ("toolkit=12.8.1", "toolkits", lambda t: (t.current.version, t.current.nvcc), ("12.8.1", "/usr/local/cuda-12.8/bin/nvcc")),
    ("toolkit=none", "toolkits", lambda t: t, None),
    ("cpu=x86-64-v2", "cpu", lambda c: (c.level, c.avx, c.avx2), (2, False, False)),
    ("cpu=v4", "cpu", lambda c: (c.level, c.avx, c.avx2), (4, True, True)),
    ("CPU=X86-64-V3", "processor", lambda p: p.level, 3),
    ("ram=32", "memory", lambda m: m.total, 32 << 30),
    ("ram=0.5 GiB", "memory", lambda m: m.total, 1 << 29),
    ("container=docker", "container", lambda c: c, Container("docker", ("assumed",))),
    ("container=none", "container", lambda c: c, None),
    ("variable=CUDA_VISIBLE_DEVICES=", "variables", lambda v: v.values, {"CUDA_VISIBLE_DEVICES": ""}),
    ("variable=LD_LIBRARY_PATH=/a=b:/c", "variables", lambda v: v.values, {"LD_LIBRARY_PATH": "/a=b:/c"}),
    (
        "variable=PIP_INDEX_URL=https://me:secret@example.org/simple",
        "variables",
        lambda v: v.values,
        {"PIP_INDEX_URL": "https://example.org/simple"},
    ),
    ("gpu=none", "gpus", len, 0),
    ("disk=12", "room", lambda r: (r.site_free, r.temp_free), (12 << 30, 12 << 30)),
    ("manager=poetry", "environment", lambda e: (e.kind, e.manager), ("poetry", "poetry")),
    ("manager=uv-project", "environment", lambda e: (e.kind, e.manager), ("uv", "uv-project")),
    ("package=numpy==1.26.4", "packages", lambda p: [(x.name, x.version) for x in p.installed], [("numpy", "1.26.4")]),
    ("package=Flash_Attn==2.8.0", "packages", lambda p: p.get("flash-attn").version, "2.8.0"),
    ("gpu=RX 7900 XTX", "pci_devices", lambda p: [(d.vendor, d.device) for d in p.gpus], [(0x1002, 0x744C)]),
    ("gpu=radeon rx7900xtx", "pci_devices", lambda p: [d.device for d in p.gpus], [0x744C]),
    ("gpu=gfx1100", "pci_devices", lambda p: [d.vendor for d in p.gpus], [0x1002]),
    ("gpu=Arc A770", "other_gpus", lambda o: [(g.maker, g.name) for g in o.gpus], [("Intel", "Intel Arc A770")]),
    ("gpu=Intel Arc A770", "gpus", len, 0),
    ("gpu=MI300X", "driver", lambda d: d, None),
    ("gpu=sm_121", "gpus", lambda g: [d.sm for d in g], [121]),
    ("driver=581.57", "driver", lambda d: d.version, "581.57"),
    ("torch=2.9.0+rocm6.4", "torch", lambda t: (t.kind, t.hip), ("rocm", "6.4")),
)


@pytest.mark.parametrize(("item", "name", "look", "expected"), GIVEN, ids=[row[0] for row in GIVEN])
def test_what_a_key_gives(item: str, name: str, look: Any, expected: Any) -> None:
    assert look(fact(name, item)) == expected


def test_a_secret_in_a_variable_is_in_no_source() -> None:
    found = diagnosis(*LINUX, "variable=PIP_INDEX_URL=https://me:secret@example.org/simple")
    assert "secret" not in repr(found.facts)


def test_windows_keeps_its_toolkits_elsewhere() -> None:
    found = diagnosis("os=windows", "toolkit=13.0").facts["toolkits"]
    assert isinstance(found, Known)
    assert found.value.active == "C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA/v13.0"


WRONG = {
    "toolkit=12": "no such CUDA toolkit is known",
    "toolkit=99.1": "no such CUDA toolkit is known",
    "toolkit=new": "no such CUDA toolkit is known",
    "cpu=i9-14900K": "the levels are x86-64-v1",
    "cpu=v5": "the levels are",
    "ram=lots": "given in GiB",
    "ram=0": "given in GiB",
    "ram=-4": "given in GiB",
    "ram=1e400": "given in GiB",
    "ram=99999999": "given in GiB",
    "container=jail": "the containers are docker",
    "variable=CUDA_VISIBLE_DEVICES": "variable=NAME=VALUE",
    "variable=CUDA_VISIBLE_DEVICE=0": "it does at CUDA_VISIBLE_DEVICES",
    "variable==x": "looks at no variable",
    "os=beos": "the systems are",
    "arch=sparc": "the architectures are",
    "python=three": "a Python version looks like",
    "driver=new": "a driver version looks like",
    "gpu=RTX 5077": "no GPU is known as",
    "torch=2.14.1": "name the build too",
    "colour=blue": "with a key among",
    "ram": "KEY=VALUE",
    "ram=": "KEY=VALUE",
}


@pytest.mark.parametrize("item", WRONG)
def test_a_value_that_cannot_be(item: str) -> None:
    with pytest.raises(UsageError, match=WRONG[item]) as caught:
        diagnosis(item)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


def test_on_the_command_line_it_is_one_line_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "--assume", "toolkit=99.1"], ReplayHost({})) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: `--assume toolkit=99.1`")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "items",
    [
        ("toolkit=12.4", "toolkit=12.8"),
        ("ram=1", "ram=2"),
        ("variable=CUDA_VISIBLE_DEVICES=0", "variable=CUDA_VISIBLE_DEVICES=1"),
        ("os=macos", "toolkit=12.4"),
        ("os=windows", "container=docker"),
        ("arch=aarch64", "cpu=x86-64-v2"),
    ],
)
def test_keys_that_no_machine_can_have_together(items: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        diagnosis(*items)


# Facts that can stand together and do not fit: the rules say so.
@pytest.mark.parametrize(
    ("cause", "items"),
    [
        ("driver-too-old-for-cuda", ("gpu=RTX 5070 Ti", "driver=470.82.01", "torch=2.14.1+cu130")),
        ("gpu-arch-not-in-build-too-new", ("gpu=RTX 5070", "driver=580.65.06", "torch=2.2.2+cu121")),
        ("gpu-arch-dropped-too-old", ("gpu=GTX 1080 Ti", "driver=580.65.06", "torch=2.14.1+cu130")),
        ("cpu-isa-too-old", ("gpu=none", "cpu=x86-64-v1", "torch=2.14.1+cpu")),
        ("toolkit-too-old-for-gpu", ("gpu=RTX 5070", "driver=580.65.06", "torch=2.14.1+cu130", "toolkit=12.4")),
        ("nvcc-vs-torch-cuda-mismatch", ("gpu=H100", "driver=580.65.06", "torch=2.14.1+cu130", "toolkit=12.4")),
        (
            "cuda-visible-devices-hides",
            ("gpu=H100", "driver=580.65.06", "torch=2.14.1+cu130", "variable=CUDA_VISIBLE_DEVICES=-1"),
        ),
        ("glibc-too-old", ("glibc=2.17", "gpu=none", "torch=2.14.1+cpu")),
    ],
)
def test_what_does_not_fit_is_judged(cause: str, items: tuple[str, ...]) -> None:
    base = [item for item in LINUX if not any(item.partition("=")[0] == other.partition("=")[0] for other in items)]
    found = diagnosis(*base, *items)
    assert cause in {finding.cause for finding in (*found.root_causes, *found.symptoms)}


def test_a_variable_is_assumed_beside_those_that_are_set() -> None:
    host = ReplayHost({request_key("variable", ("CUDA_HOME", "")): {"value": "/opt/cuda", "source": "environment"}})
    found = diagnosis("variable=CUDA_VISIBLE_DEVICES=0", host=host).facts["variables"]
    assert isinstance(found, Known)
    assert found.value.values == {"CUDA_VISIBLE_DEVICES": "0", "CUDA_HOME": "/opt/cuda"}


def test_every_probe_is_told_the_same_variable() -> None:
    host, _ = asked.evidence(ReplayHost({}), None, None, ("variable=LD_LIBRARY_PATH=/opt/lib",))
    assert host.variable("LD_LIBRARY_PATH") == Known("/opt/lib", "assumed: variable=LD_LIBRARY_PATH")
    assert isinstance(host.variable("PATH"), Unknown)


def test_the_rest_of_this_machine_stays_where_only_surroundings_are_assumed() -> None:
    assert not assume.another_machine(("toolkit=12.4", "cpu=v2", "ram=8", "container=docker", "variable=CUDA_HOME=/x"))
    assert assume.another_machine(("os=linux",))


def test_nvidias_and_other_gpus_stand_beside_each_other() -> None:
    given = assume.facts(("gpu=RTX 4070", "gpu=Radeon 780M", "driver=581.57"))
    assert [device.sm for device in value(given["gpus"])] == [89]
    assert [device.device for device in value(given["pci_devices"]).gpus] == [0x15BF]
    assert value(given["driver"]).version == "581.57"


def test_packages_stand_beside_the_assumed_torch() -> None:
    given = assume.facts(("torch=2.6.0+cu124", "package=torchvision==0.21.0", "package=numpy==2.1.2"))
    assert [(p.name, p.version) for p in value(given["packages"]).installed] == [
        ("torch", "2.6.0+cu124"),
        ("torchvision", "0.21.0"),
        ("numpy", "2.1.2"),
    ]


@pytest.mark.parametrize(
    ("items", "board", "release"),
    [
        (("gpu=Jetson AGX Orin", "os=linux"), "Jetson AGX Orin", ""),
        (("gpu=Jetson AGX Orin", "os=linux", "jetpack=6.2"), "Jetson AGX Orin", "36"),
        (("gpu=Jetson AGX Thor", "os=linux", "arch=aarch64", "jetpack=7"), "Jetson AGX Thor", "38"),
        (("os=linux", "arch=aarch64", "jetpack=5"), "Jetson", "35"),
    ],
)
def test_a_jetson_is_told_by_its_gpu_or_its_jetpack(items: tuple[str, ...], board: str, release: str) -> None:
    given = assume.facts(items)
    assert value(given["machine"]).arch == "aarch64"
    assert (value(given["jetson"]).model, value(given["jetson"]).l4t) == (board, release)


def test_an_arm_server_is_no_jetson_and_a_gb10_is_an_arm_machine() -> None:
    given = assume.facts(("gpu=GB10", "os=linux"))
    assert value(given["machine"]).arch == "aarch64"
    assert value(given["jetson"]) is None
    assert value(assume.facts(("gpu=RTX 5090", "os=linux"))["machine"]).arch == "x86_64"


def test_musl() -> None:
    machine = value(assume.facts(("libc=musl",))["machine"])
    assert (machine.os, machine.libc, machine.libc_version) == ("linux", "musl", "")


def test_gpus_of_another_machine_that_nobody_named_are_unknown() -> None:
    facts = diagnosis(*LINUX).facts
    assert isinstance(facts["gpus"], Unknown)
    assert "gpu=none" in facts["gpus"].reason
    known = diagnosis(*LINUX, "gpu=none").facts["gpus"]
    assert isinstance(known, Known)
    assert not known.value


def test_a_projects_files_count_on_an_assumed_machine(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\ndependencies = ["torch==2.9.1"]\n[tool.pdm]\ndistribution = false\n'
    )
    _, given = asked.evidence(LocalHost(), None, None, (*LINUX, f"project={tmp_path}"))
    assert [(d.package, d.specifier) for d in value(given["pasted_project"]).dependencies] == [("torch", "==2.9.1")]
    assert value(given["environment"]).manager == "pdm"
    _, given = asked.evidence(LocalHost(), None, None, (*LINUX, f"project={tmp_path}", "manager=uv"))
    assert value(given["environment"]).manager == "uv"


@pytest.mark.parametrize(
    "items",
    [
        ("libc=bionic",),
        ("libc=musl", "glibc=2.35"),
        ("jetpack=9", "os=linux", "arch=aarch64"),
        ("jetpack=six", "os=linux", "arch=aarch64"),
        ("jetpack=6", "os=windows"),
        ("disk=much",),
        ("disk=-1",),
        ("manager=portage",),
        ("package=numpy",),
        ("package=numpy>=2",),
        ("package=torch==2.9.1",),
        ("package=numpy==2.0", "package=NumPy==2.1"),
        ("gpu=RX 7900 XTZ",),
        ("gpu=none", "gpu=RTX 5090"),
    ],
)
def test_what_cannot_be_is_one_error(items: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as refused:
        assume.facts(items)
    assert "\n" not in str(refused.value)


def value(fact: Any) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


@pytest.mark.parametrize(
    "item",
    [
        "glibc=nan",
        "glibc=-1",
        "glibc=../../etc",
        "glibc=2.35\x1b[0m",
        "gpu=",
        "gpu=\u0661\u0662",
        "driver=1e999",
        "driver=\u0665\u0667\u0660",
    ],
)
def test_a_value_that_cannot_be_is_an_error(item: str) -> None:
    with pytest.raises(UsageError):
        assume.facts(["os=linux", item])


def test_a_project_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        asked.evidence(LocalHost(), None, None, ["os=linux", f"project={tmp_path}/gone"])


def test_a_mac_is_one_of_apple_silicon_unless_its_processor_is_named() -> None:
    for items, arch in ((["os=macos"], "aarch64"), (["os=macos", "arch=x86_64"], "x86_64"), (["os=linux"], "x86_64")):
        found = assume.facts(items)["machine"]
        assert isinstance(found, Known)
        assert found.value.arch == arch


def test_another_makers_gpu_makes_a_mac_one_of_intels() -> None:
    assert value(assume.facts(["os=macos", "gpu=RX 6800"])["machine"]).arch == "x86_64"
    assert value(assume.facts(["os=macos", "gpu=none"])["machine"]).arch == "aarch64"


def test_glibc_on_another_system_is_kept_to_be_pointed_out_and_musl_is_refused() -> None:
    assert value(assume.facts(["os=windows", "glibc=2.35"])["machine"]).libc == "glibc"
    with pytest.raises(UsageError, match="exclude each other"):
        assume.facts(["os=windows", "libc=musl"])


def test_values_are_bounded() -> None:
    with pytest.raises(UsageError, match="characters"):
        assume.facts(["os=linux", "glibc=2." + "3" * 100_000])
    with pytest.raises(UsageError, match="5000 are the most"):
        assume.facts(["os=linux", *[f"package=a{number}==1" for number in range(6000)]])


def test_a_system_completes_a_text_that_names_none(tmp_path: Path) -> None:
    text = tmp_path / "list.txt"
    text.write_text(
        "Package            Version\n------------------ -----------\nnumpy              1.26.4\ntorch              2.9.1+cu128\n"
    )
    _, bare = asked.evidence(LocalHost(), str(text), None, ())
    assert isinstance(bare["machine"], Unknown)
    _, given = asked.evidence(LocalHost(), str(text), None, ("os=windows",))
    assert value(given["machine"]).os == "windows"
    assert value(given["torch"]).version == "2.9.1+cu128"


def test_more_gpus_than_a_machine_has() -> None:
    with pytest.raises(UsageError, match="no machine has more"):
        assume.facts(["os=linux", *["gpu=RTX 5090"] * 100])


def test_no_error_shows_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    address = "https://user:s3cr3t@example.com/x"
    for words in (["--need", f"torch @ {address}.whl"], ["--assume", f"gpu={address}"], ["--machine", f"{address}.toml"]):
        assert cli.run(["plan", "--assume", "os=linux", *words]) == 2
    said = capsys.readouterr().err
    assert said.count("error: ") == 3
    assert "s3cr3t" not in said
