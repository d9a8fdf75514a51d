"""What is said beside the options: contradictions, the GPU that limits, where the releases end, what uv would take."""

from __future__ import annotations

from tests.choose.situations import made

from torchsmith.choose import decide, machine_remarks
from torchsmith.choose.situation import Situation
from torchsmith.knowledge.accelerators import AMD
from torchsmith.model.choice import Requirement, Wishes
from torchsmith.model.facts.container import Jetson
from torchsmith.model.facts.gpu import PciDevice, PciDevices
from torchsmith.model.facts.install import LocalWheels
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.toolkit import Toolkit, Toolkits
from torchsmith.model.known import Known, Unknown
from torchsmith.model.record import replace

TOOLKIT = Toolkits((Toolkit("/usr/local/cuda-12.3", "12.3", "nvcc"),), "/usr/local/cuda-12.3", "PATH")


def remarks(asked: Situation) -> str:
    return "\n".join(machine_remarks.of(asked))


def decided(asked: Situation) -> str:
    return "\n".join(decide.decide(asked).remarks)


def test_an_ordinary_machine_needs_none() -> None:
    assert not remarks(made("RTX 5070 Ti", os="windows", driver="581.57"))
    assert not remarks(made("RTX 4090", "Tesla T4", driver="580.95.05"))
    assert not remarks(made())


def test_contradictions() -> None:
    assert "needs 570.26 or newer" in remarks(made("RTX 5070 Ti", driver="470.256.02"))
    assert "branch 580 was the last" in remarks(made("GTX 1080 Ti", driver="610.43.02"))
    assert "Arm board" in remarks(made("Jetson AGX Orin", driver="580.95.05"))
    assert "macOS has no driver" in remarks(made("GTX 1080 Ti", os="macos", driver=None))
    assert "No branch of a Linux driver is numbered 581.57" in remarks(made("RTX 4090", driver="581.57"))
    assert "numbered" not in remarks(made("RTX 4090", driver="581.57", os="wsl"))
    assert "Arm" not in remarks(made("RTX 4090", arch="aarch64"))


def test_where_the_releases_end_for_a_gpu_and_for_a_driver() -> None:
    old = remarks(made("GTX 1080 Ti"))
    assert "For the GeForce GTX 1080 Ti (6.1) torch 2.14.1 with cu126 is the last release" in old
    assert "newer wheels have CUDA 13 only and do not serve it" in old
    behind = remarks(made("RTX 4090", driver="550.54.14"))
    assert "(8.9) with driver 550.54.14 torch 2.14.1 with cu126 is the last release" in behind
    assert "newer wheels have CUDA 13 only and need driver 580" in behind
    both = remarks(made("RTX 5070", driver="576.88", os="windows"))
    assert "torch 2.11.0 with cu128 is the last release: newer wheels need driver 580" in both
    assert "torch 2.7.1 with cu118 is the last release" in remarks(made("RTX 3060", driver="470.256.02"))
    kepler = remarks(made("Tesla K80", driver="470.256.02"))
    assert "torch 2.3.1 with cu118 is the last release: newer wheels " in kepler
    assert kepler.count("last release") == 1
    assert "last release" not in remarks(made("RTX 3060", driver="580.95.05"))


def test_the_gpu_that_limits_a_mixed_host() -> None:
    windows = remarks(made("GTX 1080 Ti", "RTX 5070 Ti", driver="581.57", os="windows"))
    assert "The GeForce GTX 1080 Ti (6.1) limits this machine: up to torch 2.8.0 with cu128" in windows
    assert "CUDA_VISIBLE_DEVICES=1 " in windows
    assert "up to torch 2.15.0" in windows
    assert "none of the wheels" in remarks(made("GTX 1080 Ti", "RTX 5070 Ti"))
    assert "limits" not in remarks(made("GTX 1080 Ti", "GTX 970"))


def test_what_uv_would_take_by_the_driver_alone() -> None:
    for name in ("GTX 1080 Ti", "Tesla V100"):
        said = remarks(made(name))
        assert "would take cu132" in said
        assert "`--torch-backend cu126`" in said
    assert "torch-backend" not in remarks(made("RTX 4090"))
    assert "torch-backend" not in remarks(made("GTX 1080 Ti", driver="610.43.02"))  # no build helps there
    assert "torch-backend" not in remarks(made("RTX 5070 Ti", driver="570.86.10"))  # cu129 serves it


def test_systems_with_builds_of_their_own() -> None:
    assert "mps" in remarks(made(os="macos", arch="aarch64", driver=None))
    assert "torch 2.2.2 is the last release with wheels" in remarks(made(os="macos", driver=None))
    orin = made("Jetson AGX Orin", arch="aarch64", driver="540.3", jetson=Jetson("Jetson AGX Orin", "36.4.3"))
    assert "JetPack 6 takes NVIDIA's own torch wheel" in remarks(orin)
    assert "CPU builds only" in remarks(made("RTX Spark N1X", os="windows", arch="aarch64", driver="610.62"))
    radeon = PciDevices((PciDevice("", AMD, 0x744C, name="Radeon RX 7900 XTX"),))
    assert "ROCm builds for Linux only" in remarks(made(os="windows", driver=None, pci_devices=radeon))
    assert "No build of torch" in remarks(made("sm_30", driver="470.256.02"))


def test_a_toolkit_plays_no_part_but_for_what_brings_no_cuda() -> None:
    said = decided(made("RTX 5070 Ti", toolkits=TOOLKIT))
    assert "The CUDA toolkit 12.3 plays no part in torch" in said
    assert "ctranslate2" in said
    variable = decided(made("RTX 5070 Ti", variables=Variables({"CUDA_HOME": "/opt/cuda"})))
    assert "What CUDA_HOME names plays no part" in variable
    needed = Wishes(needs=(Requirement("ctranslate2", "", "--need"),))
    assert "Only ctranslate2 brings no CUDA" in decided(made("RTX 4090", toolkits=TOOLKIT, wishes=needed))
    building = decided(made("RTX 4090", toolkits=TOOLKIT, wishes=Wishes(goal="extension-build")))
    assert "Extensions are built with the toolkit 12.3" in building
    assert "toolkit" not in decided(made("RTX 4090"))


def test_what_belongs_to_another_system_is_pointed_out() -> None:
    mac = made(os="macos", arch="aarch64")
    assert "driver 580.95.05 plays no part" in remarks(mac)
    assert "plays no part" not in remarks(made(os="macos", arch="aarch64", driver=None))
    for system in ("windows", "macos"):
        there = made(os=system, driver=None)
        assert "glibc belongs to Linux" not in remarks(there)
        machine = replace(there.machine, libc="glibc", libc_version="2.35")
        assert "glibc belongs to Linux" in remarks(replace(there, machine=machine))


def test_what_nobody_could_tell_is_said_first() -> None:
    untold = replace(made(), others={"machine": Unknown("not in the text")}, gpus=Unknown("not in the text"))
    first, second, *_ = machine_remarks.of(untold)
    assert "taken for Linux on x86-64" in first
    assert "gpu=none" in second
    decision = decide.decide(untold)
    assert decision.options
    assert all("taken for granted" in option.risks[0] for option in decision.options if option.approach.name == "pip")
    assert "not known" not in remarks(replace(made(os="macos", arch="aarch64", driver=None), gpus=Unknown("not assumed")))


def test_without_the_network_an_assumed_machine_is_told_what_counts() -> None:
    there = made("RTX 4090", wishes=Wishes(offline=True))
    looked = replace(there, others={**there.others, "local_wheels": Known(LocalWheels(()), "no wheels are assumed: not here")})
    assert "PIP_FIND_LINKS=FOLDER" in remarks(looked)
    here = replace(there, others={**there.others, "local_wheels": Known(LocalWheels(()), "folders of wheels and caches")})
    assert "PIP_FIND_LINKS" not in remarks(here)
