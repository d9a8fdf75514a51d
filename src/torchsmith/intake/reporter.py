"""What reporters write into issue forms: ``GPU: RTX 3060``, ``Driver: 595.79``, ``OS: Windows 11``, ``Python 3.10``.

Weaker than any tool's own output: these clues count where no tool spoke.
"""

from __future__ import annotations

import re

from torchsmith.intake.clue import Clue, Line
from torchsmith.knowledge import gpus
from torchsmith.model.facts.gpu import Device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORM = "report"
_GPU = re.compile(r"[\s*-]{0,8}(?:GPUs?|Video card|Graphics card|Graphics|Hardware|Device)\**\s?:\**\s{0,4}(?:(?P<count>\d) ?x )?(?P<name>[^:(]{3,60}?)\s{0,4}(?:$|[,(;])", re.IGNORECASE)
_BARE = re.compile(r"\s{0,4}[-*]?\s?(?P<name>(?:NVIDIA |Nvidia )?(?:GeForce |Tesla |Quadro )?(?:RTX|GTX|TITAN|Titan|GeForce|Tesla) ?[\w -]{1,30}?)(?:\s{1,4}GPU)?\s{0,4}(?:$|[,(;])")
_DRIVER = re.compile(r"\b(?:nvidia )?driver(?:'s)?(?: version)?\**\s?[:=]?\**\s{0,4}v?(?P<version>\d{3}\.\d{2,3}(?:\.\d{1,3})?)\b", re.IGNORECASE)
_PYTHON = re.compile(r"(?:^|[\s*,(-])python(?:[ _]version)?\**\s?[:-]?\**\s{0,4}(?P<version>[23]\.\d{1,2}(?:\.\d{1,2})?)\b", re.IGNORECASE)
_PATH = re.compile(r"[\\/](?:lib[\\/]python(?P<posix>3\.\d{1,2})[\\/]|Python(?P<windows>3\d{1,2})[\\/])")
_SYSTEMS = (
    ("windows", re.compile(r"\b(?:Microsoft )?Windows (?:1[01]|Server|7|8)\b|\bwin(?:10|11)\b|[A-Za-z]:\\\w|WindowsPath\(|\.dll\b", re.IGNORECASE)),
    ("macos", re.compile(r"\bmacOS\b|\bDarwin\b|/Users/\w|/opt/homebrew")),
    (
        "linux",
        re.compile(
            r"\b(?:Ubuntu|Debian|CentOS|Fedora|Red Hat|RHEL|Arch Linux|Rocky Linux|AlmaLinux|NixOS|L4T|JetPack)\b|/usr/(?:local|lib|bin)/|/home/\w|/opt/\w"
            r"|/dev/nvidia|\bapt(?:-get)?\b|\.so\.\d|linux_x86_64|/nix/store/|\b[\w-]{1,30}@[\w-]{1,30}:[~/]"
        ),
    ),
)
_WSL = re.compile(r"\bWSL ?(?P<version>[12])?\b", re.IGNORECASE)
_JETSON = re.compile(r"\bJetson\b|\bL4T\b|\bJetPack\b|-tegra\b", re.IGNORECASE)


def read(lines: Sequence[Line]) -> Iterator[Clue]:
    """Names that the GPU table knows, drivers, Pythons, and words that tell the system."""
    index = 0
    for line in lines:
        gpu = _GPU.match(line.text) or _BARE.match(line.text)
        if gpu and gpus.by_name(gpu["name"]):
            for _ in range(int(gpu.groupdict().get("count") or 1)):
                yield Clue("gpu-word", Device(index, gpu["name"].strip()), FORM, line.number)
                index += 1
        if found := _DRIVER.search(line.text):
            yield Clue("driver-word", found["version"], FORM, line.number)
        if found := _PYTHON.search(line.text):
            yield Clue("python-word", found["version"], FORM, line.number)
        elif found := _PATH.search(line.text):
            yield Clue("python-word", found["posix"] or f"3.{found['windows'][1:]}", FORM, line.number)
        for system, words in _SYSTEMS:
            if words.search(line.text):
                yield Clue("os-word", system, FORM, line.number)
        if found := _WSL.search(line.text):
            yield Clue("wsl-word", int(found["version"] or 2), FORM, line.number)
        if _JETSON.search(line.text):
            yield Clue("jetson-word", True, FORM, line.number)
        if re.search(r"\baarch64\b|\barm64\b", line.text):
            yield Clue("arch-word", "aarch64", FORM, line.number)
        if re.search(r"\bwin32\b|-32[\\/]|32[- ]bit \(Intel\)", line.text):
            yield Clue("bits-word", 32, FORM, line.number)
