"""Facts of a made-up machine on which everything is known, and findings of every form: what reports are tested with."""

from __future__ import annotations

from typing import Any

from torchsmith.model.diagnosis import Diagnosis, Verdict
from torchsmith.model.facts.container import Container, Jetson, Wsl
from torchsmith.model.facts.driver import DeviceNode, DeviceNodes, DriverState
from torchsmith.model.facts.gpu import Device, Driver, Gpus, KernelModule, PciDevices
from torchsmith.model.facts.hardware import (
    Cgroup,
    CompatLibraries,
    Computer,
    Disk,
    Disks,
    Limits,
    Memory,
    OtherGpu,
    OtherGpus,
    Processor,
    Program,
    Toolchain,
)
from torchsmith.model.facts.install import Index, Indexes, TorchInstall
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages, Target, Variables
from torchsmith.model.facts.system import Cpu, WindowsSettings
from torchsmith.model.facts.toolkit import HostCompiler, Toolkit, Toolkits
from torchsmith.model.facts.torch import Torch, TorchGpuCode
from torchsmith.model.finding import Finding, Judgement, Outcome, Proof, Remedy, Safety, Severity, WontHelp
from torchsmith.model.known import Fact, Known

GIB = 1 << 30
H200 = Device(
    0,
    "NVIDIA H200",
    90,
    memory=150_754_820_096,
    pci="00000000:0F:00.0",
    mig=True,
    mig_instances=2,
    compute_mode=3,
    display=False,
    persistence=True,
    fabric=2,
)
T400 = Device(1, "NVIDIA T400 4GB", 75, memory=4 * GIB, pci="00000000:65:00.0", mig=None, compute_mode=0, display=True)


def facts() -> dict[str, Fact[Any]]:
    """Every fact that the machine's block shows."""
    site = "/srv/env/lib/python3.13/site-packages"
    installed = [("torch", "2.14.1"), ("torchvision", "0.29.1"), ("numpy", "2.3.4"), ("nvidia-cudnn-cu13", "9.14.0.64")]
    packages = (*(Package(name, version, site) for name, version in installed), Package("numpy", "1.26.4", "/usr/lib/python3"))
    values: dict[str, Any] = {
        "machine": Machine(
            os="linux",
            arch="x86_64",
            kernel="6.8.0-85-generic",
            user_id=1000,
            distro_name="Ubuntu 24.04.3 LTS",
            libc="glibc",
            libc_version="2.39",
            wsl=2,
        ),
        "computer": Computer("Dell Inc.", "PowerEdge XE9680", secure_boot=True),
        "container": Container("docker", ("/.dockerenv",), snap=True, image=("CUDA_VERSION=13.0.1",)),
        "wsl": Wsl(2, dxg=True, library=True, linux_libraries=("/usr/lib/x86_64-linux-gnu/libcuda.so.580.65.06",)),
        "jetson": Jetson("NVIDIA Jetson AGX Orin", "36.4.3"),
        "processor": Processor("Intel(R) Core(TM) i9-14900K", 32, 24, 8, 16, level=3, nodes=2, virtual=True),
        "cpu": Cpu("Intel(R) Core(TM) i9-14900K", 3, avx=True, avx2=True),
        "memory": Memory(64 * GIB, 51 * GIB, 8 * GIB, 8 * GIB, 64 << 20, 32 << 20),
        "cgroup": Cgroup(2, 6.5, 16 * GIB, 3 * GIB),
        "limits": Limits(1024, 8 << 20, 127_000, 40 * GIB, 16, ("IPC_LOCK", "SYS_ADMIN")),
        "windows_settings": WindowsSettings(page_files=(("C:\\pagefile.sys", 1024, 4096), ("?:\\pagefile.sys", 0, 0))),
        "disks": Disks(
            (
                Disk("environment", "/srv/env", 1000 * GIB, 212 * GIB, "nfs4"),
                Disk("temp", "/tmp", 2 * GIB, GIB // 2, "tmpfs", ("noexec",)),
                Disk("home", "/home/me", kind="lustre", options=("ro",), why="Stale file handle"),
            )
        ),
        "gpus": Gpus((H200, T400), "NVML"),
        "other_gpus": OtherGpus((OtherGpu("AMD", "Navi 31 [Radeon RX 7900 XTX]", "0000:03:00.0", "amdgpu", 24 * GIB),)),
        "driver": Driver("580.95.05", "580.65.06", "13.0", works=False, compat=True),
        "kernel_module": KernelModule("580.65.06", "open", loaded=True, uvm=True),
        "driver_state": DriverState("cuda", 802, "cuInit status 802: CUDA_ERROR_SYSTEM_NOT_READY"),
        "pci_devices": PciDevices(()),
        "compat_libraries": CompatLibraries((("/usr/local/cuda-13.0/compat/libcuda.so.580.65.06", "580.65.06"),)),
        "device_nodes": DeviceNodes(
            tuple(DeviceNode(f"/dev/{n}", 0o666, 0, 0, usable=n != "nvidia-uvm") for n in ("nvidia0", "nvidiactl", "nvidia-uvm"))
        ),
        "toolkits": Toolkits(
            (
                Toolkit("/usr/local/cuda-12.4", "12.4.1", "/usr/local/cuda-12.4/bin/nvcc"),
                Toolkit("/opt/cuda", "", missing=("cusparse.h",)),
            ),
            "/usr/local/cuda-12.4",
            "CUDA_HOME",
            "/opt/cuda",
        ),
        "toolchain": Toolchain(
            (Program("gcc", "/usr/bin/gcc", "13"), Program("gcc-12", "/usr/bin/gcc-12", "12"), Program("icpx", "/opt/icpx")),
            (Program("cmake", "/usr/bin/cmake", "3.28"), Program("git", "/usr/bin/git")),
        ),
        "host_compiler": HostCompiler("gcc", "/usr/bin/gcc", "13", "PATH"),
        "variables": Variables({"CUDA_HOME": "/usr/local/cuda-12.4", "CUDA_VISIBLE_DEVICES": "0,1"}),
        "target": Target("/srv/env/bin/python", "VIRTUAL_ENV"),
        "interpreter": Interpreter(
            executable="/srv/env/bin/python",
            version="3.13.7",
            prefix="/srv/env",
            base_prefix="/usr",
            bits=64,
            machine="aarch64",
            platform="linux",
            kind="venv",
            search_path=(site,),
            site_packages=(site,),
            user_site="/home/me/.local/lib/python3.13/site-packages",
            free_threaded=True,
            libc="glibc 2.39",
            system_site=True,
            pythonpath=("/home/me/lib",),
        ),
        "environment": Environment(
            "venv", "uv", "VIRTUAL_ENV", "/srv", changeable=False, why_not="this user may not write to it"
        ),
        "torch": Torch(f"{site}/torch", "2.14.1+cu130", "cuda", "cu130", "13.0", git="0123456789abcdef"),
        "torch_install": TorchInstall(f"{site}/torch", installer="uv"),
        "torch_gpu_code": TorchGpuCode("libtorch_cuda.so", (), ("sm_75", "sm_90"), ("compute_120",)),
        "packages": Packages(packages, leftovers=("~orch",)),
        "indexes": Indexes((Index("https://example.org/simple", "index", "UV_INDEX_URL"),), "cu130"),
    }
    return {name: Known(value, "made up") for name, value in values.items()}


def finding(text: str = "", severity: Severity = Severity.BLOCKER) -> Finding:
    """A finding with everything that one can have; ``text`` stands in every field from outside."""
    return Finding(
        severity=severity,
        subject="gpu:0",
        summary=f"summary {text}",
        evidence=(Proof("driver", f"value {text}", f"source {text}"), Proof("gpus", {text: [text]}), Proof("torch", (text, 1))),
        remedies=(
            Remedy(f"title {text}", safety=Safety.DISPLAY_ONLY, why=f"why {text}", commands=(("pip", "install", f"x{text}"),)),
            Remedy("another", safety=Safety.UNSAFE),
        ),
        wont_help=(WontHelp(f"title {text}", f"why {text}"),),
        decide_by=(("nvidia-smi", f"-{text}"),),
        confidence=0.5,
        cause="no-nvidia-driver",
    )


def diagnosis(text: str = "", known: dict[str, Fact[Any]] | None = None) -> Diagnosis:
    """A diagnosis with a finding of each severity, a symptom, and a rule that could not judge."""
    return Diagnosis(
        Verdict.BLOCKED,
        tuple(finding(text, severity) for severity in Severity),
        (finding(text),),
        (
            Judgement("glibc-too-old", Outcome.SKIPPED, f"interpreter is unknown: {text}"),
            Judgement("no-nvidia-gpu", Outcome.CRASHED, f"crashed: {text}"),
            Judgement("numpy-abi", Outcome.PASSED),
        ),
        facts() if known is None else known,
    )
