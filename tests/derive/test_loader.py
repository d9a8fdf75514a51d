"""The simulated loader against the real one, on small libraries made for it: random trees of RPATH, RUNPATH and traps."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from torchsmith.derive.loaded_libraries import loaded_libraries
from torchsmith.host.local import LocalHost
from torchsmith.model.facts.libraries import LoadedLibraries, TorchLibraries
from torchsmith.model.facts.python import Interpreter
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.model.record import replace
from torchsmith.probes.cpu import cpu
from torchsmith.probes.loader_paths import loader_paths
from torchsmith.probes.machine import machine
from torchsmith.probes.torch_libraries import torch_libraries

GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(not GCC or not sys.platform.startswith("linux"), reason="needs gcc and the GNU loader")

PROGRAM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
static int show(struct dl_phdr_info *i, size_t n, void *d) { if (i->dlpi_name[0]) puts(i->dlpi_name); return 0; }
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) if (!dlopen(argv[i], RTLD_NOW | RTLD_GLOBAL)) printf("FAILED %s\n", dlerror());
    dl_iterate_phdr(show, 0);
    return 0;
}
"""
SITE = "lib/python3.11/site-packages"
FOLDERS = (f"{SITE}/torch/lib", f"{SITE}/nvidia/cudnn/lib", f"{SITE}/nvidia/nccl/lib", "lib", "trap", "trap2")
# names that no system has
NAMES = ("libtsalpha.so.9", "libtsbeta.so.2", "libtsgamma.so.13", "libtsdelta.so.1", "libtsepsilon.so.1")
# sub-folders that glibc searches first, on some processors and in some versions; the last one in none
BETTER = ("glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4", "tls", "haswell", "x86_64", "zen")
EXTENSION = "_C.cpython-311-x86_64-linux-gnu.so"


@dataclass
class Library:
    """One file to make: what it needs, and how it says where to look."""

    folder: str
    name: str
    needed: tuple[str, ...] = ()
    tag: str = ""
    paths: tuple[str, ...] = ()


@dataclass
class Tree:
    """An environment made of such files, and the variables of its process."""

    root: Path
    libraries: list[Library]
    program: Library
    library_path: tuple[str, ...] = ()
    preload: str = ""
    stubs: dict[str, Path] = field(default_factory=dict)

    def make(self) -> None:
        stubs = self.root / "stubs"
        stubs.mkdir(parents=True)
        (self.root / "empty.c").write_text("")
        (self.root / "program.c").write_text(PROGRAM)
        for name in {library.name for library in self.libraries} | {name for lib in self.libraries for name in lib.needed}:
            self._gcc("-shared", "-nostdlib", f"-Wl,-soname,{name}", "-o", stubs / name, self.root / "empty.c")
        for library in (*self.libraries, self.program):
            folder = self.root / library.folder
            folder.mkdir(parents=True, exist_ok=True)
            dtags = "--disable-new-dtags" if library.tag == "rpath" else "--enable-new-dtags"
            rpath = [f"-Wl,{dtags},-rpath,{':'.join(library.paths)}"] if library.tag else []
            needed = [stubs / name for name in library.needed]
            kind = ["-nostdlib", "-shared", f"-Wl,-soname,{library.name}"]
            source = self.root / "empty.c"
            if library is self.program:
                kind, source = ["-ldl"], self.root / "program.c"
            self._gcc(
                "-o", folder / library.name, source, "-Wl,--no-as-needed", *needed, *rpath, "-Wl,--allow-shlib-undefined", *kind
            )
        torch = self.root / SITE / "torch"
        (torch / "version.py").write_text("__version__ = '2.14.1+cu130'\ncuda = '13.0'\n")
        (torch / "__init__.py").write_text("")

    def _gcc(self, *arguments: str | Path) -> None:
        assert GCC
        subprocess.run([GCC, *map(str, arguments)], check=True, capture_output=True)

    @property
    def environ(self) -> dict[str, str]:
        found = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": ":".join(self.library_path)}
        return found | ({"LD_PRELOAD": self.preload} if self.preload else {})

    def real(self) -> tuple[set[str], list[str]]:
        """What the real loader maps of this tree, and the failures."""
        torch = self.root / SITE / "torch"
        argv = [self.root / "bin/python3.11", torch / "lib/libtorch_global_deps.so", torch / EXTENSION]
        done = subprocess.run([str(a) for a in argv], env=self.environ, capture_output=True, text=True, check=True, cwd=self.root)
        lines = done.stdout.splitlines()
        failures = [line for line in lines if line.startswith("FAILED")]
        mapped = {os.path.normpath(line) for line in lines if line.startswith(str(self.root))}
        return mapped, failures

    def collected(self) -> tuple[TorchLibraries, LoadedLibraries]:
        """What torchsmith says of the same tree."""
        host = LocalHost(environ=self.environ, cwd=str(self.root))
        here = machine(host)
        assert isinstance(here, Known)
        site = str(self.root / SITE)
        root = str(self.root)
        program = f"{root}/bin/python3.11"
        interpreter = Interpreter(program, "3.11.7", root, root, 64, "x86_64", "linux", "venv", (site,), (site,))
        interpreter = replace(interpreter, cache_tag="cpython-311", stdlib=f"{root}/lib/python3.11")
        torch = Torch(f"{site}/torch", "2.14.1+cu130", "cuda", "cu130", "13.0")
        processor = cpu(host, here.value, torch)
        paths = loader_paths(host, here.value, interpreter, torch, processor.value if isinstance(processor, Known) else processor)
        assert isinstance(paths, Known)
        assert paths.value is not None
        libraries = torch_libraries(host, here.value, interpreter, torch, paths.value)
        assert isinstance(libraries, Known)
        assert libraries.value is not None
        return libraries.value, loaded_libraries(here.value, paths.value, libraries.value).value


def random_tree(root: Path, seed: int) -> Tree:
    """A tree in which every rule of the search order has a chance to decide."""
    chance = random.Random(seed)

    def paths() -> tuple[str, tuple[str, ...]]:
        tag = chance.choice(("", "rpath", "rpath", "runpath", "runpath"))
        chosen = chance.sample(FOLDERS, chance.randint(1, 3))
        return tag, tuple(str(root / f) for f in chosen) if tag else ()

    libraries = []
    for index, name in enumerate(NAMES):
        # what comes later in the list is needed by what comes before, so that no two libraries need each other
        for folder in chance.sample(FOLDERS[1:], chance.randint(1, 3)):
            needed = tuple(chance.sample(NAMES[index + 1 :], min(len(NAMES) - index - 1, chance.randint(0, 2))))
            libraries.append(Library(folder, name, needed, *paths()))
            if chance.random() < 0.3:
                libraries.append(Library(f"{folder}/{chance.choice(BETTER)}", name, needed, *paths()))
    torch_lib = FOLDERS[0]
    deps = tuple(chance.sample(NAMES, 3))
    libraries.append(
        Library(torch_lib, "libtorch_global_deps.so", deps[:2], "rpath", tuple(f"$ORIGIN/../../../../../{f}" for f in FOLDERS))
    )
    libraries.append(Library(torch_lib, "libtorch_cpu.so", tuple(chance.sample(NAMES, 2)), *paths()))
    libraries.append(
        Library(f"{SITE}/torch", EXTENSION, ("libtorch_cpu.so", deps[2]), chance.choice(("rpath", "runpath")), ("$ORIGIN/lib",))
    )
    traps = [str(root / f) for f in chance.sample(FOLDERS[1:], chance.randint(0, 2))]
    program = Library("bin", "python3.11", (), *paths())
    preloads = [lib for lib in libraries if lib.name in NAMES and not lib.needed]
    preload = str(root / preloads[0].folder / preloads[0].name) if preloads and chance.random() < 0.25 else ""
    return Tree(root, libraries, program, tuple(traps), preload)


@pytest.mark.parametrize("seed", range(int(os.environ.get("LOADER_SEEDS", "12"))))
def test_random_trees_are_loaded_as_predicted(tmp_path: Path, seed: int) -> None:
    tree = random_tree(tmp_path, seed)
    tree.make()
    mapped, failures = tree.real()
    libraries, loaded = tree.collected()
    at_import = [found for found in loaded.objects if not found.later]
    missing = [found.name for found in at_import if not found.path]
    assert bool(failures) == bool(missing), (failures, missing)
    if not failures:
        predicted = {found.path for found in at_import if found.path.startswith(str(tmp_path))} | set(libraries.starts[1:])
        assert predicted == mapped
    for failure in failures:  # the real loader names the first one only
        assert any(name in failure for name in missing)


@pytest.fixture
def wheel_tree(tmp_path: Path) -> Tree:
    """torch with an RPATH, cuDNN with a RUNPATH, and an older cuDNN in LD_LIBRARY_PATH: as the CUDA 12 wheels are."""
    cudnn = f"{SITE}/nvidia/cudnn/lib"
    own = "rpath", ("$ORIGIN", "$ORIGIN/../../nvidia/cudnn/lib")
    parts = ("graph", "ops", "cnn", "adv", "engines_precompiled", "engines_runtime_compiled", "heuristic")
    libraries = [
        Library(FOLDERS[0], "libtorch_global_deps.so", (), *own),
        Library(FOLDERS[0], "libtorch_cuda.so", ("libcudnn.so.9",), *own),
        Library(f"{SITE}/torch", EXTENSION, ("libtorch_cuda.so",), "rpath", ("$ORIGIN/lib",)),
        Library(cudnn, "libcudnn.so.9", (), "runpath", ("$ORIGIN",)),
        Library("trap", "libcudnn.so.9", (), "runpath", ("$ORIGIN",)),
        *(Library(folder, f"libcudnn_{part}.so.9", (), "runpath", ("$ORIGIN",)) for part in parts for folder in (cudnn, "trap")),
    ]
    return Tree(tmp_path, libraries, Library("bin", "python3.11"), (str(tmp_path / "trap"),))


def test_the_front_library_is_torchs_own_and_its_parts_are_not(wheel_tree: Tree) -> None:
    wheel_tree.make()
    _, loaded = wheel_tree.collected()
    front, part = loaded.get("libcudnn.so.9"), loaded.get("libcudnn_ops.so.9")
    assert front is not None
    assert part is not None
    assert (front.how, "trap" in front.path) == ("RPATH", False)
    assert (part.how, "trap" in part.path, part.later) == ("LD_LIBRARY_PATH", True, True)
    assert part.others == (str(wheel_tree.root / SITE / "nvidia/cudnn/lib/libcudnn_ops.so.9"),)


def test_every_missing_part_is_named(wheel_tree: Tree) -> None:
    wheel_tree.library_path = ()
    wheel_tree.libraries = [lib for lib in wheel_tree.libraries if lib.name not in {"libcudnn_ops.so.9", "libcudnn_adv.so.9"}]
    wheel_tree.make()
    _, loaded = wheel_tree.collected()
    assert {found.name for found in loaded.missing} == {"libcudnn_ops.so.9", "libcudnn_adv.so.9"}


def test_a_file_that_cannot_be_read_is_no_missing_one(wheel_tree: Tree) -> None:
    wheel_tree.library_path = ()
    wheel_tree.make()
    folder = wheel_tree.root / SITE / "nvidia/cudnn/lib"
    (folder / "libcudnn.so.9").write_bytes(b"cut off")
    libraries, loaded = wheel_tree.collected()
    assert libraries.unread == (str(folder / "libcudnn.so.9"),)
    assert loaded.missing == ()


def test_a_link_that_leads_nowhere_is_missing(wheel_tree: Tree) -> None:
    wheel_tree.library_path = ()
    wheel_tree.make()
    part = wheel_tree.root / SITE / "nvidia/cudnn/lib/libcudnn_ops.so.9"
    part.unlink()
    part.symlink_to("nowhere")
    libraries, loaded = wheel_tree.collected()
    assert libraries.unread == ()
    assert [found.name for found in loaded.missing] == ["libcudnn_ops.so.9"]
