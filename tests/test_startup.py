"""Start-up is a feature: a budget on the modules that the default path imports, not on time (benchmarks/ measures time)."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    *("asyncio", "ast", "ctypes", "csv", "dataclasses", "email", "http", "importlib.metadata", "importlib.resources"),
    *("inspect", "logging", "packaging", "pathlib", "pkgutil", "platform", "shutil", "socket", "tempfile", "textwrap"),
    *("tomllib", "typing", "urllib", "uuid", "zipfile"),
}


def imported(*arguments: str, folder: str) -> set[str]:
    code = (
        f"import sys; from torchsmith.__main__ import main; sys.argv[1:] = {list(arguments)!r}; "
        "main(); print(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True, check=True)
    return set(ran.stderr.split()) - set(bare.stdout.split())


def test_the_version_loads_next_to_nothing(tmp_path: object) -> None:
    assert len(imported("--version", folder=str(tmp_path))) <= 4


def test_a_check_without_torch_and_gpu_loads_nothing_heavy(tmp_path: object) -> None:
    modules = imported("check", "--python", sys.executable, folder=str(tmp_path))
    assert sorted(modules & HEAVY) == []
    ours = {name for name in modules if name.startswith("torchsmith")}
    assert len(ours) <= 119, sorted(ours)


def test_a_plan_for_another_machine_loads_nothing_heavy(tmp_path: object) -> None:
    question = ("gpu=RTX 5070 Ti", "driver=581.57", "os=windows", "python=3.13")
    modules = imported("plan", *(word for item in question for word in ("--assume", item)), folder=str(tmp_path))
    assert sorted(modules & HEAVY) == []
    ours = {name for name in modules if name.startswith("torchsmith")}
    assert len(ours) <= 200, sorted(ours)
