"""Containers, WSL, Nix and Jetson: where each rule speaks, and the near miss where it must be silent."""

from __future__ import annotations

import pytest
from tests.rules.judging import (
    ARM,
    CPU,
    CUDA,
    LINUX,
    NO_LIBRARIES,
    ONE_GPU,
    RTX5070,
    WORKING,
    WSL,
    findings,
    one,
    python,
    roots,
)

from torchsmith.model.facts.container import Container, Jetson, Nix, Wsl
from torchsmith.model.facts.driver import DeviceNode, DeviceNodes, DriverState
from torchsmith.model.facts.gpu import (
    NVIDIA,
    Device,
    Gpus,
    KernelModule,
    Libcuda,
    NvidiaLibraries,
    NvidiaSmi,
    Nvml,
    PciDevice,
    PciDevices,
)
from torchsmith.model.facts.libraries import Loaded, LoadedLibraries
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.torch import DeviceCoverage, GpuCoverage, Torch
from torchsmith.model.finding import Severity
from torchsmith.model.known import Unknown
from torchsmith.model.record import replace

DOCKER = Container("docker", ("/.dockerenv",))
ON_BUS = PciDevices((PciDevice("0000:01:00.0", NVIDIA, 0x2F04),))
MODULE = KernelModule("580.95.05", "open", loaded=True, uvm=True)
NO_MODULE = KernelModule()
NO_NODES = DeviceNodes(())
NODES = DeviceNodes(
    (
        DeviceNode("/dev/nvidia0", 0o666, 0, 0, usable=True),
        DeviceNode("/dev/nvidiactl", 0o666, 0, 0, usable=True),
    )
)
OUT = {
    "machine": LINUX,
    "container": DOCKER,
    "variables": Variables({}),
    "nvidia_libraries": NO_LIBRARIES,
    "device_nodes": NO_NODES,
}
BARE = {**OUT, "pci_devices": PciDevices(()), "kernel_module": NO_MODULE, "torch": CUDA}


def test_the_kernel_shows_a_gpu_that_the_container_does_not() -> None:
    found = one("container-no-gpu-runtime", **OUT, pci_devices=ON_BUS, kernel_module=MODULE, torch=CUDA)
    assert (found.severity, found.confidence) == (Severity.BLOCKER, 0.95)
    assert "docker" in found.summary
    assert {"no-nvidia-gpu", "no-nvidia-driver"} <= set(found.explains)


@pytest.mark.parametrize("kind", ["docker", "podman", "kubernetes", "apptainer", "lxc", "containerd", "", "systemd-nspawn"])
def test_every_engine_has_its_remedy(kind: str) -> None:
    found = one(
        "container-no-gpu-runtime",
        **{**OUT, "container": Container(kind, ("mark",))},
        pci_devices=ON_BUS,
        kernel_module=MODULE,
        torch=CUDA,
    )
    assert found.remedies[0].title


@pytest.mark.parametrize(
    "changes",
    [
        {"variables": Variables({"NVIDIA_VISIBLE_DEVICES": "all"})},
        {"container": Container("docker", ("/.dockerenv",), image=("NVIDIA_REQUIRE_CUDA=cuda>=12.8",))},
    ],
)
def test_the_image_is_made_for_a_gpu(changes: dict[str, object]) -> None:
    found = one("container-no-gpu-runtime", **{**BARE, **changes})
    assert found.severity is Severity.BLOCKER
    assert found.confidence < 0.95


def test_a_jetson_container_wants_the_nvidia_runtime() -> None:
    jetson = Jetson("NVIDIA Jetson AGX Orin Developer Kit")
    found = one("container-no-gpu-runtime", **{**BARE, "machine": ARM, "jetson": jetson})
    assert "--runtime nvidia" in found.remedies[0].title


def test_docker_desktop_shows_nothing_and_it_is_a_guess() -> None:
    found = one("container-no-gpu-runtime", **{**BARE, "machine": WSL})
    assert (found.severity, found.confidence) == (Severity.DEGRADED, 0.5)


@pytest.mark.parametrize(
    "changes",
    [
        {},  # a container on a machine of which nothing shows a GPU
        {
            "variables": Variables({"NVIDIA_VISIBLE_DEVICES": "void"}),
            "container": Container("kubernetes", ("x",), image=("CUDA_VERSION=12.8",)),
        },
        {"pci_devices": ON_BUS},  # the host itself has no driver: another cause
        {"pci_devices": ON_BUS, "kernel_module": replace(NO_MODULE, nouveau=True)},
        {"pci_devices": ON_BUS, "kernel_module": MODULE, "nvidia_libraries": WORKING},
        {
            "pci_devices": ON_BUS,
            "kernel_module": MODULE,
            "device_nodes": NODES,
        },  # devices without libraries: not the runtime's work
        {"pci_devices": ON_BUS, "kernel_module": MODULE, "nvidia_libraries": Unknown("slow: no answer in 2 s")},
        {"pci_devices": ON_BUS, "kernel_module": MODULE, "container": None},
        {"machine": WSL, "torch": CPU},
    ],
)
def test_no_container_without_a_reason(changes: dict[str, object]) -> None:
    assert not findings("container-no-gpu-runtime", **{**BARE, **changes})


def test_a_cpu_build_in_a_container_may_be_meant() -> None:
    assert one("container-no-gpu-runtime", **OUT, pci_devices=ON_BUS, kernel_module=MODULE, torch=CPU).severity is Severity.NOTE


def test_the_runtime_is_the_root_of_a_missing_gpu() -> None:
    facts = {
        **BARE,
        "variables": Variables({"NVIDIA_VISIBLE_DEVICES": "all"}),
        "gpus": Gpus(()),
        "driver_state": DriverState("none"),
    }
    assert roots("container-no-gpu-runtime", "no-nvidia-gpu", **facts) == ["container-no-gpu-runtime"]


def test_a_snap_explains_the_missing_runtime() -> None:
    snap = replace(DOCKER, snap=True)
    facts = {**OUT, "container": snap, "pci_devices": ON_BUS, "kernel_module": MODULE, "torch": CUDA}
    assert roots("docker-snap-install", "container-no-gpu-runtime", **facts) == ["docker-snap-install"]


@pytest.mark.parametrize("changes", [{"container": DOCKER}, {"nvidia_libraries": WORKING}, {"kernel_module": NO_MODULE}])
def test_a_snap_that_hands_the_gpu_in_is_left_alone(changes: dict[str, object]) -> None:
    facts = {**OUT, "container": replace(DOCKER, snap=True), "pci_devices": ON_BUS, "kernel_module": MODULE, "torch": CUDA}
    assert not findings("docker-snap-install", **{**facts, **changes})


HALF = NvidiaLibraries(Nvml(loaded=True, status=0, driver="580.95.05", devices=(RTX5070,)), NO_LIBRARIES.libcuda)


def capabilities(value: str | None) -> Variables:
    return Variables({} if value is None else {"NVIDIA_DRIVER_CAPABILITIES": value})


@pytest.mark.parametrize("value", ["utility", "graphics,utility", "utility,video"])
def test_utility_alone_leaves_libcuda_out(value: str) -> None:
    facts = {"container": DOCKER, "nvidia_libraries": HALF, "torch": CUDA}
    assert value in one("container-driver-capabilities", **facts, variables=capabilities(value)).summary


def test_nvidia_smi_counts_as_an_answer() -> None:
    smi = NvidiaSmi("/usr/bin/nvidia-smi", "580.95.05", devices=(RTX5070,))
    facts = {"container": DOCKER, "nvidia_libraries": NO_LIBRARIES, "nvidia_smi": smi, "torch": CUDA}
    assert one("container-driver-capabilities", **facts, variables=capabilities("utility"))


@pytest.mark.parametrize(
    ("value", "libraries", "container"),
    [
        ("compute,utility", HALF, DOCKER),
        ("all", HALF, DOCKER),
        (None, HALF, DOCKER),  # unset means compute and utility: something else keeps libcuda away
        ("utility", WORKING, DOCKER),
        ("utility", NO_LIBRARIES, DOCKER),
        ("utility", HALF, None),
    ],
)
def test_capabilities_that_are_not_the_cause(value: str | None, libraries: NvidiaLibraries, container: Container | None) -> None:
    facts = {"container": container, "nvidia_libraries": libraries, "torch": CUDA}
    assert not findings("container-driver-capabilities", **facts, variables=capabilities(value))


LOST = NvidiaLibraries(Nvml(loaded=True, status=999, message="Unknown Error"), Libcuda(loaded=True, status=100))


def test_a_container_that_lost_its_grant() -> None:
    found = one("container-lost-gpu-cgroup", container=DOCKER, nvidia_libraries=LOST, device_nodes=NODES, torch=CUDA)
    assert "--device" in str(found.remedies)


@pytest.mark.parametrize(
    "changes",
    [
        {"container": None},
        {"device_nodes": NO_NODES},
        {"device_nodes": DeviceNodes((DeviceNode("/dev/nvidia0", 0o600, 0, 0, usable=False),))},  # permission bits: another cause
        {"nvidia_libraries": WORKING},
        {"nvidia_libraries": NvidiaLibraries(Nvml(loaded=True, status=9), Libcuda(loaded=False))},
    ],
)
def test_a_container_that_lost_nothing(changes: dict[str, object]) -> None:
    facts = {"container": DOCKER, "nvidia_libraries": LOST, "device_nodes": NODES, "torch": CUDA}
    assert not findings("container-lost-gpu-cgroup", **{**facts, **changes})


# ---- WSL

WSL1 = Machine("linux", "x86_64", "4.4.0-19041-Microsoft", 1000, "ubuntu", wsl=1)
NO_INIT = NvidiaLibraries(
    Nvml(loaded=True, status=0, devices=(RTX5070,)), Libcuda(loaded=True, path="/usr/lib/wsl/lib/libcuda.so.1", status=500)
)


def test_wsl_1() -> None:
    assert one("wsl1-not-wsl2", machine=WSL1, torch=CUDA).severity is Severity.BLOCKER
    assert one("wsl1-not-wsl2", machine=WSL1, torch=CPU).severity is Severity.NOTE


@pytest.mark.parametrize("machine", [WSL, LINUX])
def test_not_wsl_1(machine: Machine) -> None:
    assert not findings("wsl1-not-wsl2", machine=machine, torch=CUDA)


def test_an_old_windows_explains_that_no_driver_is_seen() -> None:
    facts = {"machine": WSL, "wsl": Wsl(2, windows_build=19042), "nvidia_libraries": NO_LIBRARIES, "torch": CUDA}
    assert roots("wsl-windows-build-too-old", "wsl-driver-not-visible", **facts) == ["wsl-windows-build-too-old"]


@pytest.mark.parametrize(
    "wsl",
    [Wsl(2, windows_build=19044), Wsl(2, windows_build=None), Wsl(2, dxg=True, windows_build=19042), Wsl(1, windows_build=19042)],
)
def test_a_windows_that_is_new_enough_or_unknown(wsl: Wsl) -> None:
    assert not findings("wsl-windows-build-too-old", machine=WSL, wsl=wsl, nvidia_libraries=NO_LIBRARIES, torch=CUDA)


@pytest.mark.parametrize(
    ("wsl", "libraries", "confidence"),
    [
        (Wsl(2, dxg=True, library=True), NO_LIBRARIES, 0.95),
        (Wsl(2, dxg=True, library=True), NO_INIT, 0.75),
        (Wsl(2, dxg=True), NO_LIBRARIES, 0.5),
        (Wsl(2), NO_LIBRARIES, 0.5),
    ],
)
def test_the_ways_in_which_wsl_shows_no_driver(wsl: Wsl, libraries: NvidiaLibraries, confidence: float) -> None:
    found = one("wsl-driver-not-visible", machine=WSL, wsl=wsl, nvidia_libraries=libraries, torch=CUDA)
    assert found.confidence == confidence
    assert found.severity is (Severity.BLOCKER if confidence > 0.6 else Severity.DEGRADED)


@pytest.mark.parametrize(
    "changes",
    [
        {"nvidia_libraries": WORKING},
        {"wsl": Wsl(2), "torch": CPU},  # a CPU build, and nothing shows that there is a GPU
        {"container": DOCKER},
        {"nvidia_libraries": NvidiaLibraries(Nvml(loaded=True), Libcuda(loaded=True, unfinished="slow: no answer in 2 s"))},
        {"machine": LINUX, "wsl": None},
    ],
)
def test_wsl_that_is_well_or_another_rules_business(changes: dict[str, object]) -> None:
    facts = {"machine": WSL, "wsl": Wsl(2, dxg=True, library=True), "nvidia_libraries": NO_LIBRARIES, "torch": CUDA}
    assert not findings("wsl-driver-not-visible", **{**facts, **changes})


LINUX_LIBRARY = "/usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01"
HIDING = NvidiaLibraries(
    Nvml(loaded=True, status=9),
    Libcuda(loaded=True, path=LINUX_LIBRARY, status=100, message="no CUDA-capable device is detected"),
)


def test_a_linux_driver_in_wsl_is_the_root() -> None:
    facts = {"machine": WSL, "wsl": Wsl(2, True, True, (LINUX_LIBRARY,)), "nvidia_libraries": HIDING, "torch": CUDA}
    assert roots("wsl-linux-driver-installed", "wsl-driver-not-visible", **facts) == ["wsl-linux-driver-installed"]


@pytest.mark.parametrize(
    "changes",
    [
        {"wsl": Wsl(2, dxg=True, library=True)},
        {"nvidia_libraries": WORKING},
        {"nvidia_libraries": NO_INIT},  # it lies there, and Windows' own was loaded
        {"container": DOCKER},
    ],
)
def test_a_linux_library_that_hides_nothing(changes: dict[str, object]) -> None:
    facts = {"machine": WSL, "wsl": Wsl(2, True, True, (LINUX_LIBRARY,)), "nvidia_libraries": HIDING, "torch": CUDA}
    assert not findings("wsl-linux-driver-installed", **{**facts, **changes})


def many(count: int, status: int) -> NvidiaLibraries:
    devices = tuple(Device(index, "NVIDIA GeForce RTX 3090", 86) for index in range(count))
    return NvidiaLibraries(
        Nvml(loaded=True, status=0, devices=devices), Libcuda(loaded=True, status=status, message="out of memory")
    )


@pytest.mark.parametrize(("count", "confidence"), [(8, 0.8), (2, 0.5)])
def test_too_many_gpus_for_wsl(count: int, confidence: float) -> None:
    facts = {"machine": WSL, "nvidia_libraries": many(count, 2), "torch": CUDA}
    assert one("wsl-driver-gpu-limit", **facts).confidence == confidence
    wsl = Wsl(2, dxg=True, library=True)
    assert roots("wsl-driver-gpu-limit", "wsl-driver-not-visible", **facts, wsl=wsl) == ["wsl-driver-gpu-limit"]


@pytest.mark.parametrize(("machine", "count", "status"), [(WSL, 8, 0), (WSL, 1, 2), (LINUX, 8, 2)])
def test_not_too_many_gpus(machine: Machine, count: int, status: int) -> None:
    assert not findings("wsl-driver-gpu-limit", machine=machine, nvidia_libraries=many(count, status), torch=CUDA)


TWO = Gpus((RTX5070, replace(RTX5070, index=1)))


def test_two_gpus_in_wsl() -> None:
    assert one("nccl-wsl-multi-gpu", machine=WSL, gpus=TWO, torch=CUDA, variables=Variables({})).severity is Severity.NOTE


@pytest.mark.parametrize(
    "changes",
    [{"gpus": ONE_GPU}, {"torch": CPU}, {"machine": LINUX}, {"variables": Variables({"NCCL_P2P_DISABLE": "1"})}],
)
def test_nccl_is_no_matter(changes: dict[str, object]) -> None:
    assert not findings(
        "nccl-wsl-multi-gpu", **{"machine": WSL, "gpus": TWO, "torch": CUDA, "variables": Variables({}), **changes}
    )


# ---- Nix

OUTSIDE = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
STORE = "/nix/store/abc-python3.12-torch-2.9.1/lib/python3.12/site-packages/torch"


@pytest.mark.parametrize(
    ("machine", "nix", "words"),
    [
        (LINUX, Nix(interpreter=True, outside=OUTSIDE), "nixGL"),
        (LINUX, Nix(interpreter=False, torch=STORE, outside=OUTSIDE), "nixGL"),
        (replace(LINUX, distro="nixos"), Nix(interpreter=True, torch=STORE), "hardware.graphics.enable"),
        (WSL, Nix(interpreter=True, outside="/usr/lib/wsl/lib/libcuda.so.1"), "/usr/lib/wsl/lib"),
    ],
)
def test_nix_does_not_see_the_driver(machine: Machine, nix: Nix, words: str) -> None:
    found = one("nix-no-driver-lib", machine=machine, nix=nix, torch=CUDA, kernel_module=MODULE)
    assert words in found.remedies[0].title


@pytest.mark.parametrize(
    "changes",
    [
        {"nix": Nix(interpreter=True, outside=OUTSIDE, driver_link=True)},
        {"nix": Nix(interpreter=True, outside=OUTSIDE, on_library_path="/tmp/gl/libcuda.so.1")},
        {"nix": Nix(interpreter=True), "kernel_module": NO_MODULE},  # no driver at all
        {"nix": None},
        {"torch": CPU},
    ],
)
def test_nix_that_sees_the_driver(changes: dict[str, object]) -> None:
    facts = {"machine": LINUX, "nix": Nix(interpreter=True, outside=OUTSIDE), "torch": CUDA, "kernel_module": MODULE}
    assert not findings("nix-no-driver-lib", **{**facts, **changes})


def test_nixpkgs_without_cuda_explains_the_cpu_build() -> None:
    cpu = replace(CPU, version="2.9.1")
    facts = {"nix": Nix(interpreter=True, torch=STORE), "torch": cpu, "gpus": ONE_GPU}
    assert roots("nix-cuda-support-off", "cpu-only-build", **facts) == ["nix-cuda-support-off"]


@pytest.mark.parametrize(
    "changes",
    [
        {"gpus": Gpus(()), "kernel_module": NO_MODULE},  # nothing to use CUDA with
        {"nix": Nix(interpreter=True)},  # torch was put beside Nix by pip
        {"torch": CUDA},
    ],
)
def test_nixpkgs_as_it_should_be(changes: dict[str, object]) -> None:
    facts = {"nix": Nix(interpreter=True, torch=STORE), "torch": CPU, "gpus": ONE_GPU}
    assert not findings("nix-cuda-support-off", **{**facts, **changes})


# ---- Jetson

ORIN = Jetson("NVIDIA Jetson AGX Orin Developer Kit", "36.4.3")
XAVIER = Jetson("NVIDIA Jetson Xavier NX", "35.4.1")
THOR = Jetson("NVIDIA Jetson AGX Thor Developer Kit", "38.2.0")
IGPU = Device(0, "Orin (nvgpu)", 87)


def served(how: str) -> GpuCoverage:
    return GpuCoverage((DeviceCoverage(0, "Orin (nvgpu)", 87, how, 400, 0, 0),))


def test_a_general_cpu_wheel_on_a_jetson() -> None:
    facts = {"machine": ARM, "jetson": ORIN, "torch": CPU, "interpreter": python("3.12.3"), "gpus": Gpus((IGPU,))}
    found = one("jetson-needs-vendor-wheel", **facts)
    assert "Python 3.10" in found.remedies[0].why
    assert roots("jetson-needs-vendor-wheel", "cpu-only-build", **facts) == ["jetson-needs-vendor-wheel"]


def test_a_server_wheel_on_a_jetson() -> None:
    assert one("jetson-needs-vendor-wheel", machine=ARM, jetson=ORIN, torch=CUDA, gpu_coverage=served("no"), interpreter=python())


@pytest.mark.parametrize(
    "changes",
    [
        {"torch": CUDA, "gpu_coverage": served("native")},
        {"torch": CUDA},  # nobody could count its GPU code: no claim
        {"jetson": THOR},
        {"jetson": Jetson("NVIDIA Jetson of tomorrow", "45.1")},
        {"jetson": None},
    ],
)
def test_a_jetson_that_is_well(changes: dict[str, object]) -> None:
    assert not findings(
        "jetson-needs-vendor-wheel", **{"machine": ARM, "jetson": ORIN, "torch": CPU, "interpreter": python(), **changes}
    )


VENDOR = Torch("/env/torch", "2.1.0a0+41361538.nv23.06", "cuda", "cu114", "11.4")


def test_a_wheel_of_another_jetpack() -> None:
    missing = LoadedLibraries((Loaded("libcublas.so.11", "", "", ("/env/torch/lib/libtorch_cuda.so",)),))
    found = one("jetson-wheel-jetpack-mismatch", machine=ARM, jetson=ORIN, torch=VENDOR, loaded_libraries=missing)
    assert found.confidence == 0.9
    assert "missing-cuda-runtime-lib" in found.explains


@pytest.mark.parametrize(
    "changes",
    [
        {"jetson": XAVIER},
        {"loaded_libraries": LoadedLibraries((Loaded("libcublas.so.11", "/usr/lib/libcublas.so.11", "default", ("x",)),))},
        {"torch": replace(CUDA, cuda="11.4")},  # not NVIDIA's own wheel: judged by its GPU code
    ],
)
def test_a_wheel_of_this_jetpack(changes: dict[str, object]) -> None:
    assert not findings("jetson-wheel-jetpack-mismatch", **{"machine": ARM, "jetson": ORIN, "torch": VENDOR, **changes})
