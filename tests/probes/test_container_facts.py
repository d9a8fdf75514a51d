"""Container, WSL, Jetson and Nix: what the marks of each become."""

from __future__ import annotations

import pytest
from tests.lab.machine import MachineFactory
from tests.probes.paper import PaperHost
from tests.rules.judging import ARM, CPU, LINUX, NO_LIBRARIES, WORKING, WSL, python

from torchsmith.host.local import LocalHost
from torchsmith.model.facts.container import Container, Jetson, Nix, Wsl
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace
from torchsmith.probes import container, jetson, machine, nix, wsl

HOST_MOUNTS = """\
23 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
"""
DOCKER_HOST = HOST_MOUNTS + (
    "612 28 0:54 / /var/lib/docker/overlay2/4fa0/merged rw shared:330 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l\n"
    "700 28 0:60 / /var/lib/lxcfs rw,nosuid - fuse.lxcfs lxcfs rw\n"
    "701 28 259:2 /var/snap/docker/common /var/snap/docker/common/x rw - ext4 /dev/nvme0n1p2 rw\n"
)
DOCKER_INSIDE = """\
781 654 0:54 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB,upperdir=/var/lib/docker/overlay2/4fa/diff
790 781 259:2 /var/lib/docker/containers/0f/resolv.conf /etc/resolv.conf rw,relatime - ext4 /dev/nvme0n1p2 rw
"""
SNAP_INSIDE = """\
781 654 0:54 / / rw,relatime - overlay overlay rw,upperdir=/var/snap/docker/common/var-lib-docker/overlay2/4fa/diff
790 781 259:2 /var/snap/docker/common/var-lib-docker/containers/0f/hosts /etc/hosts rw,relatime - ext4 /dev/nvme0n1p2 rw
"""
POD_INSIDE = """\
900 800 0:99 / / rw - overlay overlay rw,upperdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs
901 900 259:2 /var/lib/kubelet/pods/1/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw
"""
PODMAN_INSIDE = "5 4 0:9 / / rw - overlay overlay rw,upperdir=/home/me/.local/share/containers/storage/overlay/1/diff\n"
LXC_INSIDE = "9 4 0:51 /proc/cpuinfo /proc/cpuinfo rw,nosuid - fuse.lxcfs lxcfs rw\n"


@pytest.mark.parametrize(
    ("files", "values", "mounts", "kind", "snap"),
    [
        ({"/.dockerenv": "docker"}, {}, HOST_MOUNTS, "docker", False),
        ({"/.dockerenv": "docker"}, {}, DOCKER_INSIDE, "docker", False),
        ({}, {}, DOCKER_INSIDE, "docker", False),
        ({"/.dockerenv": "docker"}, {}, SNAP_INSIDE, "docker", True),
        ({}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, POD_INSIDE, "kubernetes", False),
        ({}, {}, POD_INSIDE, "kubernetes", False),
        ({"/run/.containerenv": "podman"}, {}, "", "podman", False),
        ({}, {}, PODMAN_INSIDE, "podman", False),
        ({}, {"APPTAINER_CONTAINER": "/images/torch.sif"}, HOST_MOUNTS, "apptainer", False),
        ({}, {}, LXC_INSIDE, "lxc", False),
        ({}, {"container": "systemd-nspawn"}, "", "systemd-nspawn", False),
    ],
)
def test_a_container_by_its_marks(files: dict[str, str], values: dict[str, str], mounts: str, kind: str, snap: bool) -> None:
    found = container.parse(files, values, mounts)
    assert found is not None
    assert (found.kind, found.snap) == (kind, snap)
    assert found.marks


@pytest.mark.parametrize("mounts", ["", HOST_MOUNTS, DOCKER_HOST, "\x00 garbage\n1 2\n" * 50])
def test_no_container(mounts: str) -> None:
    assert container.parse({}, {"container": "vte", "CUDA_VERSION": "12.8"}, mounts) is None


def test_what_the_image_says_of_itself() -> None:
    host = PaperHost(
        {"/.dockerenv": "", "/proc/self/mountinfo": ""}, variables={"NVIDIA_REQUIRE_CUDA": "cuda>=12.8", "CUDA_VERSION": "12.8"}
    )
    found = container.container(host, LINUX)
    assert isinstance(found, Known)
    assert found.value == Container("docker", ("/.dockerenv",), image=("NVIDIA_REQUIRE_CUDA=cuda>=12.8", "CUDA_VERSION=12.8"))


def test_without_proc_nobody_can_tell() -> None:
    assert isinstance(container.container(PaperHost(), LINUX), Unknown)


# ---- WSL


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("\r\nMicrosoft Windows [Version 10.0.19045.4170]\r\n", 19045),
        ("Microsoft Windows [Versión 10.0.22631.3296]", 22631),
        ("'ver' is not recognized", None),
        ("", None),
    ],
)
def test_windows_names_its_build(text: str, build: int | None) -> None:
    assert wsl.parse_build(text) == build


LENT = {"/dev/dxg": "", "/usr/lib/wsl/lib/libcuda.so.1": ""}
CMD = "/mnt/c/Windows/System32/cmd.exe"


def test_a_working_wsl_starts_no_windows_program() -> None:
    host = PaperHost({**LENT, CMD: ""}, ran={CMD: "Version 10.0.19045.1"})
    assert wsl.wsl(host, WSL, WORKING) == Known(Wsl(2, dxg=True, library=True), "/dev/dxg, /usr/lib/wsl/lib/libcuda.so.1")
    assert not [request for request in host.asked if request[0] == "run"]


def test_a_broken_wsl_asks_windows() -> None:
    linux = "/usr/lib/x86_64-linux-gnu/libcuda.so.535.183.01"
    host = PaperHost(
        {CMD: "", linux: "", "/dev/null": ""},
        links={"/usr/lib/x86_64-linux-gnu/libcuda.so.1": linux},
        ran={CMD: "[Version 10.0.19042.928]"},
    )
    found = wsl.wsl(host, WSL, NO_LIBRARIES)
    assert isinstance(found, Known)
    assert found.value == Wsl(2, linux_libraries=(linux,), windows_build=19042)


def test_a_link_to_the_lent_library_is_no_linux_driver() -> None:
    host = PaperHost(LENT, links={"/usr/lib/x86_64-linux-gnu/libcuda.so.1": "/usr/lib/wsl/lib/libcuda.so.1"})
    found = wsl.wsl(host, WSL, NO_LIBRARIES)
    assert isinstance(found, Known)
    assert found.value == Wsl(2, dxg=True, library=True)


def test_wsl_of_the_laboratory(fake_machine: MachineFactory) -> None:
    lab = fake_machine("rtx5070ti-wsl")
    host = LocalHost(root=str(lab.root), environ=lab.environ())
    here = replace(WSL, kernel="")
    found = wsl.wsl(host, here, WORKING)
    assert isinstance(found, Known)
    assert found.value is not None
    assert (found.value.dxg, found.value.library) == (True, True)
    assert wsl.wsl(host, LINUX, WORKING) == Known(None, "not WSL")


def test_nobody_looked() -> None:
    assert isinstance(wsl.wsl(PaperHost(), WSL, NO_LIBRARIES), Unknown)


# ---- Jetson

RELEASE = "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64, DATE: Wed Jan  8 01:49:37 UTC 2025\n"


@pytest.mark.parametrize(
    ("release", "model", "expected"),
    [
        (RELEASE, "NVIDIA Jetson AGX Orin Developer Kit\0", Jetson("NVIDIA Jetson AGX Orin Developer Kit", "36.4.3")),
        (RELEASE, "", Jetson("", "36.4.3")),
        ("", "NVIDIA Jetson AGX Thor Developer Kit\0", Jetson("NVIDIA Jetson AGX Thor Developer Kit")),
        ("", "NVIDIA Orin Nano Developer Kit\0", Jetson("NVIDIA Orin Nano Developer Kit")),
        ("# R32 (release), REVISION: 7.1, GCID: 29818004", "quill\0", Jetson("quill", "32.7.1")),
        ("", "Raspberry Pi 5 Model B Rev 1.0\0", None),
        ("", "", None),
        ("R36 of something else", "Ampere Altra", None),
    ],
)
def test_a_jetson_by_its_files(release: str, model: str, expected: Jetson | None) -> None:
    assert jetson.parse(release, model) == expected


def test_only_arm_is_asked() -> None:
    host = PaperHost({"/etc/nv_tegra_release": RELEASE})
    assert jetson.jetson(host, LINUX) == Known(None, "linux-x86_64 is no Jetson")
    assert not host.asked
    found = jetson.jetson(host, ARM)
    assert isinstance(found, Known)
    assert found.value == Jetson("", "36.4.3")


# ---- Nix

PYTHON = "/nix/store/p-python3-3.12.4"
TORCH = "/nix/store/t-python3.12-torch/lib/python3.12/site-packages/torch"
OUTSIDE = "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
NIX_PYTHON = python(base_prefix=PYTHON, executable=f"{PYTHON}/bin/python3")


def test_a_python_from_nix_beside_the_hosts_driver() -> None:
    host = PaperHost({f"{PYTHON}/bin/python3": "", OUTSIDE: ""})
    found = nix.nix(host, LINUX, NIX_PYTHON, Variables({}), None)
    assert isinstance(found, Known)
    assert found.value == Nix(interpreter=True, outside=OUTSIDE)


def test_torch_that_a_profile_links_into_the_store() -> None:
    profile = "/home/me/.nix-profile/lib/torch"
    host = PaperHost({f"{TORCH}/version.py": "", "/tmp/gl/libcuda.so.1": ""}, links={profile: TORCH})
    found = nix.nix(host, LINUX, python(), Variables({"LD_LIBRARY_PATH": "/tmp/gl:/none"}), replace(CPU, folder=profile))
    assert isinstance(found, Known)
    assert found.value == Nix(interpreter=False, torch=TORCH, on_library_path="/tmp/gl/libcuda.so.1")


def test_nix_beside_an_environment_of_its_own() -> None:
    host = PaperHost({f"{PYTHON}/bin/python3": "", "/env/torch/version.py": "", "/env/bin/python": ""})
    assert nix.nix(host, LINUX, python(), Variables({}), CPU) == Known(None, "neither Python nor torch lies in /nix/store")


def test_without_a_store_nothing_is_asked() -> None:
    host = PaperHost()
    assert nix.nix(host, LINUX, python(), Variables({}), CPU) == Known(None, "no /nix/store")
    assert len(host.asked) == 1


# ---- the machine itself


def test_rosetta_does_not_hide_the_mac() -> None:
    version = "Darwin Kernel Version 23.1.0: Mon Oct  9 21:28:45 PDT 2023; root:xnu-10002.41.9~6/RELEASE_ARM64_T6020"
    told = {"os": "macos", "machine": "x86_64", "release": "23.1.0", "version": version, "user_id": 501}
    assert machine.parse_other(told).arch == "aarch64"
    assert machine.parse_other({**told, "version": version.replace("RELEASE_ARM64_T6020", "RELEASE_X86_64")}).arch == "x86_64"


@pytest.mark.parametrize(
    ("kernel", "version"),
    [
        ("4.4.0-19041-Microsoft", 1),
        ("5.15.167.4-microsoft-standard-WSL2", 2),
        ("6.6.87.2-microsoft-standard-WSL2+", 2),
        ("6.1.0-37-amd64", None),
        ("6.2.0-1018-azure", None),
    ],
)
def test_wsl_by_its_kernel(kernel: str, version: int | None) -> None:
    assert machine.wsl_version(kernel) == version


def test_a_machine_is_of_its_systems() -> None:
    assert Machine("linux", "x86_64", wsl=2).systems == {"linux", "wsl"}
