"""The laboratory keeps its word."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab import environments, machine
from tests.lab.cache import built, scratch
from tests.lab.driver import Driver
from tests.lab.environments import Environment, VariantFactory
from tests.lab.machine import MachineFactory
from tests.lab.wine import Windows, windows_path

pytest_plugins = ("tests.lab.fixtures",)

# Asks both libraries in a process of its own, as torchsmith's probes do.
ASK = """
import ctypes as c, json
out = {}
def text(function, *args):
    buffer = c.create_string_buffer(96)
    code = function(*args, buffer, 96)
    return buffer.value.decode() if code == 0 else code
class Memory(c.Structure):
    _fields_ = [(name, c.c_ulonglong) for name in ("total", "free", "used")]
class Pci(c.Structure):
    _fields_ = [("legacy", c.c_char * 16), ("domain", c.c_uint), ("bus", c.c_uint), ("device", c.c_uint),
                ("pci_device_id", c.c_uint), ("subsystem", c.c_uint), ("bus_id", c.c_char * 32)]
try:
    nvml = c.CDLL("libnvidia-ml.so.1")
    nvml.nvmlErrorString.restype = c.c_char_p
    out["library"] = text(nvml.nvmlSystemGetNVMLVersion)
    out["nvml"] = nvml.nvmlInit_v2()
    out["nvml_says"] = nvml.nvmlErrorString(out["nvml"]).decode()
    if out["nvml"] == 0:
        out["driver"] = text(nvml.nvmlSystemGetDriverVersion)
        number = c.c_int()
        out["cuda"] = nvml.nvmlSystemGetCudaDriverVersion_v2(c.byref(number)) or number.value
        nvml.nvmlDeviceGetCount_v2(c.byref(number))
        out["gpus"] = []
        for index in range(number.value):
            gpu, a, b, m, pci = c.c_void_p(), c.c_int(), c.c_int(), Memory(), Pci()
            assert nvml.nvmlDeviceGetHandleByIndex_v2(index, c.byref(gpu)) == 0
            assert nvml.nvmlDeviceGetCudaComputeCapability(gpu, c.byref(a), c.byref(b)) == 0
            assert nvml.nvmlDeviceGetPciInfo_v3(gpu, c.byref(pci)) == 0
            row = [text(nvml.nvmlDeviceGetName, gpu), f"{a.value}.{b.value}"]
            row.append(nvml.nvmlDeviceGetMemoryInfo(gpu, c.byref(m)) or m.total >> 20)
            row += [pci.bus_id.decode(), f"{pci.pci_device_id:08x}"]
            row.append(-nvml.nvmlDeviceGetMigMode(gpu, c.byref(a), c.byref(b)) or a.value)
            out["gpus"].append(row)
        nvml.nvmlShutdown()
except OSError as error:
    out["nvml"] = str(error)
try:
    cuda = c.CDLL("libcuda.so.1")
    number, said = c.c_int(), c.c_char_p()
    out["cuda_init"] = cuda.cuInit(0)
    cuda.cuGetErrorString(out["cuda_init"], c.byref(said))
    out["cuda_says"] = said.value.decode()
    if out["cuda_init"] == 0:
        cuda.cuDriverGetVersion(c.byref(number))
        out["cuda_driver"] = number.value
        cuda.cuDeviceGetCount(c.byref(number))
        out["cuda_gpus"] = []
        for index in range(number.value):
            device, a, b, size = c.c_int(), c.c_int(), c.c_int(), c.c_size_t()
            name = c.create_string_buffer(96)
            cuda.cuDeviceGet(c.byref(device), index)
            cuda.cuDeviceGetName(name, 96, device)
            cuda.cuDeviceGetAttribute(c.byref(a), 75, device)
            cuda.cuDeviceGetAttribute(c.byref(b), 76, device)
            cuda.cuDeviceTotalMem_v2(c.byref(size), device)
            bus = c.create_string_buffer(32)
            cuda.cuDeviceGetPCIBusId(bus, 32, device)
            out["cuda_gpus"].append([name.value.decode(), f"{a.value}.{b.value}", size.value >> 20, bus.value.decode()])
except OSError as error:
    out["cuda_init"] = str(error)
print(json.dumps(out))
"""


def run(command: list[str], env: dict[str, str], limit: float = 20) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        env=env,
        timeout=limit,
        stdin=subprocess.DEVNULL,
    )


def ask(env: dict[str, str]) -> dict[str, object]:
    done = run([sys.executable, "-I", "-S", "-c", ASK], env)
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_both_libraries_tell_of_every_gpu(fake_machine: MachineFactory) -> None:
    answer = ask(fake_machine("rtx5090-gtx1080ti").environ())
    assert answer == {
        "library": "13.580.95.05",
        "nvml": 0,
        "nvml_says": "Success",
        "driver": "580.95.05",
        "cuda": 13000,
        "gpus": [
            ["NVIDIA GeForce RTX 5090", "12.0", 32607, "00000000:01:00.0", "2b8510de", -3],
            ["NVIDIA GeForce GTX 1080 Ti", "6.1", 11264, "00000000:02:00.0", "1b0610de", -3],
        ],
        "cuda_init": 0,
        "cuda_says": "no error",
        "cuda_driver": 13000,
        "cuda_gpus": [
            ["NVIDIA GeForce RTX 5090", "12.0", 32607, "0000:01:00.0"],
            ["NVIDIA GeForce GTX 1080 Ti", "6.1", 11264, "0000:02:00.0"],
        ],
    }


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("version-mismatch", {"nvml": 18, "nvml_says": "Driver/library version mismatch", "cuda_init": 803}),
        ("could-not-communicate", {"nvml": 9, "nvml_says": "Driver Not Loaded", "cuda_init": 100}),
        ("libcuda-stub", {"nvml": 0, "cuda_init": 34, "cuda_says": "CUDA driver is a stub library"}),
        ("no-devices", {"nvml": 0, "gpus": [], "cuda_init": 100}),
        ("rtx3060-driver470", {"library": "11.470.57.02", "cuda": 11040, "cuda_driver": 11040}),
        ("future", {"driver": "640.12", "cuda_driver": 14010}),
        ("rtx5070ti-wsl", {"driver": "581.57", "library": "13.580.95.02"}),
    ],
)
def test_codes_and_versions(scenario: str, expected: dict[str, object], fake_machine: MachineFactory) -> None:
    answer = ask(fake_machine(scenario).environ())
    assert {key: answer.get(key) for key in expected} == expected


def test_shared_memory_is_not_supported(fake_machine: MachineFactory) -> None:
    answer = ask(fake_machine("gb10").environ())
    assert answer["gpus"] == [["NVIDIA GB10", "12.1", 3, "0000000F:01:00.0", "2e1210de", -3]]


@pytest.mark.skipif(not machine.hides_own_driver(), reason="this machine has a driver of its own")
def test_a_library_left_out_is_not_found(fake_machine: MachineFactory) -> None:
    answer = ask(fake_machine("libcuda-missing").environ())
    assert answer["cuda"] == 12
    assert str(answer["cuda_init"]).startswith("libcuda.so.1: cannot open shared object file")


@pytest.mark.parametrize(
    ("mask", "names"),
    [
        ("1", ["NVIDIA GeForce RTX 3060"]),
        ("1,0", ["NVIDIA GeForce RTX 3060", "NVIDIA H100 80GB HBM3"]),
        ("0,7,1", ["NVIDIA H100 80GB HBM3"]),
        ("GPU-00000001", ["NVIDIA GeForce RTX 3060"]),
        ("", None),
        ("-1", None),
        ("7", None),
    ],
)
def test_libcuda_obeys_cuda_visible_devices(mask: str, names: list[str] | None, fake_machine: MachineFactory) -> None:
    answer = ask(fake_machine("h100-rtx3060").environ(CUDA_VISIBLE_DEVICES=mask))
    gpus = answer.get("cuda_gpus")
    assert ([row[0] for row in gpus] if isinstance(gpus, list) else None) == names
    assert answer["cuda_init"] == (0 if names else 100)


@pytest.mark.parametrize("library", ["libnvidia-ml.so.1:nvmlInit_v2:", "libcuda.so.1:cuInit:0"])
@pytest.mark.parametrize("scenario", ["driver-hangs", "driver-crashes"])
def test_an_ill_library_hangs_or_crashes(scenario: str, library: str, fake_machine: MachineFactory) -> None:
    name, function, argument = library.split(":")
    command = [sys.executable, "-I", "-S", "-c", f"import ctypes; ctypes.CDLL('{name}').{function}({argument})"]
    env = fake_machine(scenario).environ()
    if scenario == "driver-crashes":
        assert run(command, env).returncode == -signal.SIGSEGV
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            run(command, env, limit=0.5)


# ---- nvidia-smi


def smi(env: dict[str, str], *arguments: str, limit: float = 20) -> subprocess.CompletedProcess[str]:
    return run(["nvidia-smi", *arguments], env, limit)


@pytest.mark.parametrize(
    ("scenario", "line"),
    [
        ("h200", "| NVIDIA-SMI 580.105.08             Driver Version: 580.105.08     CUDA Version: 13.0     |"),
        ("h200", "|   0  NVIDIA H200                    On  |   00000000:01:00.0 Off |                  N/A |"),
        ("gb10", "|  0%   42C    P8             11W /  300W | Not Supported          |      0%      Default |"),
        ("h200-mig", "|                                         |                        |              Enabled |"),
        (
            "rtx3060-driver610",
            "| NVIDIA-SMI 610.43.02              KMD Version: 610.43.02     CUDA UMD Version: 13.3     |",
        ),
        (
            "rtx3060-driver535",
            "| NVIDIA-SMI 535.183.01             Driver Version: 535.183.01   CUDA Version: 12.2     |",
        ),
        ("rtx3060-driver470", "| NVIDIA-SMI 470.57.02    Driver Version: 470.57.02    CUDA Version: 11.4     |"),
        ("rtx3060-driver470", "|   0  NVIDIA GeForce ...  Off  | 00000000:01:00.0 Off |                  N/A |"),
        (
            "rtx5070ti-wsl",
            "| NVIDIA-SMI 580.95.02              Driver Version: 581.57         CUDA Version: 13.0     |",
        ),
        (
            "libcuda-missing",
            "| NVIDIA-SMI 580.95.05              Driver Version: 580.95.05      CUDA Version: N/A      |",
        ),
    ],
)
def test_the_table_is_laid_out_as_each_driver_does(scenario: str, line: str, fake_machine: MachineFactory) -> None:
    done = smi(fake_machine(scenario).environ())
    assert done.returncode == 0
    assert line in done.stdout.splitlines()
    assert len({len(row) for row in done.stdout.splitlines()[1:]}) == 1


@pytest.mark.parametrize(
    ("scenario", "arguments", "code", "output"),
    [
        (
            "h100-rtx3060",
            ["--query-gpu=index,name,compute_cap,memory.total,driver_version,pci.bus_id", "--format=csv"],
            0,
            (
                "index, name, compute_cap, memory.total [MiB], driver_version, pci.bus_id\n"
                "0, NVIDIA H100 80GB HBM3, 9.0, 81559 MiB, 580.95.05, 00000000:01:00.0\n"
                "1, NVIDIA GeForce RTX 3060, 8.6, 12288 MiB, 580.95.05, 00000000:02:00.0\n"
            ),
        ),
        (
            "gb10",
            ["--query-gpu=name,memory.total,mig.mode.current", "--format=csv,noheader,nounits"],
            0,
            "NVIDIA GB10, [N/A], [N/A]\n",
        ),
        ("h200", ["--query-gpu=nme", "--format=csv"], 2, 'Field "nme" is not a valid field to query.\n\n'),
        (
            "rtx3060-driver470",
            ["--query-gpu=compute_cap", "--format=csv"],
            2,
            'Field "compute_cap" is not a valid field to query.\n\n',
        ),
        ("v100", ["-L"], 0, "GPU 0: Tesla V100-SXM2-16GB (UUID: GPU-00000000-1ab0-4c0d-8e5f-000000001db1)\n"),
        (
            "version-mismatch",
            [],
            18,
            "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 580.95\n",
        ),
        (
            "could-not-communicate",
            [],
            9,
            (
                "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
                "Make sure that the latest NVIDIA driver is installed and running.\n\n"
            ),
        ),
        ("no-devices", [], 6, "No devices were found\n"),
    ],
)
def test_what_nvidia_smi_answers(
    scenario: str, arguments: list[str], code: int, output: str, fake_machine: MachineFactory
) -> None:
    done = smi(fake_machine(scenario).environ(), *arguments)
    assert (done.returncode, done.stdout) == (code, output)


def test_the_long_report(fake_machine: MachineFactory) -> None:
    report = smi(fake_machine("rtx5070ti").environ(), "-q").stdout
    for line in (
        "Driver Version                            : 581.57",
        "    Product Name                          : NVIDIA GeForce RTX 5070 Ti",
        "        Device Id                         : 0x2C0510DE",
        "        Total                             : 16303 MiB",
    ):
        assert line in report.splitlines()


@pytest.mark.parametrize("scenario", ["smi-hangs", "driver-hangs"])
def test_nvidia_smi_hangs_and_ignores_a_polite_end(scenario: str, fake_machine: MachineFactory) -> None:
    env = fake_machine(scenario).environ()
    process = subprocess.Popen(["nvidia-smi"], env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        time.sleep(0.3)
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)


def test_noise_stands_around_the_truth(fake_machine: MachineFactory) -> None:
    done = smi(fake_machine("smi-noise").environ(), "--query-gpu=name", "--format=csv,noheader")
    assert done.returncode == 0
    assert "\nNVIDIA GeForce RTX 3060\n" in done.stdout
    assert "\x1b[1;31m" in done.stdout
    assert done.stderr


# ---- trees


@pytest.mark.parametrize("scenario", sorted(machine.scenarios()))
def test_every_scenario_can_be_laid_out(scenario: str, fake_machine: MachineFactory) -> None:
    made = fake_machine(scenario)
    assert made.path("/proc/version").read_text().startswith("Linux version ")
    assert made.environ()["PATH"].endswith(os.environ["PATH"])
    for device in made.path("/sys/bus/pci/devices").iterdir():
        assert (device / "vendor").read_text().startswith("0x")
        assert device.resolve().is_relative_to(made.root.resolve())
        if (device / "driver").is_symlink():
            assert (device / "driver").resolve(strict=True).is_relative_to(made.root.resolve())


def test_the_kernel_module_says_open_or_not(fake_machine: MachineFactory) -> None:
    version = "/proc/driver/nvidia/version"
    assert "Open Kernel Module for x86_64  580.105.08" in fake_machine("h200").path(version).read_text()
    assert "NVIDIA UNIX x86_64 Kernel Module  535.183.01" in (fake_machine("rtx3060-driver535").path(version).read_text())
    mismatch = fake_machine("version-mismatch")
    assert mismatch.path("/sys/module/nvidia/version").read_text() == "575.57.08\n"
    assert not fake_machine("could-not-communicate").path(version).exists()


@pytest.mark.parametrize(
    ("scenario", "devices"),
    [
        ("amd", {"0x8086 0x060000 -", "0x1002 0x030000 amdgpu"}),
        ("intel", {"0x8086 0x060000 -", "0x8086 0x030000 xe"}),
        ("no-driver", {"0x8086 0x060000 -", "0x10de 0x030000 -", "0x10de 0x040300 snd_hda_intel"}),
        ("nouveau", {"0x8086 0x060000 -", "0x10de 0x030000 nouveau", "0x10de 0x040300 snd_hda_intel"}),
        ("rtx5070ti-wsl", {"0x1414 0x030200 dxgkrnl"}),
    ],
)
def test_the_bus(scenario: str, devices: set[str], fake_machine: MachineFactory) -> None:
    seen = set()
    for device in fake_machine(scenario).path("/sys/bus/pci/devices").iterdir():
        words = [(device / name).read_text().strip() for name in ("vendor", "class")]
        driver = device / "driver"
        seen.add(" ".join([*words, driver.resolve().name if driver.is_symlink() else "-"]))
    assert seen == devices


def test_a_description_has_no_line_that_a_name_could_break() -> None:
    text = Driver(version="1.2", cuda="13.0").description()
    assert all("=" in line for line in text.splitlines())


# ---- what is kept


def test_what_is_built_is_built_once_and_a_failure_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with scratch("cache") as folder:
        monkeypatch.setattr("tests.lab.cache.CACHE", folder)
        calls = []

        def build(where: Path) -> None:
            calls.append(where)
            (where / "half").write_text("")
            if len(calls) == 1:
                raise RuntimeError("cut")

        with pytest.raises(RuntimeError, match="cut"):
            built("thing", {"a": 1}, build)
        assert not calls[0].exists()
        assert built("thing", {"a": 1}, build) == built("thing", {"a": 1}, build)
        assert len(calls) == 2
        assert built("thing", {"a": 2}, build) != calls[0]


# ---- environments


@pytest.mark.slow
def test_an_empty_environment_and_its_variant(empty_environment: Environment, variant: VariantFactory) -> None:
    copy = variant(empty_environment)
    copy.write("torch.py", "mark = 1\n")
    assert copy.run("-c", "import torch, sys; print(torch.mark, sys.prefix)").stdout.split() == ["1", str(copy.prefix)]
    assert empty_environment.run("-c", "import torch").returncode == 1
    assert empty_environment.torch_version() is None


@pytest.mark.online
@pytest.mark.slow
def test_cuda_torch(cuda_environment: Environment, variant: VariantFactory) -> None:
    assert (cuda_environment.torch_version() or "").startswith(f"{environments.TORCH_CUDA}+cu13")
    start = time.perf_counter()
    copy = variant(cuda_environment)
    assert time.perf_counter() - start < 5
    assert copy.remove("nvidia/**/libcudnn.so.9")
    copy.half_remove("torch")
    assert [path.name for path in copy.find("~orch*")] == ["~orch", f"~orch-{environments.TORCH_CUDA}.dist-info"]
    assert copy.torch_version() is None
    assert cuda_environment.find("nvidia/**/libcudnn.so.9")
    assert cuda_environment.torch_version()


@pytest.mark.online
@pytest.mark.slow
def test_cpu_torch_is_cpu_torch(cpu_environment: Environment) -> None:
    assert cpu_environment.torch_version() == f"{environments.TORCH_CPU}+cpu"
    assert not cpu_environment.find("nvidia")


@pytest.mark.online
@pytest.mark.slow
def test_old_torch_beside_numpy_2(cu121_environment: Environment) -> None:
    assert cu121_environment.torch_version() == f"{environments.TORCH_CU121}+cu121"
    assert cu121_environment.find("numpy-2.1.3.dist-info")


# ---- Windows


@pytest.mark.online
@pytest.mark.slow
def test_a_windows_python(windows: Windows, tmp_path: Path) -> None:
    script = tmp_path / "ask.py"
    script.write_text("import json, sys, winreg; print(json.dumps([sys.platform, sys.version_info[:3], sys.executable]))")
    done = windows.run([script])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["win32", [3, 11, 9], windows_path(windows.python)]


@pytest.mark.online
@pytest.mark.slow
def test_a_missing_dll_is_winerror_126(windows_torch: Windows) -> None:
    code = "try:\n import torch\nexcept OSError as error:\n print(error.winerror, error)"
    with windows_torch.without("c10.dll") as broken:
        done = broken.run(["-c", code])
        place = windows_path(broken.torch / "lib" / "shm.dll")
    assert done.stdout.strip() == (f'126 [WinError 126] Module not found. Error loading "{place}" or one of its dependencies.')
    assert (windows_torch.torch / "lib" / "c10.dll").exists()


@pytest.mark.online
@pytest.mark.slow
def test_the_windows_torch_works(windows_torch: Windows) -> None:
    done = windows_torch.run(["-W", "ignore", "-c", "import torch; print(torch.ones(3).sum().item(), torch.__version__)"])
    assert done.stdout.split() == ["3.0", "2.8.0+cpu"], done.stderr
