"""The machine in detail: processors, memory, control groups, limits, disks, programs, other makers' GPUs."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.lab.machine import MachineFactory
from tests.probes.paper import PaperHost
from tests.rules.judging import ARM, LINUX, WINDOWS, WSL, python

from torchsmith.app.catalogue import DETAILS
from torchsmith.engine.collect import collect
from torchsmith.host import inventory, windows
from torchsmith.host.base import Host
from torchsmith.host.local import LocalHost
from torchsmith.host.replay import ReplayHost
from torchsmith.model.facts.gpu import PciDevice, PciDevices
from torchsmith.model.facts.hardware import (
    Cgroup,
    CompatLibraries,
    Computer,
    Disk,
    Limits,
    Memory,
    OtherGpu,
    Processor,
    Program,
)
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Package, Packages
from torchsmith.model.known import Fact, Known, Unknown
from torchsmith.probes import (
    cgroup,
    compat_libraries,
    computer,
    disks,
    driver_files,
    limits,
    memory,
    other_gpus,
    processor,
    toolchain,
)

MAC = Machine("macos", "aarch64", "23.5.0")
INTEL_MAC = Machine("macos", "x86_64", "23.5.0")
V2 = "fpu sse sse2 pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm"
CPU = "/sys/devices/system/cpu"
RADEON = PciDevice("0000:03:00.0", 0x1002, 0x744C, "amdgpu")


def details(host: Host, machine: Machine) -> dict[str, Fact[Any]]:
    given: dict[str, Fact[Any]] = {
        "machine": Known(machine, "test"),
        "pci_devices": Known(PciDevices((RADEON,)), "test"),
        "interpreter": Known(python(), "test"),
        "packages": Unknown("not asked"),
    }
    facts = collect(host, DETAILS, given)
    assert not [fact for fact in facts.values() if isinstance(fact, Unknown) and "crashed" in fact.reason]
    return facts


def value(fact: Fact[Any]) -> Any:
    assert isinstance(fact, Known), fact
    return fact.value


# ---- processors


def cpuinfo(siblings: int, cores: int, flags: str = V2) -> str:
    return f"processor\t: 0\nmodel name\t: Some CPU\nsiblings\t: {siblings}\ncpu cores\t: {cores}\nflags\t\t: {flags}\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({f"{CPU}/online": "0-15\n"}, Processor("Some CPU", 16, 8, level=2)),
        ({f"{CPU}/online": "0-31"}, Processor("Some CPU", 32, 16, level=2)),  # two packages
        (
            {f"{CPU}/online": "0-23", "/sys/devices/cpu_core/cpus": "0-15", "/sys/devices/cpu_atom/cpus": "16-23"},
            Processor("Some CPU", 24, 16, 8, 8, level=2),
        ),
        ({}, Processor("Some CPU", level=2)),
    ],
)
def test_processors_of_linux(files: dict[str, str], expected: Processor) -> None:
    siblings, cores = (24, 16) if expected.performance else (16, 8)
    host = PaperHost({"/proc/cpuinfo": cpuinfo(siblings, cores), **files})
    assert value(processor.processor(host, LINUX)) == expected


def test_a_virtual_machine_with_two_nodes() -> None:
    host = PaperHost(
        {"/proc/cpuinfo": cpuinfo(4, 4, f"{V2} hypervisor"), f"{CPU}/online": "0-3", "/sys/devices/system/node/online": "0-1"}
    )
    found = value(processor.processor(host, LINUX))
    assert (found.virtual, found.nodes, found.cores) == (True, 2, 4)


def test_big_and_little_cores_of_arm() -> None:
    strength = {f"{CPU}/cpu{n}/cpu_capacity": "1024\n" if n % 2 else "718\n" for n in range(20)}
    text = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd85\n"
    host = PaperHost({"/proc/cpuinfo": text, f"{CPU}/online": "0-19", f"{CPU}/smt/active": "0\n", **strength})
    assert value(processor.processor(host, ARM)) == Processor("Arm implementer 0x41, part 0xd85", 20, 20, 10, 10)


def test_processors_of_a_mac() -> None:
    out = (
        "machdep.cpu.brand_string: Apple M2 Max\nhw.physicalcpu: 12\nhw.logicalcpu: 12\n"
        "hw.perflevel0.physicalcpu: 8\nhw.perflevel1.physicalcpu: 4\n"
    )
    assert value(processor.processor(PaperHost(ran={"sysctl": out}), MAC)) == Processor("Apple M2 Max", 12, 12, 8, 4)
    assert processor.parse_sysctl("hw.physicalcpu: 4\nhw.logicalcpu: 8\n") == Processor("", 8, 4)


def test_processors_of_windows() -> None:
    told = {"processors": {"cores": [[1, 2]] * 8 + [[0, 1]] * 16, "allowed": 32, "features": ["avx", "avx2"]}}
    host = PaperHost(told=told, registry={(processor.REGISTRY, "ProcessorNameString"): "Some CPU  "})
    found = value(processor.processor(host, WINDOWS))
    assert found == Processor("Some CPU", 32, 24, 8, 16, features=("avx", "avx2"))
    assert isinstance(processor.processor(PaperHost(), WINDOWS), Unknown)


@pytest.mark.parametrize(("text", "number"), [("0-3,8\n", 5), ("0", 1), ("", None), ("a-b", None), ("0-", 1), ("5-2", 0)])
def test_lists_of_the_kernel(text: str, number: int | None) -> None:
    assert processor.count(text) == number


def test_windows_records() -> None:
    core = struct.pack("<IIBB20xHQH6x", 0, 48, 1, 1, 1, 0b11, 0)
    cache = struct.pack("<II", 2, 56) + b"\0" * 48
    assert windows.parse_cores(core + cache + core.replace(b"\x01\x01", b"\x00\x00", 1) + core[:20]) == [[1, 2], [0, 2]]
    answer = struct.pack("<II7Q", 64, 40, 32 << 30, 8 << 30, 40 << 30, 9 << 30, 0, 0, 0)
    assert windows.parse_memory(answer) == {"total": 32 << 30, "available": 8 << 30, "commit": 40 << 30, "commit_free": 9 << 30}
    for question in (LocalHost().memory(), LocalHost().processors()):
        assert question == Unknown("only Windows is asked this way", question.tried)  # type: ignore[union-attr]


@given(st.binary(max_size=400))
def test_any_answer_of_windows_is_read_without_harm(answer: bytes) -> None:
    assert all(len(core) == 2 for core in windows.parse_cores(answer))


# ---- memory


def test_memory_of_linux() -> None:
    text = "MemTotal:       24684096 kB\nMemFree:        1 kB\nMemAvailable:   100 kB\nSwapTotal:       0 kB\nSwapFree: 0 kB\n"
    host = PaperHost({"/proc/meminfo": text}, free={"/dev/shm": 64 << 20})
    assert value(memory.memory(host, LINUX)) == Memory(24684096 << 10, 100 << 10, 0, 0, 1 << 40, 64 << 20)
    assert value(memory.memory(PaperHost({"/proc/meminfo": text}), LINUX)).shm is None
    assert isinstance(memory.memory(PaperHost({"/proc/meminfo": "MemTotal: much"}), LINUX), Unknown)
    assert isinstance(memory.memory(PaperHost(), LINUX), Unknown)


def test_memory_of_the_others() -> None:
    out = "hw.memsize: 34359738368\nvm.swapusage: total = 2048.00M  used = 1024.50M  free = 1023.50M  (encrypted)\n"
    assert value(memory.memory(PaperHost(ran={"sysctl": out}), MAC)) == Memory(32 << 30, None, 2 << 30, 1023 << 20)
    assert isinstance(memory.memory(PaperHost(ran={"sysctl": "?"}), MAC), Unknown)
    told = {"memory": {"total": 32 << 30, "available": 8 << 30, "commit": 40 << 30, "commit_free": 9 << 30}}
    assert value(memory.memory(PaperHost(told=told), WINDOWS)) == Memory(32 << 30, 8 << 30, 8 << 30)
    assert isinstance(memory.memory(PaperHost(), WINDOWS), Unknown)


# ---- control groups


V1 = "4:memory:/docker/0123\n1:cpu,cpuacct:/docker/0123\n0::/\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/proc/self/cgroup": "0::/\n"}, Cgroup(2)),
        (
            {  # a container sees its own group as the root
                "/proc/self/cgroup": "0::/\n",
                "/sys/fs/cgroup/cpu.max": "150000 100000\n",
                "/sys/fs/cgroup/memory.max": "8589934592\n",
                "/sys/fs/cgroup/memory.current": "4096\n",
            },
            Cgroup(2, 1.5, 8 << 30, 4096),
        ),
        (
            {  # the lowest limit on the way up counts
                "/proc/self/cgroup": "0::/user.slice/job\n",
                "/sys/fs/cgroup/user.slice/job/memory.max": "max\n",
                "/sys/fs/cgroup/user.slice/job/cpu.max": "max 100000\n",
                "/sys/fs/cgroup/user.slice/memory.max": "1073741824\n",
            },
            Cgroup(2, None, 1 << 30),
        ),
        (
            {
                "/proc/self/cgroup": V1,
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "400000",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "2147483648",
                "/sys/fs/cgroup/memory/memory.usage_in_bytes": "77",
            },
            Cgroup(1, 4.0, 2 << 30, 77),
        ),
        (
            {
                "/proc/self/cgroup": V1,
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            },
            Cgroup(1),
        ),
        ({"/proc/self/cgroup": "0::/../../etc\nnoise\n"}, Cgroup(2)),
    ],
)
def test_control_groups(files: dict[str, str], expected: Cgroup) -> None:
    host = PaperHost(files)
    assert value(cgroup.cgroup(host, LINUX)) == expected
    assert not [path for _, path, *_ in host.asked if ".." in path]


def test_no_control_groups() -> None:
    assert value(cgroup.cgroup(PaperHost(), WINDOWS)) is None
    assert isinstance(cgroup.cgroup(PaperHost(), LINUX), Unknown)


# ---- limits


LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            1024                 524288               files
Max locked memory         8388608              8388608              bytes
Max address space         unlimited            unlimited            bytes
"""


def test_limits() -> None:
    status = "Name:\tpython\nCapEff:\t0000000000204000\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,7\n"
    host = PaperHost({"/proc/self/limits": LIMITS, "/proc/self/status": status})
    expected = Limits(1024, 8 << 20, 96365, None, 4, ("IPC_LOCK", "SYS_ADMIN"))
    assert value(limits.limits(host, LINUX)) == expected
    assert limits.parse("", "") == Limits()
    assert limits.parse("\0", "CapEff:\tzz\nCpus_allowed_list:\tall\n") == Limits()


def test_limits_of_the_others() -> None:
    assert value(limits.limits(PaperHost(told={"processors": {"allowed": 4}}), WINDOWS)) == Limits(cpus=4)
    assert isinstance(limits.limits(PaperHost(), MAC), Unknown)
    assert isinstance(limits.limits(PaperHost(), LINUX), Unknown)


# ---- disks


MOUNTS = """22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:5 / /tmp rw,nosuid,noexec - tmpfs tmpfs rw
24 22 0:6 / /env ro,relatime - nfs4 server:/env rw,vers=4.2
25 22 0:7 / /with\\040space rw - 9p C: rw
a line that is none
"""


def test_disks() -> None:
    host = PaperHost({"/proc/self/mountinfo": MOUNTS, "/env/bin/python": ""}, free={"/env": 5, "/tmp": 7})
    found = value(disks.disks(host, LINUX, python())).disks
    assert found[0] == Disk("environment", "/env", 1 << 40, 5, "nfs4", ("ro",))
    assert found[1] == Disk("temp", "/tmp", 1 << 40, 7, "tmpfs", ("noexec",))
    assert found[2] == Disk("home", "/home/me", kind="ext4", why="no such thing")
    assert disks.mount_of("/with space/x", disks.parse_mounts(MOUNTS)) == ("9p", ())
    assert disks.mount_of("C:/x", {}) == ("", ())


def test_disks_without_an_interpreter() -> None:
    found = value(disks.disks(PaperHost(), WINDOWS, Unknown("slow"))).disks
    assert [disk.place for disk in found] == ["temp", "home"]


# ---- programs


def chain(rows: list[list[str]], machine: Machine = LINUX, files: dict[str, str] | None = None) -> Any:
    packages = Packages((Package("cmake", "3.31.6", "/env/lib"),))
    host = PaperHost(files, told={"programs": rows})
    return value(toolchain.toolchain(host, machine, python(), packages))


def test_each_compiler_once() -> None:
    rows = [
        ["c++", "/usr/bin/c++", "/usr/bin/x86_64-linux-gnu-g++-12"],
        ["gcc", "/usr/bin/gcc", "/usr/bin/x86_64-linux-gnu-gcc-12"],
        ["gcc-13", "/usr/bin/gcc-13", "/usr/bin/x86_64-linux-gnu-gcc-13"],
        ["g++-13", "/usr/bin/g++-13", "/usr/bin/x86_64-linux-gnu-g++-13"],
        ["clang", "/usr/bin/clang", "/usr/lib/llvm-17/bin/clang"],
        ["icpx", "/opt/intel/icpx", "/opt/intel/icpx"],
    ]
    assert chain(rows).compilers == (
        Program("gcc", "/usr/bin/gcc", "12"),
        Program("gcc-13", "/usr/bin/gcc-13", "13"),
        Program("clang", "/usr/bin/clang", "17"),
        Program("icpx", "/opt/intel/icpx", ""),
    )


def test_the_two_drivers_of_a_compiler_without_a_version() -> None:
    rows = [["gcc", "/opt/x/bin/gcc", "/opt/x/bin/gcc"], ["g++", "/opt/x/bin/g++", "/opt/x/bin/g++"]]
    assert chain(rows).compilers == (Program("gcc", "/opt/x/bin/gcc", ""),)


def test_tools_and_where_their_versions_stand() -> None:
    rows = [
        ["git", "/usr/bin/git", "/usr/bin/git"],
        ["cmake", "/usr/bin/cmake", "/usr/bin/cmake"],
        ["cmake-3.25", "/usr/bin/cmake-3.25", "/usr/bin/cmake"],
    ]
    files = {"/usr/share/cmake-3.25/x": "", "/usr/share/doc/x": ""}
    found = chain(rows, files=files)
    assert found.tools == (Program("cmake", "/usr/bin/cmake", "3.25"), Program("git", "/usr/bin/git"))
    assert found.tool("ninja") is None
    mine = chain([["cmake", "/env/bin/cmake", "/env/bin/cmake"]])
    assert mine.tools == (Program("cmake", "/env/bin/cmake", "3.31.6"),)
    assert toolchain.cmake_version(["cmake-3.25", "cmake-3.31", "cmake-x"]) == ""


def test_visual_studio_and_its_build_tools() -> None:
    tools = "C:/Program Files (x86)/Microsoft Visual Studio/2022/BuildTools/VC/Tools/MSVC"
    found = chain([], WINDOWS, {f"{tools}/14.40.33807/bin/x": "", f"{tools}/14.29.30133/bin/x": ""})
    assert [(c.name, c.version) for c in found.compilers] == [("msvc", "14.29"), ("msvc", "14.40")]


def test_visual_studio_in_an_unusual_place() -> None:
    where = "C:/Program Files (x86)/Microsoft Visual Studio/Installer/vswhere.exe"
    files = {where: "", "D:/VS/VC/Tools/MSVC/14.44.35207/bin/x": ""}
    host = PaperHost(files, ran={where: "D:\\VS\r\n"}, told={"programs": []})
    found = value(toolchain.toolchain(host, WINDOWS, Unknown("?"), Unknown("?")))
    assert found.compilers == (Program("msvc", "D:/VS/VC/Tools/MSVC/14.44.35207", "14.44"),)


def test_programs_on_path(tmp_path: Any) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for path in (one / "gcc-12", one / "gcc-ar-12", two / "gcc-12", two / "clang++", two / "ninja.d", two / "gccgo"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        path.chmod(0o755)
    (two / "cmake").write_text("not a program")
    (two / "c++").symlink_to(two / "clang++")
    (tmp_path / "again").symlink_to(two)
    host = LocalHost(environ={"PATH": f"{one}:{two}:/nowhere:{tmp_path}/again"})
    answer = value(host.programs("gcc", "clang", "clang++", "c++", "cmake", "ninja"))
    assert answer == [
        ["gcc-12", f"{one}/gcc-12", f"{one}/gcc-12"],
        ["c++", f"{two}/c++", f"{two}/clang++"],
        ["clang++", f"{two}/clang++", f"{two}/clang++"],
    ]


# ---- other makers' GPUs


PCI_IDS = """# comment
1002  Advanced Micro Devices, Inc. [AMD/ATI]
\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX]
\t\t1002 0e3b  a board
10de  NVIDIA Corporation
\t9bc5  not Intel's
8086  Intel Corporation
\t56a0  DG2 [Arc A770]
C 03  Display controller
"""


def test_names_of_pci_ids(tmp_path: Any) -> None:
    where = tmp_path / "usr/share/misc/pci.ids"
    host = LocalHost(root=str(tmp_path))
    assert isinstance(host.pci_names("1002:744c"), Unknown)
    where.parent.mkdir(parents=True)
    where.write_text(PCI_IDS)
    assert value(host.pci_names("1002:744c", "8086:56a0", "8086:9bc5", "abcd:0001")) == {
        "1002:744c": ["Advanced Micro Devices, Inc. [AMD/ATI]", "Navi 31 [Radeon RX 7900 XT/7900 XTX]"],
        "8086:56a0": ["Intel Corporation", "DG2 [Arc A770]"],
        "8086:9bc5": ["Intel Corporation", ""],
    }
    assert inventory.pci_names(("C 03:1",), lambda path: str(tmp_path) + path) == {}


def test_other_gpus_by_name() -> None:
    bus = PciDevices((PciDevice("0000:01:00.0", 0x10DE, 0x2C05, "nvidia"), RADEON, PciDevice("0000:c3:00.0", 0x1A03, 0x2000)))
    told = {"pci_names": {"1002:744c": ["Advanced Micro Devices, Inc. [AMD/ATI]", "Navi 31"]}}
    host = PaperHost({"/sys/bus/pci/devices/0000:03:00.0/mem_info_vram_total": "25753026560\n"}, told=told)
    assert value(other_gpus.other_gpus(host, LINUX, bus)).gpus == (
        OtherGpu("AMD", "Navi 31", "0000:03:00.0", "amdgpu", 25753026560),
        OtherGpu("ASPEED", "device 2000", "0000:c3:00.0"),
    )


def test_without_other_gpus_no_list_is_read() -> None:
    host = PaperHost()
    assert value(other_gpus.other_gpus(host, LINUX, PciDevices(()))).gpus == ()
    assert not host.asked


def test_other_gpus_of_the_others() -> None:
    bus = PciDevices((PciDevice("0001", 0x8086, 0x56A0, name="Intel(R) Arc(TM) A770 Graphics"),))
    assert value(other_gpus.other_gpus(PaperHost(), WINDOWS, bus)).gpus[0].name == "Intel(R) Arc(TM) A770 Graphics"
    apple = value(other_gpus.other_gpus(PaperHost(ran={"sysctl": "Apple M2 Max\n"}), MAC, PciDevices(())))
    assert apple.gpus == (OtherGpu("Apple", "Apple M2 Max"),)
    assert isinstance(other_gpus.other_gpus(PaperHost(), INTEL_MAC, PciDevices(())), Unknown)


def test_memory_of_the_laboratory(fake_machine: MachineFactory) -> None:
    lab = fake_machine("amd")
    facts = details(LocalHost(root=str(lab.root), environ={}), LINUX)
    assert isinstance(facts["memory"], Known)
    assert facts["memory"].value.total > 1 << 30


# ---- the computer, compatibility libraries


def test_what_the_machine_calls_itself() -> None:
    files = {"/sys/class/dmi/id/sys_vendor": "Dell Inc.\n", "/sys/class/dmi/id/product_name": "XPS 15\n"}
    assert value(computer.computer(PaperHost(files), LINUX)) == Computer("Dell Inc.", "XPS 15", secure_boot=False)
    signed = files | {driver_files.SECURE_BOOT: "\x06\x00\x00\x00\x01"}
    assert value(computer.computer(PaperHost(signed), LINUX)).secure_boot is True
    assert value(computer.computer(PaperHost(files), WSL)).secure_boot is None
    board = {"/proc/device-tree/model": "NVIDIA Jetson Orin Nano\0"}
    assert value(computer.computer(PaperHost(board), ARM)).product == "NVIDIA Jetson Orin Nano"
    keys = {(computer.BIOS, "SystemProductName"): "MS-7E06", (computer.STATE, "UEFISecureBootEnabled"): 1}
    assert value(computer.computer(PaperHost(registry=keys), WINDOWS)) == Computer("", "MS-7E06", secure_boot=True)
    assert value(computer.computer(PaperHost(ran={"sysctl": "Mac14,6\n"}), MAC)) == Computer("Apple", "Mac14,6")


def test_compatibility_libraries() -> None:
    file = "/usr/local/cuda-13.0/compat/libcuda.so.580.65.06"
    host = PaperHost({file: "", "/usr/local/bin/x": ""}, links={"/usr/local/cuda": "/usr/local/cuda-13.0"})
    assert value(compat_libraries.compat_libraries(host, LINUX)) == CompatLibraries(((file, "580.65.06"),))
    assert value(compat_libraries.compat_libraries(PaperHost({"/usr/local/bin/x": ""}), LINUX)) is None
    assert value(compat_libraries.compat_libraries(PaperHost(), WINDOWS)) is None


# ---- whatever is asked, a fact comes back


@pytest.mark.parametrize("machine", [LINUX, WSL, ARM, WINDOWS, MAC, INTEL_MAC])
def test_a_machine_that_says_nothing(machine: Machine) -> None:
    for host in (PaperHost(), ReplayHost({})):
        details(host, machine)


@given(st.text(max_size=200))
def test_noise_is_no_fact_and_no_crash(noise: str) -> None:
    files = dict.fromkeys(
        ("/proc/cpuinfo", "/proc/meminfo", "/proc/self/cgroup", "/proc/self/limits", "/proc/self/status", "/proc/self/mountinfo"),
        noise,
    )
    files |= {f"{CPU}/online": noise, "/sys/fs/cgroup/cpu.max": noise, "/sys/fs/cgroup/memory.max": noise}
    told = {"programs": [[noise, noise, noise]]}
    details(PaperHost(files, told=told, ran={"sysctl": noise}), LINUX)
