"""Single rules of the loader, each on a few libraries made for it, against the real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from torchsmith.binaries import ld_cache
from torchsmith.derive.linux_loader import Pool, Process
from torchsmith.host.local import LocalHost
from torchsmith.model.facts.libraries import LoaderPaths, SharedObject
from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.system import Cpu
from torchsmith.model.facts.torch import Torch
from torchsmith.model.known import Known
from torchsmith.probes.cpu import cpu
from torchsmith.probes.loadable_files import Collector
from torchsmith.probes.loader_paths import hwcaps, linux_paths
from torchsmith.probes.machine import machine

GCC = shutil.which("gcc")
pytestmark = pytest.mark.skipif(not GCC or not sys.platform.startswith("linux"), reason="needs gcc and the GNU loader")

PROGRAM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
static int show(struct dl_phdr_info *i, size_t n, void *d) { if (i->dlpi_name[0]) puts(i->dlpi_name); return 0; }
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) if (!dlopen(argv[i], RTLD_NOW)) printf("FAILED %s\n", dlerror());
    dl_iterate_phdr(show, 0);
    return 0;
}
"""


class Maker:
    """Makes libraries and a program, and asks the real loader and the simulated one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "empty.c").write_text("")
        (root / "program.c").write_text(PROGRAM)

    def library(self, path: str, *needed: str, flags: tuple[str, ...] = (), soname: str = "") -> Path:
        made = self.root / path
        made.parent.mkdir(parents=True, exist_ok=True)
        stubs = [self._stub(name) for name in needed]
        self.gcc("-shared", "-nostdlib", f"-Wl,-soname,{soname or made.name}", "-o", made, "empty.c", *stubs, *flags)
        return made

    def program(self, *flags: str) -> Path:
        made = self.root / "program"
        self.gcc("-o", made, "program.c", "-ldl", *flags)
        return made

    def gcc(self, *arguments: str | Path) -> None:
        subprocess.run([str(GCC), "-Wl,--no-as-needed", *map(str, arguments)], check=True, capture_output=True, cwd=self.root)

    def _stub(self, name: str) -> Path:
        stub = self.root / "stubs" / name.rpartition("/")[2]
        stub.parent.mkdir(exist_ok=True)
        self.gcc("-shared", "-nostdlib", f"-Wl,-soname,{name}", "-o", stub, "empty.c")
        return stub

    def real(self, program: Path, opened: Path, **environ: str) -> list[str]:
        """What is mapped of this tree, links resolved, in order; a failure as its text."""
        done = subprocess.run([program, opened], env=environ, capture_output=True, text=True, check=True, cwd=self.root)
        found = (line if line.startswith("FAILED") else os.path.realpath(self.root / line) for line in done.stdout.splitlines())
        return [line for line in found if line.startswith("FAILED") or (line.startswith(str(self.root)) and Path(line).exists())]

    def simulated(self, program: Path, opened: Path, **environ: str) -> Process:
        host = LocalHost(environ=environ, cwd=str(self.root))
        here = machine(host)
        assert isinstance(here, Known)
        processor = cpu(host, here.value, Torch("", "2.14.1", "cpu", "cpu"))
        level = processor.value if isinstance(processor, Known) else None
        paths = linux_paths(host, here.value, str(program), level).value
        files = Collector(host, paths, 100)
        for folder in paths.library_path:
            files.look_into(folder)
        files.follow([str(program), str(opened)])
        files.follow_names(paths.preload)
        there = [path for path, exists in files.unread.items() if exists]
        pool = Pool(files.objects.values(), there, paths, str(program))
        pool.know(files.cache)
        process = Process(pool)
        process.start()
        process.open(str(opened), process.main)
        return process

    def same(self, program: Path, opened: Path, **environ: str) -> Process:
        process = self.simulated(program, opened, **environ)
        mapped = [os.path.realpath(m.file.path) for m in process.maps[1:]]
        assert [p for p in mapped if p.startswith(str(self.root))] == self.real(program, opened, **environ)
        return process


@pytest.fixture
def make(tmp_path: Path) -> Maker:
    return Maker(tmp_path.resolve())


def name_of(process: Process, name: str) -> str:
    return process.answer(name)[0].rpartition("/")[2]


@pytest.mark.parametrize("flag", ["--enable-new-dtags", "--disable-new-dtags"])
def test_variables_of_a_search_path(make: Maker, flag: str) -> None:
    here = machine(LocalHost())
    assert isinstance(here, Known)
    make.library("$ORIGIN/libtsnot.so")  # a folder of that very name is another one
    for part in ("plain", "lib", "lib/x86_64-linux-gnu", "lib64", "x86_64", "haswell"):
        make.library(f"tree/{part}/libtsa.so", soname="libtsa.so")
    opened = make.library(
        "tree/top/libtstop.so",
        "libtsa.so",
        flags=(f"-Wl,{flag},-rpath,${{ORIGIN}}/../$LIB:$ORIGIN/../$PLATFORM:$ORIGIN/../plain",),
    )
    make.same(make.program(), opened)


def test_above_a_linked_folder_lies_another_one(make: Maker) -> None:
    make.library("real/deep/libtsa.so")
    make.library("shown/libtsa.so")
    make.library("real/linked/libtstop.so", "libtsa.so", flags=("-Wl,-rpath,$ORIGIN/../deep:$ORIGIN/..",))
    (make.root / "shown" / "linked").symlink_to(make.root / "real" / "linked")
    process = make.same(make.program(), make.root / "shown/linked/libtstop.so")
    assert process.answer("libtsa.so") == (str(make.root / "real/deep/libtsa.so"), "RUNPATH")


def test_one_file_under_two_names_is_loaded_once(make: Maker) -> None:
    make.library("a/libtsa.so", soname="libtsother.so")
    (make.root / "a/libtsb.so").hardlink_to(make.root / "a/libtsa.so")
    (make.root / "a/libtsc.so").symlink_to("libtsa.so")
    opened = make.library("a/libtstop.so", "libtsa.so", "libtsb.so", "libtsc.so", "libtsother.so", flags=("-Wl,-rpath,$ORIGIN",))
    process = make.same(make.program(), opened)
    assert {name_of(process, f"libts{n}.so") for n in ("a", "b", "c", "other")} == {"libtsa.so"}


def test_a_name_with_a_slash_is_a_path(make: Maker) -> None:
    make.library("sub/libtsa.so", soname="sub/libtsa.so")
    opened = make.library("libtstop.so", "sub/libtsa.so", "$ORIGIN/sub/libtsb.so")
    make.library("sub/libtsb.so")
    make.same(make.program(), opened)


def test_an_auxiliary_library_is_taken_if_it_is_there(make: Maker) -> None:
    make.library("libtsthere.so")
    flags = ("-Wl,-rpath,$ORIGIN", "-Wl,-f,libtsthere.so", "-Wl,-f,visibility=hidden")
    process = make.same(make.program(), make.library("libtstop.so", flags=flags))
    assert "libtsthere.so" in process.known
    assert not [name for name, (path, _) in process.answers.items() if not path]


def test_the_systems_folders_can_be_declined(make: Maker) -> None:
    opened = make.library("libtstop.so", "libz.so.1", flags=("-Wl,-z,nodefaultlib",))
    program = make.program()
    assert "libz.so.1" in make.real(program, opened)[0]
    assert make.simulated(program, opened).answers["libz.so.1"] == ("", "")


def test_a_program_hands_its_rpath_on_and_not_its_runpath(make: Maker) -> None:
    make.library("p/libtsa.so")
    opened = make.library("libtstop.so", "libtsa.so")
    make.same(make.program("-Wl,--disable-new-dtags,-rpath,$ORIGIN/p"), opened)
    program = make.program("-Wl,--enable-new-dtags,-rpath,$ORIGIN/p")
    assert make.real(program, opened)[0].startswith("FAILED libtsa.so")
    assert make.simulated(program, opened).answers["libtsa.so"] == ("", "")


def test_better_libraries_of_the_search_path(make: Maker) -> None:
    make.library("d/libtsa.so")
    for sub in ("glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "tls", "x86_64"):
        make.library(f"d/{sub}/libtsa.so")
    opened = make.library("libtstop.so", "libtsa.so")
    make.same(make.program(), opened, LD_LIBRARY_PATH=f"{make.root}/d")


def test_preloaded_by_name(make: Maker) -> None:
    make.library("d/libtspre.so", soname="libtsa.so")
    make.library("d/libtsa.so")
    opened = make.library("libtstop.so", "libtsa.so")
    make.same(make.program(), opened, LD_LIBRARY_PATH=f"{make.root}/d", LD_PRELOAD="libtspre.so")


def test_better_libraries_of_the_cache(make: Maker) -> None:
    """ldconfig's own file: the better ones stand under their sub-folder."""
    ldconfig = shutil.which("ldconfig", path="/sbin:/usr/sbin")
    if ldconfig is None:
        pytest.skip("no ldconfig here")
    for sub in ("", "glibc-hwcaps/x86-64-v2/", "glibc-hwcaps/x86-64-v4/"):
        make.library(f"d/{sub}libtsa.so.1")
    make.library("d/libtsb.so.1")
    (make.root / "conf").write_text(f"{make.root}/d\n")
    subprocess.run([ldconfig, "-C", make.root / "cache", "-f", make.root / "conf", "-X"], check=True, capture_output=True)
    found = ld_cache.parse((make.root / "cache").read_bytes())
    own = {name: path.removeprefix(f"{make.root}/") for name, path in found.items() if str(make.root) in path}
    assert own == {
        "libtsa.so.1": "d/libtsa.so.1",
        "libtsb.so.1": "d/libtsb.so.1",
        "glibc-hwcaps/x86-64-v2/libtsa.so.1": "d/glibc-hwcaps/x86-64-v2/libtsa.so.1",
        "glibc-hwcaps/x86-64-v4/libtsa.so.1": "d/glibc-hwcaps/x86-64-v4/libtsa.so.1",
    }


def shared(path: str, *needed: str, soname: str = "", **more: object) -> SharedObject:
    return SharedObject(path, "elf-x86_64", soname, needed, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("caps", "taken"),
    [
        ((), "/d/liba.so"),
        (("glibc-hwcaps/x86-64-v2",), "/d/v2/liba.so"),
        (("glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2"), "/d/v3/liba.so"),
    ],
)
def test_the_cache_answers_by_the_processor(caps: tuple[str, ...], taken: str) -> None:
    objects = [shared("/p", "liba.so"), *(shared(f"/d/{sub}liba.so") for sub in ("", "v2/", "v3/"))]
    pool = Pool(objects, (), LoaderPaths(hwcaps=caps), "/p")
    cache = {"liba.so": "/d/liba.so"} | {f"glibc-hwcaps/x86-64-{v}/liba.so": f"/d/{v}/liba.so" for v in ("v2", "v3")}
    pool.know(cache.items())
    process = Process(pool)
    process.start()
    assert process.answers["liba.so"] == (taken, "ld.so.cache")


def test_a_loader_of_nix_knows_no_system_cache() -> None:
    program = shared("/p", "liba.so", "libb.so", interpreter="/nix/store/x-glibc-2.40/lib/ld-linux-x86-64.so.2")
    objects = [program, shared("/lib/liba.so"), shared("/nix/store/x-glibc-2.40/lib/libb.so")]
    pool = Pool(objects, (), LoaderPaths(default=("/lib",)), "/p")
    pool.know([("liba.so", "/lib/liba.so")])
    process = Process(pool)
    process.start()
    assert process.answers == {"liba.so": ("", ""), "libb.so": ("/nix/store/x-glibc-2.40/lib/libb.so", "default")}


@pytest.mark.parametrize(
    ("libc", "cpu_model", "level", "expected"),
    [
        ("2.31", "AMD EPYC", 3, ("tls/x86_64", "tls", "x86_64")),
        ("2.41", "AMD EPYC", 3, ("glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v2")),
        ("2.41", "Intel Xeon", 1, ()),
        ("2.35", "Intel Core", 2, ("glibc-hwcaps/x86-64-v2", "tls/x86_64", "tls", "x86_64")),
    ],
)
def test_sub_folders_by_version_and_processor(libc: str, cpu_model: str, level: int, expected: tuple[str, ...]) -> None:
    found = hwcaps(Machine("linux", "x86_64", libc="glibc", libc_version=libc), Cpu(cpu_model, level, True, True))
    assert tuple(f for f in found if "x86_64/x86_64" not in f) == expected


def test_sub_folders_are_those_of_the_real_loader() -> None:
    said = subprocess.run(
        ["/bin/true"], env={"LD_DEBUG": "libs", "LD_LIBRARY_PATH": "/nowhere"}, capture_output=True, text=True, check=True
    )
    line = next((line for line in said.stderr.splitlines() if "search path=/nowhere" in line), None)
    if line is None:
        pytest.skip("the loader of this system says nothing of its search")
    real = [folder.removeprefix("/nowhere").strip("/") for folder in line.partition("=")[2].split("\t")[0].strip().split(":")]
    host = LocalHost(environ={})
    here = machine(host)
    assert isinstance(here, Known)
    read = cpu(host, here.value, Torch("", "2.14.1", "cpu", "cpu"))
    processor = read.value if isinstance(read, Known) else None
    assert list(dict.fromkeys(filter(None, real))) == list(hwcaps(here.value, processor))
