"""What reporters write into issue forms: ``GPU: RTX 3060``, ``Driver: 595.79``, ``OS: Windows 11``, ``Python 3.10``.

Weaker than any tool's own output: these clues count where no tool spoke.
"""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.knowledge import gpus
from torchsmith.model.facts.gpu import Device
from torchsmith.model.pattern import pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FORM = "report"
_GPU = pattern(
    r"[\s*-]{0,8}(?:GPUs?|Video card|Graphics card|Graphics|Hardware|Device)\**\s?:\**\s{0,4}"
    r"(?:(?P<count>\d) ?x )?(?P<name>[^:(]{3,60}?)\s{0,4}(?:$|[,(;])",
    re.IGNORECASE,
)
_BARE = pattern(
    r"\s{0,4}[-*]?\s?(?P<name>(?:NVIDIA |Nvidia )?(?:GeForce |Tesla |Quadro )?"
    r"(?:RTX|GTX|TITAN|Titan|GeForce|Tesla) ?[\w -]{1,30}?)(?:\s{1,4}GPU)?\s{0,4}(?:$|[,(;])"
)
_DRIVER = pattern(r"\b[Dd]river(?:'s)?(?: [Vv]ersion)?\**\s?[:=]?\**\s{0,4}v?(?P<version>\d{3}\.\d{2,3}(?:\.\d{1,3})?)\b")
_WINDOWS_DRIVER = pattern(r"\b(?:2[0-9]|3[0-9])\.\d{1,2}\.1(\d)\.(\d{4})\b")
_PYTHON = pattern(r"(?<![^\s*,(-])C?[Pp]ython(?:[ _][Vv]ersion)?\**\s?[:-]?\**\s{0,4}(?P<version>[23]\.\d{1,2}(?:\.\d{1,2})?)\b")
_PATH = pattern(r"[\\/](?:lib[\\/]python(?P<posix>3\.\d{1,2})[\\/]|Python(?P<windows>3\d{1,2})[\\/])")
# No alternative begins with a repetition: a line of a build log costs one pass.
_SYSTEMS = (
    (
        "windows",
        pattern(
            r"\b[Ww]indows (?:1[01]|Server|7|8)\b|\b[Ww]in(?:10|11)\b|(?<![\w.@-])[A-Za-z]:[\\/][\w>]|WindowsPath\(|\.dll\b"
            r"|Press any key to continue"
        ),
    ),
    ("macos", pattern(r"\bmacOS\b|\bDarwin\b|(?<![\w:.])/Users/\w|/opt/homebrew")),
    (
        "linux",
        pattern(
            r"\b(?:Ubuntu|Debian|CentOS|Fedora|Red Hat|RHEL|Arch Linux|Rocky Linux|AlmaLinux|NixOS|L4T)\b"
            r"|\b(?:ubuntu|JetPack)\b"
            r"|/usr/(?:local|lib|bin)/|/home/\w|/opt/\w|/nix/store/|/dev/nvidia|/lib/python[23]\.\d|\.so\.\d|linux_x86_64|linux-headers"
            r"|\b(?:sudo|apt|apt-get|dkms|modprobe|insmod|systemctl) |\bNVRM:|(?<=\w)@[\w-]{1,30}:[~/]"
            # What only the Linux driver can say: its module, compat libraries and NVSwitches.
            r"|Driver/library version mismatch|couldn't communicate with the NVIDIA driver|\bError 80[234]:"
            r"|Unable to determine the device"
            r"|Failed to initialize NVML: (?:Insufficient|Unknown)"
        ),
    ),
)
_JETSON = pattern(r"\b[Jj]etson\b|\bL4T\b|\bJetPack\b|-tegra\b")
_AARCH64 = pattern(r"\baarch64\b|\barm64\b")
# Not "win32" alone: a 64-bit Python on Windows calls its platform so too.
_BITS = pattern(r"\bcp\d{2,3}m?-win32\b|\bPython3?\d{1,3}-32[\\/]|32[- ]bit \(Intel\)")
_DISTRO = pattern(
    r"\b(?:Ubuntu|Debian|CentOS|Fedora|Rocky Linux|AlmaLinux|NixOS|Arch Linux)\b(?: (?:Linux |LTS )?\d{1,2}(?:\.\d{1,2})?\b)?"
)
_UNAME = pattern(r"\bLinux [\w.-]{1,64} (?P<release>\d\.\d{1,3}\.[\w.+-]{1,80}) #\d.{0,120}?\b(?P<arch>x86_64|aarch64)\b")
_WSL = pattern(r"\b(?:WSL|wsl) ?(?P<version>[12])?\b")


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Names that the GPU table knows; of versions and of words that tell the system, the first of each kind."""
    index = 0
    waiting = dict(_KINDS)
    for line in lines:
        for name in _gpus(line.text):
            yield Clue("gpu-word", Device(index, name), FORM, line.number)
            index += 1
        for about in tuple(waiting):
            words, asked = waiting[about]
            value = asked(line.text) if any(word in line.text for word in words) else None
            if value is not None:
                del waiting[about]
                yield Clue(about, value, FORM, line.number)


def _driver(text: str) -> str | None:
    found = _DRIVER.search(text)
    if found:
        return found["version"]
    # 32.0.15.7680 of Windows is 576.80 of NVIDIA.
    windows = _WINDOWS_DRIVER.search(text)
    return f"{windows[1]}{windows[2][:2]}.{windows[2][2:]}" if windows else None


def _python(text: str) -> str | None:
    if found := _PYTHON.search(text):
        return found["version"]
    found = _PATH.search(text)
    return (found["posix"] or f"3.{found['windows'][1:]}") if found else None


def _system(text: str) -> str | None:
    return next((system for system, words in _SYSTEMS if words.search(text)), None)


def _distro(text: str) -> str | None:
    found = _DISTRO.search(text)
    return found[0] if found else None


def _uname(text: str) -> str | None:
    """``uname -a`` in the form of Python's own name of a platform."""
    found = _UNAME.search(text)
    return f"Linux-{found['release']}-{found['arch']}" if found else None


def _wsl(text: str) -> int | None:
    versions = _WSL.findall(text)
    if not versions or "[ ]" in text or {"1", "2"} <= set(versions):  # an unticked box, or a form that asks which
        return None
    return int(versions[0] or 2)


# With each, what a line must hold for it: most lines of a log hold none of these.
_KINDS: dict[str, tuple[tuple[str, ...], Callable[[str], object]]] = {
    "driver-word": (("river", "NVIDIA"), _driver),
    "python-word": (("ython",), _python),
    "os-word": (
        (
            *("indows", "in10", "in11", ":\\", ":/", ".dll", "Press any", "macOS", "Darwin", "/Users/", "homebrew"),
            *("Ubuntu", "ubuntu", "Debian", "CentOS", "Fedora", "Red Hat", "RHEL", "Linux", "linux", "NixOS", "L4T", "JetPack"),
            *("/usr/", "/home/", "/opt/", "/nix/", "/dev/", "/lib/", ".so.", "sudo ", "apt", "dkms ", "modprobe ", "insmod "),
            *("systemctl ", "NVRM", "@", "Driver/", "communicate", "Error 80", "Unable", "NVML"),
        ),
        _system,
    ),
    "platform": (("Linux",), _uname),
    "distro-word": (("Ubuntu", "Debian", "CentOS", "Fedora", "Rocky", "AlmaLinux", "NixOS", "Arch Linux"), _distro),
    "wsl-word": (("WSL", "wsl"), _wsl),
    "jetson-word": (("etson", "L4T", "JetPack", "tegra"), lambda text: _JETSON.search(text) and True),
    "arch-word": (("aarch64", "arm64"), lambda text: _AARCH64.search(text) and "aarch64"),
    "bits-word": (("32",), lambda text: _BITS.search(text) and 32),
}


def _gpus(text: str) -> list[str]:
    gpu = _GPU.match(text) or _BARE.match(text)
    name = _product(gpu["name"].strip()) if gpu else ""
    return [name] * int(gpu.groupdict().get("count") or 1) if gpu and name else []


def _product(said: str) -> str:
    """The name under which the GPU table knows what a person wrote ("3060ti"); empty if it is no GPU of NVIDIA's."""
    spellings = (said, f"RTX {said}", f"GTX {said}") if said[:1].isdigit() else (said,)
    return next((spelling for spelling in spellings if gpus.by_name(spelling)), "")
