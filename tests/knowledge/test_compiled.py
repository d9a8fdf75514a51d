"""Source and compiled form are equal, and lookups read the compiled form only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOOKUPS = (
    ("archs", "sass_runs_on('sm_86', 89, '12.8')"),
    ("causes", "get('cpu-only-build')"),
    ("companions", "for_torch('2.14.1')"),
    ("drivers", "max_cuda('581.57', windows=True)"),
    ("gpus", "by_pci(0x2C05)"),
    ("libraries", "provider('libcudnn.so.9', 12)"),
    ("third_party", "requirement('ctranslate2', '4.4.0')"),
    ("toolkits", "get('12.8')"),
    ("torch_builds", "fitting((86,), platform='linux-x86_64', driver='535.183.01', python_tag='cp312')"),
    ("torch_releases", "python_tags('2.14.1', 'windows')"),
)


def test_compiled_tables_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "compile_knowledge.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stdout) == (0, "compiled tables are up to date\n"), done.stderr


@pytest.mark.parametrize(("module", "call"), LOOKUPS)
def test_lookup_does_not_parse_files(module: str, call: str) -> None:
    script = (
        f"import sys; from torchsmith.knowledge import {module}; assert {module}.{call};"
        "print(*sorted({'csv', 'tomllib', 'dataclasses', 'inspect', 'pkgutil', 'difflib', 'json'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src")},
    )
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
