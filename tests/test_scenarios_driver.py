"""Fake machines with every state of a driver, judged by the real `check`: the cause, and no false alarm on healthy ones.

torch is assumed, so that no environment has to be built; the driver's libraries, nvidia-smi, /proc, /sys and /dev are the
laboratory's.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.lab import machine as lab
from tests.lab.driver import Driver
from tests.lab.machine import FakeMachine, MachineFactory, PciDevice, Scenario
from torchsmith import cli
from torchsmith.app import check
from torchsmith.app.catalogue import RULES
from torchsmith.host.local import LocalHost
from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.facts.container import Container
from torchsmith.model.facts.python import Interpreter, Packages, Target
from torchsmith.model.facts.torch import Torch, TorchGpuCode
from torchsmith.model.finding import Outcome
from torchsmith.model.gpu_code import Group
from torchsmith.model.known import Fact, Known

FAMILIES = ("torchsmith.rules.driver.", "torchsmith.rules.datacentre.", "torchsmith.rules.visibility.")
OURS = tuple(node.slug for node in RULES if node.module.startswith(FAMILIES))
SASS = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
QUIET = ("SLURM_JOB_ID", "CUDA_VISIBLE_DEVICES", "COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "LD_LIBRARY_PATH")

pytestmark = pytest.mark.skipif(not lab.hides_own_driver(), reason="this machine has a driver of its own")


def assumed(torch: str = "2.14.1", kind: str = "cuda", cuda: str | None = "13.0", **more: Fact[Any]) -> dict[str, Fact[Any]]:
    """An environment with a torch in it, outside of any container."""
    code = TorchGpuCode("libtorch_cuda.so", (Group(SASS, ("compute_120",), 400),), SASS, ("compute_120",))
    python = Interpreter("/venv/bin/python", "3.12.3", "/venv", "/usr", 64, "x86_64", "linux", "venv", (), ())
    build = {"cuda": "cu130", "cpu": "cpu"}.get(kind, kind)
    facts: dict[str, Fact[Any]] = {
        "target": Known(Target("/venv/bin/python", "test"), "test"),
        "interpreter": Known(python, "test"),
        "packages": Known(Packages(()), "test"),
        "torch": Known(Torch("/venv/torch", torch, kind, build, cuda if kind == "cuda" else None), "test"),
        "torch_gpu_code": Known(code, "test"),
        "container": Known(None, "test"),
    }
    return facts | more


def host(machine: FakeMachine, **environ: str) -> LocalHost:
    base = {key: value for key, value in os.environ.items() if key not in QUIET}
    return LocalHost(root=str(machine.root), environ=machine.environ(base, **environ), wait=1.0)


def diagnose(machine: FakeMachine, facts: Mapping[str, Fact[Any]] | None = None, **environ: str) -> Diagnosis:
    found = check.check(host(machine, **environ), facts or assumed(), OURS)
    assert not [j for j in found.judgements if j.outcome is Outcome.CRASHED]
    return found


def causes(diagnosis: Diagnosis) -> list[str]:
    return [finding.cause for finding in diagnosis.root_causes]


def changed(name: str, **changes: Any) -> Scenario:
    """A scenario with some fields changed; those of its driver begin with `driver_`."""
    scenario = lab.scenarios()[name]
    driver = {key.removeprefix("driver_"): value for key, value in changes.items() if key.startswith("driver_")}
    rest = {key: value for key, value in changes.items() if not key.startswith("driver_")}
    if driver:
        assert isinstance(scenario.driver, Driver)
        rest["driver"] = replace(scenario.driver, **driver)
    files = {**scenario.files, **rest.pop("files", {})}
    return replace(scenario, files=files, **rest)


# ---- healthy


@pytest.mark.parametrize(
    "name",
    [
        "rtx5070ti",
        "rtx5070",
        "h100-rtx3060",
        "h200",
        "h200-8",
        "h200-mig",
        "gb10",
        "smi-missing",
        "nvml-missing",
        "smi-hangs",
        "rtx3060-driver610",
        "future",
        "hybrid",
        "rtx5070ti-wsl",
    ],
)
def test_a_healthy_driver_raises_no_alarm(name: str, fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine(name))
    assert causes(diagnosis) == []
    assert diagnosis.facts["driver_state"].value.stage == "works"  # type: ignore[union-attr]


def test_a_driver_one_minor_behind_is_healthy(fake_machine: MachineFactory) -> None:
    machine = fake_machine("h200-driver550")
    assert causes(diagnose(machine, assumed(cuda="12.8"))) == []


def test_a_working_driver_needs_no_proc_and_no_dev(fake_machine: MachineFactory, tmp_path: Path) -> None:
    machine = fake_machine("rtx5070ti")
    bare = LocalHost(root=str(tmp_path), environ=machine.environ(), wait=2.0)
    assert causes(check.check(bare, assumed(), OURS)) == []


def test_no_gpu_and_a_cpu_build_fit(fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine("no-gpu"), assumed(kind="cpu"))
    assert causes(diagnosis) == []
    assert diagnosis.verdict is Verdict.FITS


# ---- what the driver says of itself, on a whole machine


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("rtx3060-driver535", "driver-too-old-for-cuda"),
        ("rtx3060-driver470", "driver-too-old-for-cuda"),
        ("version-mismatch", "nvidia-module-version-mismatch"),
        ("could-not-communicate", "driver-module-not-loaded"),
        ("nouveau", "nouveau-conflict"),
        ("no-driver", "no-nvidia-driver"),
        ("libcuda-missing", "no-nvidia-driver"),
        ("libcuda-stub", "cuda-stub-library"),
        ("gpu-lost", "gpu-hardware-fault"),
        ("not-initialised", "fabric-manager-not-running"),
        ("amd", "wrong-accelerator-backend"),
        ("intel", "wrong-accelerator-backend"),
        ("no-gpu", "no-nvidia-gpu"),
        ("no-devices", "no-nvidia-gpu"),
    ],
)
def test_cause(name: str, cause: str, fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine(name))
    assert causes(diagnosis)[:1] == [cause], diagnosis.facts["driver_state"]
    degraded = cause == "no-nvidia-gpu"
    assert diagnosis.verdict is (Verdict.DEGRADED if degraded else Verdict.BLOCKED)
    assert len(causes(diagnosis)) == 1


RM_INIT = "6,812,1,-;NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:884)\n"
XID = "4,900,1,-;NVRM: Xid (PCI:0000:01:00): 79, pid=0, GPU has fallen off the bus.\n"
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
EFI_ON = {SECURE_BOOT: "\x06\x00\x00\x00\x01"}
KEY = {"/dev/kmsg": "3,1,1,-;nvidia: Loading of unsigned module is rejected\n"}
PROPRIETARY = {"kernel_module": "proprietary", "driver_gpus": (), "driver_cuda_init": 100}
SLEPT = {"/sys/power/suspend_stats/success": "3\n"}


@pytest.mark.parametrize(
    ("scenario", "cause"),
    [
        (changed("rtx3060-driver610", driver_cuda_init=804), "forward-compat-on-consumer-gpu"),
        (changed("rtx3060-driver610", driver_cuda_init=803), "driver-user-kernel-mismatch"),
        (changed("rtx3060-driver610", driver_cuda_init=3), "uvm-hmm-init-failure"),
        (changed("rtx3060-driver610", driver_cuda_init=999, files=SLEPT), "uvm-broken-after-suspend"),
        (
            changed("rtx3060-driver610", driver_cuda_init=999, files={"/proc/modules": "nvidia 1 0 - Live 0x0\n"}),
            "uvm-not-loaded",
        ),
        (changed("rtx3060-driver610", driver_cuda_init=805), "cuda-does-not-start"),
        (changed("rtx3060-driver610", driver_nvml_init=4, driver_cuda_init=100), "device-node-permissions"),
        (changed("rtx3060-driver610", driver_nvml_init=16, driver_cuda_init=999), "gpu-hardware-fault"),
        (changed("rtx3060-driver610", driver_cuda_init=999, files={"/dev/kmsg": XID}), "gpu-hardware-fault"),
        (changed("rtx5070", **PROPRIETARY), "blackwell-needs-open-module"),
        (changed("rtx5070", driver_gpus=(), driver_cuda_init=100, files={"/dev/kmsg": RM_INIT}), "gpu-init-failed-bios-bar"),
        (changed("rtx5070", driver_version="535.183.01", driver_gpus=(), driver_cuda_init=100), "driver-too-old-for-cuda"),
        (changed("gtx1080ti", driver_version="590.48.01", driver_gpus=(), driver_cuda_init=100), "gpu-dropped-by-driver"),
        (changed("could-not-communicate", files={"/etc/prime-discrete": "off\n"}), "hybrid-gpu-disabled"),
        (changed("could-not-communicate", files=KEY | EFI_ON), "secure-boot-blocks-module"),
        (changed("h200-mig", driver_cuda_init=100), "mig-misconfig"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_cause_of_a_changed_machine(scenario: Scenario, cause: str, fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine(scenario))
    assert causes(diagnosis)[:1] == [cause], diagnosis.facts["driver_state"]
    assert diagnosis.verdict is Verdict.BLOCKED


def test_two_drivers_over_each_other(fake_machine: MachineFactory) -> None:
    libraries = {f"/usr/lib/x86_64-linux-gnu/libcuda.so.{version}": "" for version in ("575.57.08", "580.95.05")}
    diagnosis = diagnose(fake_machine(changed("version-mismatch", files=libraries)))
    assert causes(diagnosis) == ["driver-user-kernel-mismatch"]


def test_an_image_with_its_own_driver(fake_machine: MachineFactory) -> None:
    inside = assumed(container=Known(Container("docker", ("/.dockerenv",)), "test"))
    assert causes(diagnose(fake_machine("version-mismatch"), inside)) == ["container-userspace-driver-mismatch"]


def test_the_running_kernel_has_no_module(fake_machine: MachineFactory) -> None:
    here = os.uname().release
    files = {
        f"/lib/modules/{here}/modules.dep": "kernel/fs/ext4/ext4.ko:\n",
        "/lib/modules/6.1.0-1/modules.dep": "updates/dkms/nvidia.ko:\n",
    }
    diagnosis = diagnose(fake_machine(changed("could-not-communicate", files=files)))
    assert causes(diagnosis) == ["driver-module-not-loaded"]
    assert "not built for the running kernel" in diagnosis.root_causes[0].summary
    assert "6.1.0-1" in str(diagnosis.root_causes[0].remedies)


def test_a_compat_library_that_is_older_than_the_driver(fake_machine: MachineFactory, tmp_path: Path) -> None:
    machine = fake_machine(changed("rtx3060-driver610", driver_cuda_init=803))
    compat = tmp_path / "compat"
    compat.mkdir()
    stock = Path(machine.variables["LD_LIBRARY_PATH"]) / "libcuda.so.1"
    (compat / "libcuda.so.550.54.15").write_bytes(stock.read_bytes())
    (compat / "libcuda.so.1").symlink_to("libcuda.so.550.54.15")
    diagnosis = diagnose(machine, LD_LIBRARY_PATH=f"{compat}:{machine.variables['LD_LIBRARY_PATH']}")
    assert causes(diagnosis) == ["compat-lib-shadows-driver"]


def test_a_compat_library_that_works_lifts_the_driver(fake_machine: MachineFactory, tmp_path: Path) -> None:
    machine = fake_machine(changed("h200-driver550", driver_cuda="13.0"))
    compat = tmp_path / "compat"
    compat.mkdir()
    stock = Path(machine.variables["LD_LIBRARY_PATH"]) / "libcuda.so.1"
    (compat / "libcuda.so.1").write_bytes(stock.read_bytes())
    assert causes(diagnose(machine)) == ["driver-too-old-for-cuda"]
    assert causes(diagnose(machine, LD_LIBRARY_PATH=f"{compat}:{machine.variables['LD_LIBRARY_PATH']}")) == []


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("", "cuda-visible-devices-hides"),
        ("-1", "cuda-visible-devices-hides"),
        ("7", "cuda-visible-devices-hides"),
        ("0,9", "cuda-visible-devices-hides"),
        ("0", ""),
        ("1,0", ""),
        ("GPU-00000001", ""),
    ],
)
def test_cuda_visible_devices(value: str, cause: str, fake_machine: MachineFactory) -> None:
    assert causes(diagnose(fake_machine("h100-rtx3060"), CUDA_VISIBLE_DEVICES=value)) == ([cause] if cause else [])


def test_a_slurm_job_without_a_gpu(fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine("h200"), SLURM_JOB_ID="17", CUDA_VISIBLE_DEVICES="NoDevFiles")
    assert causes(diagnosis) == ["scheduler-no-gpu-allocated"]
    assert causes(diagnose(fake_machine("h200"), SLURM_JOB_ID="17", SLURM_JOB_GPUS="0", CUDA_VISIBLE_DEVICES="0")) == []


def test_colab_without_a_gpu(fake_machine: MachineFactory) -> None:
    assert causes(diagnose(fake_machine("no-gpu"), COLAB_RELEASE_TAG="release-colab_20260101")) == ["scheduler-no-gpu-allocated"]


def test_integrated_graphics_are_no_accelerator(fake_machine: MachineFactory) -> None:
    uhd = PciDevice("8086", "9bc5", "030000", "i915")
    assert causes(diagnose(fake_machine(changed("no-gpu", others=(uhd,))))) == ["no-nvidia-gpu"]


def test_a_rocm_build_on_an_nvidia_gpu(fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine("rtx5070"), assumed("2.14.1+rocm7.1", "rocm"))
    assert causes(diagnosis) == ["wrong-accelerator-backend"]


# ---- a driver that hangs or dies says nothing, and is not called missing


@pytest.mark.parametrize("name", ["driver-hangs", "driver-hangs-with-child", "cuda-hangs", "driver-crashes"])
def test_no_answer_is_no_verdict(name: str, fake_machine: MachineFactory) -> None:
    diagnosis = diagnose(fake_machine(name))
    assert diagnosis.verdict is Verdict.UNKNOWN
    assert causes(diagnosis) == []
    assert "driver_state" in diagnosis.undecided
    assert [device.name for device in diagnosis.facts["gpus"].value] == ["NVIDIA GeForce RTX 3060"]  # type: ignore[union-attr]
    assert diagnosis.facts["driver"].value.version == "580.95.05"  # type: ignore[union-attr]


# ---- only a program or a library in a folder: no /proc, no PCI


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """An environment whose nvidia-smi is a shell script."""
    folder.mkdir(exist_ok=True)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {**{k: v for k, v in os.environ.items() if k not in QUIET}, "PATH": f"{folder}:{os.environ['PATH']}"}


def bare(tmp_path: Path, environ: dict[str, str]) -> Diagnosis:
    root = tmp_path / "root"
    root.mkdir()
    return check.check(LocalHost(root=str(root), environ=environ, wait=0.6), assumed(), OURS)


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (
            'echo "NVIDIA-SMI has failed because it couldn\'t communicate with the NVIDIA driver."; exit 9',
            "driver-module-not-loaded",
        ),
        ("echo 'Failed to initialize NVML: Driver/library version mismatch'; exit 18", "nvidia-module-version-mismatch"),
        ("echo 'No devices were found'; exit 6", "no-nvidia-gpu"),
        ("echo 'Unable to determine the device handle for GPU 0000:0B:00.0: Unknown Error'; exit 255", "gpu-hardware-fault"),
    ],
    ids=["9", "18", "6", "255"],
)
def test_nvidia_smi_alone(script: str, cause: str, tmp_path: Path) -> None:
    assert causes(bare(tmp_path, stand_in(tmp_path / "bin", script)))[:1] == [cause]


def test_a_driver_without_a_card_is_no_fault_of_a_cpu_build(fake_machine: MachineFactory) -> None:
    scenario = changed("could-not-communicate", gpus=(), driver_gpus=())
    assert causes(diagnose(fake_machine(scenario))) == ["driver-module-not-loaded"]
    assert causes(diagnose(fake_machine(scenario), assumed(kind="cpu"))) == []


def test_nvidia_smi_alone_that_lists_gpus(tmp_path: Path) -> None:
    row = "0, NVIDIA GeForce RTX 3060, GPU-0, 12288, 00000000:01:00.0, 580.95.05, 8.6"
    assert causes(bare(tmp_path, stand_in(tmp_path / "bin", f"echo '{row}'"))) == ["no-nvidia-driver"]


def test_nvidia_smi_alone_that_hangs(tmp_path: Path) -> None:
    diagnosis = bare(tmp_path, stand_in(tmp_path / "bin", "exec sleep 30"))
    assert diagnosis.verdict is Verdict.UNKNOWN
    assert causes(diagnosis) == []
    assert diagnosis.facts["gpus"].reason.startswith("slow: no answer in")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (999, "uvm-broken-after-suspend"),
        (803, "driver-user-kernel-mismatch"),
        (802, "fabric-manager-not-running"),
        (304, "cuda-does-not-start"),
    ],
)
def test_libraries_alone(code: int, cause: str, fake_machine: MachineFactory, tmp_path: Path) -> None:
    environ = fake_machine(changed("rtx3060-driver610", driver_cuda_init=code)).environ()
    assert causes(bare(tmp_path, environ))[:1] == [cause]


def test_the_command_line(fake_machine: MachineFactory, capsys: pytest.CaptureFixture[str]) -> None:
    status = cli.run(["check", "--json", "--assume", "torch=2.14.1+cu130"], host(fake_machine("version-mismatch")))
    document = json.loads(capsys.readouterr().out)
    found = [cause["cause"] for cause in document["root_causes"]]
    assert {"nvidia-module-version-mismatch", "container-userspace-driver-mismatch"} & set(found)
    assert status == 1
