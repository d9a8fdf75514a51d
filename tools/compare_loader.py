"""Compare the simulated loader with ld.so, for every object of real environments.

Usage: ``python tools/compare_loader.py NAME=PREFIX ... [--older PREFIX]``, with environments of Linux and gcc at hand.

Every library below site-packages is opened in a process of its own, alone and (where torch is) after ``import torch``, with
LD_DEBUG=libs,files; see tests/lab/opened.py. Then again with

- ``copies``: the libraries that many look for (libcudart, libcudnn and its parts, libgomp, libstdc++) copied into a folder of
  LD_LIBRARY_PATH;
- ``stubs``: empty libraries of these names there, and better ones in its sub-folders glibc-hwcaps/x86-64-v3 and haswell;
- ``preload``: LD_PRELOAD of a copied libgomp;
- ``removed``: a copy of the environment without cuDNN and NCCL, or without libshm where there are none;
- ``older``: LD_LIBRARY_PATH of all library folders of the environment ``--older``.

It prints a table in Markdown and every difference; the exit status is 1 if there is one.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab.environments import Environment, variant
from tests.lab.foretold import Agreement, compare, objects_of

WANTED = re.compile(r"lib(cudart|cudnn(_\w+)?|gomp|stdc\+\+|cublas(Lt)?|nccl|nvJitLink)\.so\.\d+")
SYSTEM = ("libgomp.so.1", "libstdc++.so.6", "libz.so.1")


def wanted(environment: Environment) -> dict[str, Path]:
    """The libraries to set traps with, by name: the environment's, else the system's."""
    found: dict[str, Path] = {}
    for folder in (Path("/usr/lib/x86_64-linux-gnu"), Path("/lib/x86_64-linux-gnu"), Path("/usr/lib64")):
        found |= {name: folder / name for name in SYSTEM if (folder / name).exists()}
    for path in environment.find("**/*.so.*"):
        if WANTED.fullmatch(path.name):
            found[path.name] = path
    return found


def scenarios(environment: Environment, folder: Path, older: Path | None) -> Iterator[tuple[str, Environment, dict[str, str]]]:
    """Each with its name and variables."""
    yield "as it is", environment, {}
    names = wanted(environment)
    copies, stubs = folder / "copies", folder / "stubs"
    copies.mkdir()
    for name, path in names.items():
        try:
            os.link(path.resolve(), copies / name)
        except OSError:
            shutil.copy(path, copies / name)
        for sub in ("", "glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "haswell")[: 1 + 3 * (len(name) % 2)]:
            stub = stubs / sub / name
            stub.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{name}", "-x", "c", "/dev/null", "-o", stub], check=True)
    # a hard link is the very file that is loaded already; a copy is not
    for path in copies.glob("libcudart.*"):
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)
    yield "copies", environment, {"LD_LIBRARY_PATH": f"{copies}:{folder}/nowhere"}
    yield "stubs", environment, {"LD_LIBRARY_PATH": f"{stubs}"}
    if "libgomp.so.1" in names:
        yield "preload", environment, {"LD_PRELOAD": f"{copies}/libgomp.so.1"}
    with variant(environment, "compare-loader") as damaged:
        patterns = [p for p in ("nvidia/cudnn", "nvidia/nccl") if damaged.find(p)] or ["torch/lib/libshm.so"]
        for pattern in patterns:
            damaged.remove(pattern)
        yield "removed", damaged, {}
    if older:
        folders = [str(path) for path in Environment(older).find("nvidia/*/lib")]
        yield "older", environment, {"LD_LIBRARY_PATH": ":".join(folders)}


def main() -> int:
    """Compare, and say so."""
    parser = argparse.ArgumentParser()
    parser.add_argument("environments", nargs="+", metavar="NAME=PREFIX")
    parser.add_argument("--older", type=Path)
    asked = parser.parse_args()
    differences: list[str] = []
    print("| environment | scenario | process | objects | could not be opened | names looked for | differences |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, _, prefix in (text.partition("=") for text in asked.environments):
        environment = Environment(Path(prefix))
        with tempfile.TemporaryDirectory() as folder:
            for scenario, one, variables in scenarios(environment, Path(folder), asked.older):
                objects = objects_of(one.site)
                for first in ("", "torch") if one.torch_version() else ("",):
                    with tempfile.TemporaryDirectory() as answers:
                        found = compare(one.prefix, objects, Path(answers), first, variables)
                    process = f"after import {first}" if first else "fresh"
                    print(row(name, scenario, process, found), flush=True)
                    differences += [f"{name}, {scenario}, {process}: {text}" for text in found.differences]
    print("\n".join(["", f"{len(differences)} differences", *differences]))
    return int(bool(differences))


def row(name: str, scenario: str, process: str, found: Agreement) -> str:
    """One line of the table."""
    if found.import_failed:
        said = "foretold" if not found.differences else "not foretold"
        kind = "a library is missing" if "cannot open" in found.import_failed else "a symbol or version is missing"
        said = said if "cannot open" in found.import_failed else "no question of paths"
        return f"| {name} | {scenario} | {process} | the import fails: {kind} ({said}) | | | {len(found.differences)} |"
    numbers = (found.objects, found.failed, found.names, len(found.differences))
    return f"| {name} | {scenario} | {process} | {' | '.join(map(str, numbers))} |"


if __name__ == "__main__":
    sys.exit(main())
