"""Stands in for nvidia-smi: answers from the description that the libraries beside it read.

Layouts follow what real drivers print, from the narrow table of the 470 branch to the renamed versions of the 610 one.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NoReturn

HANG_SECONDS = 90
NOT_LOADED = 9
MISMATCH = 18

COULD_NOT_COMMUNICATE = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
    "Make sure that the latest NVIDIA driver is installed and running.\n\n"
)
WORDS = {
    1: "Uninitialized",
    4: "Insufficient Permissions",
    12: "NVML Shared Library Not Found",
    15: "GPU is lost",
    17: "GPU access blocked by the operating system",
    MISMATCH: "Driver/library version mismatch",
}

Values = dict[str, str]


def read_description() -> tuple[Values, list[Values]]:
    machine: Values = {}
    gpus: list[Values] = []
    with open(os.environ["TORCHSMITH_LAB_DRIVER"], encoding="utf-8") as lines:  # noqa: PTH123 - import time
        for line in lines:
            key, equals, value = line.rstrip("\n").partition("=")
            if key == "[gpu]":
                gpus.append({})
            elif equals:
                (gpus[-1] if gpus else machine)[key] = value
    return machine, gpus


def say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def hang() -> NoReturn:
    """Ignores the polite signal, as a process stuck in the driver does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    time.sleep(HANG_SECONDS)
    sys.exit(1)


def hang_with_child() -> NoReturn:
    """A child inherits the pipes: who reads to their end waits for the child even when this process is dead."""
    subprocess.Popen([sys.executable, "-I", "-S", "-c", f"import time; time.sleep({HANG_SECONDS})"])
    hang()


def crash() -> NoReturn:
    os.kill(os.getpid(), signal.SIGSEGV)
    sys.exit(1)


def flood() -> NoReturn:
    """Prints until somebody stops listening, or for ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        say("#" * 65536)
    sys.exit(0)


def silent() -> NoReturn:
    sys.exit(0)


def garbage() -> NoReturn:
    sys.stdout.buffer.write(bytes(range(256)) * 64)
    sys.exit(0)


MISBEHAVIOUR: dict[str, Callable[[], NoReturn]] = {
    "hang": hang,
    "hang-with-child": hang_with_child,
    "crash": crash,
    "flood": flood,
    "silent": silent,
    "garbage": garbage,
}


def fail_as_nvml_does(machine: Values) -> None:
    code = machine.get("nvml_init", "0")
    if code == "hang":
        hang()
    if code == "crash":
        crash()
    if int(code) == NOT_LOADED:
        say(COULD_NOT_COMMUNICATE)
    elif int(code) == MISMATCH:
        say(f"Failed to initialize NVML: {WORDS[MISMATCH]}\n")
        if major(machine) >= 535:
            say("NVML library version: " + ".".join(machine["nvml"].split(".")[1:3]) + "\n")
    elif int(code):
        say(f"Failed to initialize NVML: {WORDS.get(int(code), 'Unknown Error')}\n")
    if int(code):
        sys.exit(int(code))


def major(machine: Values) -> int:
    return int(machine.get("smi_version", machine["driver"]).split(".")[0])


def cuda_version(machine: Values) -> str:
    if machine.get("without_libcuda") == "1":
        return "N/A"
    number = int(machine["cuda"])
    return f"{number // 1000}.{number % 1000 // 10}"


def memory(gpu: Values) -> tuple[int, int] | None:
    total = int(gpu["memory_mib"])
    return None if total < 0 else (total // 32, total)


def on(flag: str) -> str:
    return "On" if flag == "1" else "Off"


def enabled(flag: str, absent: str = "N/A") -> str:
    return {"1": "Enabled", "0": "Disabled"}.get(flag, absent)


def compute_mode(gpu: Values) -> str:
    return {"0": "Default", "1": "Exclusive_Thread", "2": "Prohibited", "3": "Exclusive_Process"}[gpu["compute_mode"]]


def cut(name: str, width: int) -> str:
    return name if len(name) <= width else name[: width - 3].rsplit(" ", 1)[0] + " ..."


# ---- the table


def table(machine: Values, gpus: list[Values]) -> str:
    if major(machine) < 530:
        return narrow_table(machine, gpus)
    return wide_table(machine, gpus)


def narrow_table(machine: Values, gpus: list[Values]) -> str:
    version = machine.get("smi_version", machine["driver"])
    rule = "+-------------------------------+----------------------+----------------------+"
    head = f"NVIDIA-SMI {version:<12} Driver Version: {machine['driver']:<12} CUDA Version: {cuda_version(machine):<8}"
    lines = [
        "+-----------------------------------------------------------------------------+",
        f"| {head[:75]:<75} |",
        "|-------------------------------+----------------------+----------------------+",
        "| GPU  Name        Persistence-M| Bus-Id        Disp.A | Volatile Uncorr. ECC |",
        "| Fan  Temp  Perf  Pwr:Usage/Cap|         Memory-Usage | GPU-Util  Compute M. |",
        "|                               |                      |               MIG M. |",
        "|===============================+======================+======================|",
    ]
    for index, gpu in enumerate(gpus):
        held = memory(gpu)
        use = "Not Supported" if held is None else f"{held[0]}MiB / {held[1]}MiB"
        left = f"{index:>3}  {cut(gpu['name'], 18):<18}  {on(gpu['persistence']):<3}  "
        lines += [
            f"| {left}| {gpu['pci_bus']} {on(gpu['display_active']):>3} |                  N/A |",
            f"|  0%   42C    P8    11W / 170W | {use:>20} |      0% {compute_mode(gpu):>12} |",
            f"|                               |                      | {enabled(gpu['mig']):>20} |",
            rule,
        ]
    return "\n".join(lines) + "\n" + processes(79)


def wide_table(machine: Values, gpus: list[Values]) -> str:
    version = machine.get("smi_version", machine["driver"])
    middle = 24 if major(machine) >= 550 else 22
    whole = 41 + 1 + middle + 1 + 22
    rule = f"+{'-' * 41}+{'-' * middle}+{'-' * 22}+"
    if major(machine) >= 610:
        versions = f"KMD Version: {machine['driver']:<13} CUDA UMD Version: {cuda_version(machine):<8}"
    else:
        versions = f"Driver Version: {machine['driver']:<{middle - 10}} CUDA Version: {cuda_version(machine):<8}"
    head = f"NVIDIA-SMI {version:<22} {versions}"
    lines = [
        f"+{'-' * whole}+",
        f"| {head[: whole - 2]:<{whole - 2}} |",
        rule if major(machine) >= 565 else "|" + rule[1:],
        f"| GPU  Name                 Persistence-M | {'Bus-Id':<{middle - 8}}Disp.A | Volatile Uncorr. ECC |",
        f"| Fan  Temp   Perf          Pwr:Usage/Cap | {'Memory-Usage':>{middle - 2}} | GPU-Util  Compute M. |",
        f"|{' ' * 41}|{' ' * middle}|               MIG M. |",
        f"|{'=' * 41}+{'=' * middle}+{'=' * 22}|",
    ]
    for index, gpu in enumerate(gpus):
        held = memory(gpu)
        use = "Not Supported".ljust(middle - 2) if held is None else f"{held[0]}MiB / {held[1]:>{middle // 2 - 6}}MiB"
        bus = gpu["pci_bus"].rjust(middle - 6)
        left = f"{index:>3}  {cut(gpu['name'], 27):<27}    {on(gpu['persistence']):<3}"
        lines += [
            f"| {left} | {bus} {on(gpu['display_active']):>3} |                  N/A |",
            f"|  0%   42C    P8             11W /  300W | {use:>{middle - 2}} |      0% {compute_mode(gpu):>12} |",
            f"|{' ' * 41}|{' ' * middle}| {enabled(gpu['mig']):>20} |",
            rule,
        ]
    return "\n".join(lines) + "\n" + processes(whole + 2)


def processes(width: int) -> str:
    inner = width - 4
    lines = [
        " " * width,
        f"+{'-' * (inner + 2)}+",
        f"| {'Processes:':<{inner}} |",
        f"| {' GPU   GI   CI              PID   Type   Process name':<{inner - 12}}  GPU Memory |",
        f"|{'=' * (inner + 2)}|",
        f"| {' No running processes found':<{inner}} |",
        f"+{'-' * (inner + 2)}+",
    ]
    return "\n".join(lines) + "\n"


# ---- queries


def fields(machine: Values, gpus: list[Values], index: int) -> dict[str, tuple[str, str]]:
    """Each field's value and its unit."""
    gpu = gpus[index]
    held = memory(gpu)
    used, total = (str(held[0]), str(held[1])) if held else ("[N/A]", "[N/A]")
    free = str(held[1] - held[0]) if held else "[N/A]"
    answer = {
        "index": (str(index), ""),
        "count": (str(len(gpus)), ""),
        "name": (gpu["name"], ""),
        "uuid": (gpu["uuid"], ""),
        "driver_version": (machine["driver"], ""),
        "pci.bus_id": (gpu["pci_bus"], ""),
        "pci.device_id": (f"0x{gpu['pci_device_id'].upper()}10DE", ""),
        "memory.total": (total, "MiB"),
        "memory.used": (used, "MiB"),
        "memory.free": (free, "MiB"),
        "persistence_mode": (enabled(gpu["persistence"]), ""),
        "compute_mode": (compute_mode(gpu), ""),
        "display_active": (enabled(gpu["display_active"]), ""),
        "display_mode": (enabled(gpu["display_active"]), ""),
        "mig.mode.current": (enabled(gpu["mig"], "[N/A]"), ""),
        "mig.mode.pending": (enabled(gpu["mig"], "[N/A]"), ""),
        "utilization.gpu": ("0", "%"),
        "temperature.gpu": ("42", ""),
    }
    for name, other in (("name", "gpu_name"), ("uuid", "gpu_uuid"), ("pci.bus_id", "gpu_bus_id")):
        answer[other] = answer[name]
    if major(machine) >= 510:  # older ones do not know it
        answer["compute_cap"] = (gpu["capability"], "")
    return answer


def query(machine: Values, gpus: list[Values], wanted: str, layout: str) -> int:
    names = [name.strip() for name in wanted.split(",")]
    known = fields(machine, gpus, 0)
    for name in names:
        if name not in known:
            say(f'Field "{name}" is not a valid field to query.\n\n')
            return 2
    if "noheader" not in layout:
        say(", ".join(name + (f" [{known[name][1]}]" if known[name][1] else "") for name in names) + "\n")
    for index in range(len(gpus)):
        row = fields(machine, gpus, index)
        cells = []
        for name in names:
            value, unit = row[name]
            bare = not unit or "nounits" in layout or value == "[N/A]"
            cells.append(value if bare else f"{value} {unit}")
        say(", ".join(cells) + "\n")
    return 0


def pair(depth: int, key: str, value: str) -> str:
    return f"{' ' * depth}{key:<{42 - depth}}: {value}\n"


def long_report(machine: Values, gpus: list[Values]) -> str:
    text = "\n==============NVSMI LOG==============\n\n" + pair(0, "Timestamp", time.strftime("%a %b %e %H:%M:%S %Y"))
    if major(machine) >= 610:
        note = "[Deprecated; will be removed in CUDA 14.0. Use {} instead]"
        text += pair(0, "Driver Version", note.format("KMD Version"))
        text += pair(0, "CUDA Version", note.format("CUDA UMD Version"))
        text += pair(0, "KMD Version", machine["driver"]) + pair(0, "CUDA UMD Version", cuda_version(machine))
    else:
        text += pair(0, "Driver Version", machine["driver"]) + pair(0, "CUDA Version", cuda_version(machine))
    text += "\n" + pair(0, "Attached GPUs", str(len(gpus)))
    for index, gpu in enumerate(gpus):
        domain, bus, slot = gpu["pci_bus"].split(":")
        held = memory(gpu)
        sizes = [f"{size} MiB" for size in (held[1], held[0], held[1] - held[0])] if held else ["N/A"] * 3
        text += f"GPU {gpu['pci_bus']}\n"
        text += pair(4, "Product Name", gpu["name"])
        text += pair(4, "Display Mode", enabled(gpu["display_active"]))
        text += pair(4, "Display Active", enabled(gpu["display_active"]))
        text += pair(4, "Persistence Mode", enabled(gpu["persistence"]))
        text += "    MIG Mode\n" + pair(8, "Current", enabled(gpu["mig"])) + pair(8, "Pending", enabled(gpu["mig"]))
        text += pair(4, "GPU UUID", gpu["uuid"]) + pair(4, "Minor Number", str(index))
        text += "    PCI\n" + pair(8, "Bus", f"0x{bus}") + pair(8, "Device", f"0x{slot.split('.')[0]}")
        text += pair(8, "Domain", f"0x{domain[-4:]}")
        text += pair(8, "Device Id", f"0x{gpu['pci_device_id'].upper()}10DE") + pair(8, "Bus Id", gpu["pci_bus"])
        text += "    FB Memory Usage\n"
        text += "".join(pair(8, key, size) for key, size in zip(("Total", "Used", "Free"), sizes, strict=True))
        text += pair(4, "Compute Mode", compute_mode(gpu))
    return text + "\n"


# ---- the command


def option(arguments: list[str], name: str) -> str | None:
    for position, argument in enumerate(arguments):
        if argument == name:
            return arguments[position + 1] if position + 1 < len(arguments) else ""
        if argument.startswith(name + "="):
            return argument.partition("=")[2]
    return None


def answer(arguments: list[str], machine: Values, gpus: list[Values]) -> int:
    if "-h" in arguments or "--help" in arguments:
        say(f"NVIDIA System Management Interface -- v{machine.get('smi_version', machine['driver'])}\n")
        return 0
    fail_as_nvml_does(machine)
    if not gpus:
        say("No devices were found\n")
        return 6
    wanted = option(arguments, "--query-gpu")
    if wanted is not None:
        return query(machine, gpus, wanted, option(arguments, "--format") or "csv")
    if "-L" in arguments or "--list-gpus" in arguments:
        for index, gpu in enumerate(gpus):
            say(f"GPU {index}: {gpu['name']} (UUID: {gpu['uuid']})\n")
        return 0
    if "-q" in arguments or "--query" in arguments:
        say(long_report(machine, gpus))
        return 0
    if arguments:
        say(f"Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n\n{arguments[0]}\n")
        return 1
    say(time.strftime("%a %b %e %H:%M:%S %Y       \n") + table(machine, gpus))
    return 0


def main() -> int:
    machine, gpus = read_description()
    behaviour = machine.get("smi", "ok")
    if behaviour in MISBEHAVIOUR:
        MISBEHAVIOUR[behaviour]()
    if behaviour == "noise":
        sys.stderr.write("nvidia-smi: /opt/site/lib/libz.so.1: no version information available\n")
        say("\x1b]0;site wrapper\x07\x1b[1;31mWARNING: this node goes down at 18:00\x1b[0m\r\n")
    code = answer(sys.argv[1:], machine, gpus)
    if behaviour == "noise":
        say("\x1b[0m*** accounting: 0.01 s ***\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
