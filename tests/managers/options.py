"""An option and a place, as the tests of settings need them: torch is installed, a toolkit is here."""

from __future__ import annotations

from typing import Any

from torchsmith.knowledge import approaches as table
from torchsmith.model.choice import Candidate, Option, Pin, Place
from torchsmith.model.facts.python import Environment, Interpreter, Package, Packages
from torchsmith.model.record import replace

URL = "https://index.example/cu128"
WINDOWS_ROOT = r"C:\Program Files\NVIDIA GPU Computing Toolkit\CUDA\v12.8"


def option(approach: str, cuda: str = "12.8") -> Option:
    found = next(each for each in table.every() if each.name == approach)
    build = "cu" + cuda.replace(".", "")
    candidate = Candidate("wheel", "2.8.0", build, "cuda", "linux-x86_64", "3.12", cuda, None, (89,), (), URL)
    return Option(1, found, candidate, URL, (Pin("torch", "2.8.0", URL),), (), 0.0)


def place(system: str = "linux", prefix: str = "/e", **changes: Any) -> Place:
    """Torch 2.8.0+cu128 is there, so that only the settings are left to be changed."""
    windows = system == "windows"
    executable = rf"{prefix}\Scripts\python.exe" if windows else f"{prefix}/bin/python"
    interpreter = Interpreter(executable, "3.12.4", prefix, "/usr", 64, "", "", "venv", (), ())
    made = Place(system, "powershell" if windows else "bash", Environment("venv", "pip"), interpreter, None, "580.65.06")
    have = Packages((Package("torch", "2.8.0+cu128", "/e/lib"),))
    root = WINDOWS_ROOT.replace("\\", "/") if windows else "/opt/cuda-12.8"
    made = replace(made, torch="2.8.0+cu128", packages=have, sms=(89,), toolkits=(("12.8.1", root),))
    return replace(made, **changes)
