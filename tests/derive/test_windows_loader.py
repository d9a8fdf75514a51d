"""The Windows loader simulated: on tables, on real wheels laid out here, and against the loader of Wine."""

from __future__ import annotations

import json
import shutil
from pathlib import Path, PureWindowsPath

import pytest
from tests.lab import foreign
from tests.lab.fixtures import have
from tests.lab.wine import Windows, windows_path

from torchsmith.binaries import pe, pe_exports
from torchsmith.derive import windows_loader
from torchsmith.derive.windows_loader import Loader, Pool, missing, needs, simulate
from torchsmith.model.record import replace
from torchsmith.model.windows_process import ALTERED, BESIDE, STANDARD, Added, Answer, Dll, Start, WindowsProcess

SITE = "C:/py/Lib/site-packages"
LIB = f"{SITE}/torch/lib"
SYSTEM = "C:/Windows/System32"
PROCESS = WindowsProcess(program="C:/py", added=(Added(LIB, "torch"),), search=("C:/tools",))


def dll(path: str, *needed: str, later: tuple[str, ...] = (), machine: str = "x86_64", forwards: tuple[str, ...] = ()) -> Dll:
    return Dll(path, machine, needed, later, forwards)


def only(answers: tuple[Answer, ...], name: str) -> Answer:
    (found,) = [answer for answer in answers if answer.name == name]
    return found


# tables


@pytest.mark.parametrize(
    ("way", "folders", "path", "how"),
    [
        (BESIDE, ("C:/app", "C:/py", LIB, "C:/tools"), "C:/app", "beside"),
        (BESIDE, ("C:/py", LIB, "C:/tools"), "C:/py", "program"),
        (BESIDE, (LIB, "C:/tools"), LIB, "added by torch"),
        (BESIDE, ("C:/tools",), "", ""),
        (STANDARD, ("C:/app", "C:/py", LIB, "C:/tools"), "C:/py", "program"),
        (STANDARD, ("C:/app", LIB, "C:/tools"), "C:/tools", "PATH"),
        (STANDARD, ("C:/app", LIB, "C:/Windows"), "C:/Windows", "Windows"),
        (STANDARD, ("C:/app", LIB), "", ""),
        (ALTERED, ("C:/app", "C:/py", "C:/tools"), "C:/app", "beside"),
        (ALTERED, ("C:/py", "C:/tools"), "C:/tools", "PATH"),
    ],
)
def test_the_order_of_folders(way: str, folders: tuple[str, ...], path: str, how: str) -> None:
    pool = [dll("C:/app/x.pyd", "Dep.DLL"), *(dll(f"{folder}/dep.dll") for folder in folders)]
    found = only(simulate(PROCESS, pool, (Start("C:/app/x.pyd", way),)), "Dep.DLL")
    assert (found.path, found.how) == (f"{path}/dep.dll" if path else "", how)
    assert found.needed_by == ("C:/app/x.pyd",)


def test_what_path_alone_has_is_told_as_such() -> None:
    pool = [dll("C:/app/x.pyd", "dep.dll"), dll("C:/tools/dep.dll")]
    (found,) = missing(simulate(PROCESS, pool, (Start("C:/app/x.pyd"),)))
    assert (found.path, found.on_path) == ("", "C:/tools/dep.dll")


def test_shadowed_copies_are_named() -> None:
    pool = [dll(f"{LIB}/x.dll", "dep.dll"), dll(f"{LIB}/dep.dll"), dll("C:/tools/dep.dll"), dll("C:/nowhere/dep.dll")]
    found = only(simulate(PROCESS, pool, (Start(f"{LIB}/x.dll"),)), "dep.dll")
    assert (found.path, found.others) == (f"{LIB}/dep.dll", ("C:/tools/dep.dll",))


def test_system32_is_data() -> None:
    wanted = (
        "KERNEL32.dll",
        "api-ms-win-crt-heap-l1-1-0.dll",
        "ext-ms-x.dll",
        "WINTRUST.dll",
        "d3d12.dll",
        "nvcuda.dll",
        "MFPlat.DLL",
    )
    pool = [dll(f"{LIB}/x.dll", *wanted, "VCRUNTIME140_THREADS.dll", "nobodys.dll")]
    answers = simulate(PROCESS, pool, (Start(f"{LIB}/x.dll"),))
    assert [answer.how for answer in answers[:5]] == ["KnownDLLs", "API set", "API set", "System32", "System32"]
    assert not any(answer.condition for answer in answers[:5])
    assert only(answers, "nvcuda.dll").condition == "NVIDIA driver"
    assert "N editions" in only(answers, "MFPlat.DLL").condition
    assert only(answers, "VCRUNTIME140_THREADS.dll").condition == "Visual C++ redistributable 14.38 or newer"
    assert [answer.name for answer in missing(answers)] == ["nobodys.dll"]


@pytest.mark.parametrize(("have_it", "lost"), [("14.44", 0), ("14.29", 1)])
def test_an_old_redistributable_lacks_newer_dlls(have_it: str, lost: int) -> None:
    process = WindowsProcess(program="C:/py", redistributable=have_it)
    pool = [dll(f"{LIB}/x.dll", "MSVCP140.dll", "VCRUNTIME140_THREADS.dll")]
    answers = missing(simulate(process, pool, (Start(f"{LIB}/x.dll"),)))
    assert len(answers) == lost
    assert not answers or answers[0].provider == "Visual C++ redistributable 14.38 or newer"


def test_a_listed_system32_is_believed_instead() -> None:
    process = WindowsProcess(listed=("KERNEL32.DLL", "custom.dll"))
    answers = simulate(process, [dll("C:/a/x.dll", "kernel32.dll", "custom.dll", "wintrust.dll")], (Start("C:/a/x.dll"),))
    assert [(answer.name, answer.how) for answer in answers] == [
        ("kernel32.dll", "KnownDLLs"),
        ("custom.dll", "System32"),
        ("wintrust.dll", ""),
    ]


def test_known_dlls_come_from_system32_and_others_do_not() -> None:
    pool = [dll("C:/py/x.dll", "kernel32.dll", "wintrust.dll"), dll("C:/py/kernel32.dll"), dll("C:/py/wintrust.dll")]
    answers = simulate(PROCESS, pool, (Start("C:/py/x.dll"),))
    assert [answer.path for answer in answers] == [f"{SYSTEM}/kernel32.dll", "C:/py/wintrust.dll"]


def test_what_is_loaded_already_wins_by_its_name() -> None:
    pool = [dll("C:/a/libiomp5md.dll"), dll("C:/b/x.dll", "LIBIOMP5MD.dll"), dll("C:/b/libiomp5md.dll")]
    first, second = (
        simulate(PROCESS, pool, (Start("C:/a/libiomp5md.dll"), Start("C:/b/x.dll"))),
        needs(PROCESS, Pool(pool), "C:/b/x.dll"),
    )
    assert (first[0].path, first[0].how, first[0].others) == ("C:/a/libiomp5md.dll", "loaded", ("C:/b/libiomp5md.dll",))
    assert (second[0].path, second[0].how) == ("C:/b/libiomp5md.dll", "beside")


def test_a_failed_load_leaves_nothing_behind() -> None:
    pool = [dll("C:/a/x.dll", "dep.dll", "lost.dll"), dll("C:/a/dep.dll"), dll("C:/b/y.dll", "dep.dll"), dll("C:/b/dep.dll")]
    loader = Loader(Pool(pool), PROCESS)
    assert not loader.open(Start("C:/a/x.dll"))
    assert loader.open(Start("C:/b/y.dll"))
    assert needs(PROCESS, Pool(pool), "C:/b/y.dll")[0].path == "C:/b/dep.dll"


def test_the_second_attempt_searches_path_with_torchs_folders_before_it() -> None:
    start = Start(f"{LIB}/x.dll", retry=(LIB, "C:/more"))
    pool = [dll(f"{LIB}/x.dll", "dep.dll", "other.dll"), dll("C:/tools/dep.dll"), dll("C:/more/dep.dll"), dll(f"{LIB}/other.dll")]
    answers = simulate(PROCESS, pool, (start,))
    assert [(answer.path, answer.how) for answer in answers] == [
        ("C:/more/dep.dll", "second attempt"),
        (f"{LIB}/other.dll", "second attempt"),
    ]
    lost = simulate(PROCESS, [*pool[:2], pool[3], dll(f"{LIB}/x.dll", "dep.dll", "other.dll", "lost.dll")], (start,))
    hows = {answer.name: answer.how for answer in lost}
    assert hows == {"dep.dll": "second attempt", "other.dll": "beside", "lost.dll": ""}


def test_delay_loads_are_kept_apart_and_searched_the_old_way() -> None:
    pool = [dll(f"{LIB}/x.dll", later=("late.dll", "near.dll", "nvml.dll")), dll("C:/tools/late.dll"), dll(f"{LIB}/near.dll")]
    answers = simulate(PROCESS, pool, (Start(f"{LIB}/x.dll"),))
    assert all(answer.later for answer in answers)
    assert [(answer.path, answer.how) for answer in answers[:2]] == [("C:/tools/late.dll", "PATH"), ("", "")]
    assert answers[2].condition == "NVIDIA driver"


def test_forwarders_lead_to_the_real_python() -> None:
    pool = [
        dll(f"{SITE}/x.pyd", "python3.dll"),
        dll("C:/py/python3.dll", forwards=("python312.dll",)),
        dll("C:/py/python312.dll"),
    ]
    found = only(simulate(PROCESS, pool, (Start(f"{SITE}/x.pyd"),)), "python312.dll")
    assert (found.path, found.later, found.needed_by) == ("C:/py/python312.dll", True, ("C:/py/python3.dll",))


def test_an_interpreter_that_nobody_looked_into() -> None:
    process = WindowsProcess(brings=("python312.dll", "vcruntime140.dll"))
    answers = simulate(
        process, [dll(f"{SITE}/x.pyd", "python312.dll", "python311.dll", "VCRUNTIME140.dll")], (Start(f"{SITE}/x.pyd"),)
    )
    assert [answer.how for answer in answers] == ["program", "", "program"]
    assert only(answers, "python311.dll").provider == "Python 3.11"


@pytest.mark.parametrize("way", [BESIDE, STANDARD, ALTERED])
def test_pythons_own_dlls_are_loaded_before_all_else(way: str) -> None:
    pool = [dll("C:/a/x.dll", "VCRUNTIME140.dll"), dll("C:/a/vcruntime140.dll"), dll("C:/py/vcruntime140.dll")]
    assert simulate(PROCESS, pool, (Start("C:/a/x.dll", way),))[0].path == "C:/py/vcruntime140.dll"


@pytest.mark.parametrize(
    ("process", "machine", "fault"),
    [
        ("x86_64", "x86", "it is for x86, the process is x86_64"),
        ("x86_64", "arm64ec", ""),
        ("x86_64", "arm64x", ""),
        ("aarch64", "arm64x", ""),
        ("aarch64", "x86_64", "it is for x86_64, the process is aarch64"),
    ],
)
def test_a_dll_for_another_processor_is_taken_and_fails(process: str, machine: str, fault: str) -> None:
    pool = [
        dll("C:/a/x.dll", "dep.dll", machine=process),
        dll("C:/a/dep.dll", machine=machine),
        dll(f"{LIB}/dep.dll", machine=process),
    ]
    found = only(simulate(WindowsProcess(machine=process, added=PROCESS.added), pool, (Start("C:/a/x.dll"),)), "dep.dll")
    assert (found.path, found.fault) == ("C:/a/dep.dll", fault)
    assert bool(missing((found,))) is bool(fault)


def test_added_folders_are_in_no_promised_order() -> None:
    process = WindowsProcess(added=(Added("C:/one", "a"), Added("C:/two", "b")))
    pool = [dll("C:/x/x.pyd", "dep.dll", "sole.dll"), dll("C:/one/dep.dll"), dll("C:/two/dep.dll"), dll("C:/one/sole.dll")]
    answers = simulate(process, pool, (Start("C:/x/x.pyd"),))
    assert [(answer.path, answer.how, answer.unordered) for answer in answers] == [
        ("C:/two/dep.dll", "added by b", True),
        ("C:/one/sole.dll", "added by a", False),
    ]


def test_a_dll_that_asks_for_system32_only() -> None:
    pool = [Dll("C:/a/x.dll", "x86_64", ("dep.dll", "wintrust.dll"), system_only=True), dll("C:/a/dep.dll")]
    assert [answer.how for answer in simulate(PROCESS, pool, (Start("C:/a/x.dll"),))] == ["", "System32"]


def test_two_that_need_each_other() -> None:
    pool = [dll("C:/a/x.dll", "y.dll"), dll("C:/a/y.dll", "x.dll")]
    assert [answer.path for answer in simulate(PROCESS, pool, (Start("C:/a/x.dll"),))] == ["C:/a/y.dll", "C:/a/x.dll"]


@pytest.mark.parametrize(
    ("name", "who"),
    [
        ("cudart64_12.dll", "nvidia-cuda-runtime-cu12"),
        ("MSVCP140_ATOMIC_WAIT.dll", "Visual C++ redistributable 14.28 or newer"),
        ("python313t.dll", "Python 3.13t"),
        ("python3.dll", "Python"),
        ("nvcuda.dll", "NVIDIA driver"),
        ("mine.dll", ""),
    ],
)
def test_who_brings_a_dll(name: str, who: str) -> None:
    assert windows_loader.provider(name) == who


# real wheels, laid out here


def described(root: Path, virtual: str) -> list[Dll]:
    """Every DLL below a folder, as a Windows that has it at ``virtual`` would."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in {".dll", ".pyd", ".exe"} and path.read_bytes()[:2] == b"MZ":
            size = path.stat().st_size
            with path.open("rb", buffering=0) as file:
                ours = pe.inspected(file, size)
                forwards = pe_exports.forwarded(file, size)
            place = f"{virtual}/{path.relative_to(root).as_posix()}"
            found.append(Dll(place, ours.machine, ours.needed, ours.delay_needed, forwards))
    return found


@pytest.fixture(scope="module")
def wheels() -> list[Dll]:
    return described(have(foreign.windows), SITE)


FROM_312 = WindowsProcess(brings=("python312.dll", "python3.dll", "vcruntime140.dll", "vcruntime140_1.dll"))


@pytest.mark.online
def test_mended_wheels_need_their_own_folder(wheels: list[Dll]) -> None:
    module = next(found.path for found in wheels if "/_multiarray_umath." in found.path)
    lost = missing(needs(FROM_312, Pool(wheels), module))
    assert lost
    assert all("-" in answer.name for answer in lost), "names that delvewheel made"
    mended = WindowsProcess(brings=FROM_312.brings, added=(Added(f"{SITE}/numpy.libs", "numpy"),))
    answers = needs(mended, Pool(wheels), module)
    assert not missing(answers)
    assert {answer.how for answer in answers if answer.path.startswith(SITE)} == {"added by numpy"}


@pytest.mark.online
def test_torchvision_needs_torch(wheels: list[Dll]) -> None:
    module = next(found.path for found in wheels if found.path.endswith("/torchvision/_C.pyd"))
    lost = {answer.name for answer in missing(needs(FROM_312, Pool(wheels), module))}
    assert lost
    assert lost <= {"c10.dll", "torch_cpu.dll", "torch_python.dll", "torch.dll"}
    torch = [dll(f"{LIB}/{name}") for name in lost]
    process = WindowsProcess(brings=FROM_312.brings, added=(Added(LIB, "torch"),))
    answers = needs(process, Pool([*wheels, *torch]), module)
    assert not missing(answers)
    assert {answer.how for answer in answers if answer.name in lost} == {"added by torch"}


@pytest.mark.online
def test_a_dll_that_was_removed_is_named_with_who_needs_it(wheels: list[Dll]) -> None:
    gone = f"{SITE}/h5py/z.dll"
    assert any(found.path == gone for found in wheels)
    rest = [found for found in wheels if found.path != gone]
    askers = [found.path for found in wheels if "z.dll" in found.needed]
    lost = missing(simulate(FROM_312, rest, tuple(Start(path) for path in askers)))
    assert [(answer.name, answer.needed_by) for answer in lost] == [("z.dll", tuple(askers))]
    assert askers


@pytest.mark.online
def test_whatever_else_the_wheels_need_is_windows_own(wheels: list[Dll]) -> None:
    process = WindowsProcess(
        brings=FROM_312.brings, added=(Added(f"{SITE}/numpy.libs", "numpy"), Added(LIB, "torch"), Added(f"{SITE}/h5py", "h5py"))
    )
    torch = [dll(f"{LIB}/{name}.dll") for name in ("c10", "torch", "torch_cpu", "torch_python")]
    pool = Pool([*wheels, *torch])
    answers = [answer for found in wheels for answer in needs(process, pool, found.path)]
    assert len(answers) > 300
    assert not missing(answers)
    assert {answer.condition for answer in answers} == {"", "Visual C++ redistributable 14.0 or newer"}


# Wine's loader

LOADING = """
import ctypes, json, os, sys
from ctypes import wintypes
plan = json.loads(sys.argv[1])
kernel = ctypes.WinDLL("kernel32.dll", use_last_error=True)
kernel.LoadLibraryExW.restype = kernel.LoadLibraryW.restype = ctypes.c_void_p
kernel.SetErrorMode(1)
for folder in plan["added"]:
    os.add_dll_directory(folder)
loaded = []
for path, retry in plan["starts"]:
    found = kernel.LoadLibraryExW(path, None, 0x1100)
    if not found and retry is not None and ctypes.get_last_error() == 126:
        os.environ["PATH"] = ";".join([*retry, os.environ["PATH"]])
        found = kernel.LoadLibraryW(path)
    loaded.append(bool(found))
modules = (wintypes.HMODULE * 1024)()
need = wintypes.DWORD()
process = ctypes.c_void_p(-1)
kernel.K32EnumProcessModules(process, modules, ctypes.sizeof(modules), ctypes.byref(need))
names = []
for module in modules[: need.value // ctypes.sizeof(wintypes.HMODULE)]:
    text = ctypes.create_unicode_buffer(2048)
    kernel.K32GetModuleFileNameExW(process, ctypes.c_void_p(module), text, 2048)
    names.append(text.value)
print(json.dumps([loaded, names]))
"""
SMALL = ("asmjit.dll", "c10.dll", "fbgemm.dll", "libiomp5md.dll", "torch_global_deps.dll")


class Case:
    """A folder of DLLs that may be moved about, what the real loader makes of it, and what the simulation does."""

    def __init__(self, windows: Windows, root: Path) -> None:
        self.windows, self.root = windows, root
        self.added: list[str] = []
        self.path: list[str] = []
        self.starts: list[tuple[str, list[str] | None]] = []

    def copy(self, name: str, folder: str) -> None:
        target = self.root / folder
        target.mkdir(exist_ok=True)
        shutil.copy(self.windows.torch / "lib" / name, target / name)  # no link: two names of one file are one DLL

    def start(self, path: str, retry: list[str] | None = None) -> None:
        self.starts.append((path, retry))

    def real(self) -> tuple[list[bool], set[str]]:
        """Which of the starts loaded, and the paths of the modules below the two folders."""
        here = [self._real(folder) for folder in self.added]
        starts = [(self._real(path), None if retry is None else [self._real(f) for f in retry]) for path, retry in self.starts]
        plan = json.dumps({"added": here, "starts": starts})
        ran = self.windows.run(["-c", LOADING, plan], env={"WINEPATH": ";".join(self._real(folder) for folder in self.path)})
        loaded, names = json.loads(ran.stdout.strip().splitlines()[-1])
        return loaded, {self._plain(name) for name in names if name.lower().startswith(windows_path(self.root).lower())}

    def simulated(self) -> tuple[list[bool], set[str]]:
        base = self._plain(windows_path(self.windows.folder))
        known = [*described(self.root, self._plain(windows_path(self.root))), *described_top(self.windows.folder, base)]
        process = WindowsProcess(
            program=base,
            added=tuple(Added(self._whole(folder), "test") for folder in self.added),
            search=tuple(self._whole(folder) for folder in self.path),
        )
        loader = Loader(Pool(lowered(known)), process)
        loaded = [
            loader.open(Start(self._whole(path), retry=None if retry is None else tuple(map(self._whole, retry))))
            for path, retry in self.starts
        ]
        return loaded, {path for path in loader.paths() if path.startswith(self._plain(windows_path(self.root)))}

    def _real(self, path: str) -> str:
        return str(PureWindowsPath(windows_path(self.root), path))

    def _whole(self, path: str) -> str:
        return self._plain(self._real(path))

    @staticmethod
    def _plain(path: str) -> str:
        return path.replace("\\", "/").lower()


def lowered(dlls: list[Dll]) -> list[Dll]:
    return [replace(found, path=found.path.lower()) for found in dlls]


def described_top(folder: Path, virtual: str) -> list[Dll]:
    """The DLLs beside python.exe itself."""
    found = []
    for path in folder.glob("*.dll"):
        with path.open("rb", buffering=0) as file:
            ours = pe.inspected(file, path.stat().st_size)
        found.append(Dll(f"{virtual}/{path.name}", ours.machine, ours.needed, ours.delay_needed))
    return found


@pytest.mark.online
@pytest.mark.slow
def test_wine_loads_the_same_files(windows_torch: Windows, tmp_path: Path) -> None:
    def case(name: str, *, without: str = "") -> Case:
        root = tmp_path / name
        root.mkdir()
        made = Case(windows_torch, root)
        for dll_name in SMALL:
            if dll_name != without:
                made.copy(dll_name, "lib")
        return made

    healthy = case("healthy")
    trap = case("trap")
    trap.copy("asmjit.dll", "trap")
    trap.path = ["trap"]
    lost = case("lost", without="asmjit.dll")
    retried = case("retried", without="asmjit.dll")
    retried.copy("asmjit.dll", "trap")
    retried.path = ["trap"]
    added = case("added", without="asmjit.dll")
    added.copy("asmjit.dll", "more")
    added.added = ["more"]
    both = case("both", without="asmjit.dll")
    both.copy("asmjit.dll", "one")
    both.copy("asmjit.dll", "two")
    both.added = ["one", "two"]
    loaded = case("loaded")
    loaded.copy("asmjit.dll", "first")
    loaded.start("first/asmjit.dll")
    cases = [healthy, trap, lost, retried, added, both, loaded]
    for one in cases:
        for name in SMALL:
            if (one.root / "lib" / name).exists():
                one.start(f"lib/{name}", ["lib"])
        assert one.simulated() == one.real(), one.root.name
    assert not all(lost.simulated()[0])
    for one, folder in ((trap, "lib"), (retried, "trap"), (added, "more"), (loaded, "first")):
        assert f"/{one.root.name}/{folder}/asmjit.dll" in " ".join(one.simulated()[1])


@pytest.mark.online
@pytest.mark.slow
def test_wine_loads_all_of_torch_from_where_it_was_foretold(windows_torch: Windows) -> None:
    base = windows_path(windows_torch.folder).replace("\\", "/").lower()
    lib = f"{base}/lib/site-packages/torch/lib"
    torch = described(windows_torch.torch, f"{base}/lib/site-packages/torch")
    known = lowered([*torch, *described_top(windows_torch.folder, base)])
    own = [found.path for found in known if found.path.startswith(f"{lib}/") and found.path.endswith(".dll")]
    starts = [Start(path, retry=(lib,)) for path in own]
    starts += [Start(found.path) for found in known if "/torch/_c." in found.path]
    loader = Loader(Pool(known), WindowsProcess(program=base, added=(Added(lib, "torch"),)))
    for start in starts:
        assert loader.open(start), start.path
    ran = windows_torch.run(["-c", "import torch; print(torch.__version__)"], env={"WINEDEBUG": "+loaddll"}, limit=300)
    assert "2.8.0" in ran.stdout
    real = set()
    for line in ran.stderr.splitlines():
        if ": native" in line and 'Loaded L"' in line:
            path = line.partition('Loaded L"')[2].partition('"')[0].replace("\\\\", "/").replace("\\", "/").lower()
            if path.startswith(f"{base}/") and path.rpartition("/")[2] in {found.path.rpartition("/")[2] for found in known}:
                real.add(path)
    foretold = {path for path in loader.paths() if path.startswith(f"{base}/")}
    assert {path for path in real if "/torch/" in path} == {path for path in foretold if "/torch/" in path}
    assert len(real & foretold) > 12
    assert foretold <= real | {f"{base}/{name}" for name in ("msvcp140.dll", "vcruntime140.dll", "vcruntime140_1.dll")}
