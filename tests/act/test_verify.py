"""An environment is what it was promised to be, or it is told what is wrong: by its records, its imports, its arithmetic."""

from __future__ import annotations

import io
import os
import shutil
import time
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.act.bad_indexes import VERSION, wheel
from tests.lab.environments import Environment
from tests.managers.index import TORCH

from torchsmith.act import clashes, records, verify
from torchsmith.model.record import replace
from torchsmith.model.transaction import Environment as Place
from torchsmith.model.transaction import Expected, Transaction

EXPECTED = Expected(VERSION, (("torch", VERSION), ("numpy", "2.1.0")))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("made") / "env"
    venv.create(prefix, with_pip=False, symlinks=os.name != "nt")
    put(prefix, wheel())
    put(prefix, wheel(name="numpy", version="2.1.0"))
    return prefix


@pytest.fixture
def here(made: Path, tmp_path: Path) -> Path:
    """A sound environment of torch and NumPy, to be spoilt."""
    shutil.copytree(made, tmp_path / "clone", symlinks=True)
    return tmp_path / "clone"


def site(prefix: Path) -> Path:
    return records.sites(prefix)[0]


def put(prefix: Path, data: bytes) -> None:
    """Unpack a wheel as an installer does."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        packed.extractall(site(prefix))


def python(prefix: Path) -> str:
    return str(prefix / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def failed(prefix: Path, expected: Expected = EXPECTED, live: Path | None = None, **more: object) -> dict[str, str]:
    """What did not pass, with what was found."""
    place = Place(str(live or prefix.parent / "none"), python(prefix))
    transaction = replace(Transaction("", place, expected=expected), **more)
    return {name: found for name, passed, found in verify.verify(python(prefix), transaction, False) if not passed}


def torch(prefix: Path, text: str) -> None:
    """Another torch in place of the one that is there, recorded as it is."""
    shutil.rmtree(site(prefix) / "torch")
    shutil.rmtree(site(prefix) / f"torch-{VERSION}.dist-info")
    put(prefix, wheel({"torch/__init__.py": text}) if text else wheel())
    record = site(prefix) / f"torch-{VERSION}.dist-info" / "RECORD"
    lines = [line for line in record.read_text().splitlines() if not line.startswith("torch/")]
    record.write_text("\n".join((f"torch/__init__.py,,{len(text.encode())}", *lines)) + "\n")


def test_a_sound_environment_passes_every_check(here: Path) -> None:
    place = Place(str(here.parent / "none"), python(here))
    checks = verify.verify(python(here), Transaction("", place, expected=EXPECTED), False)
    assert [(name, passed) for name, passed, _ in checks] == [
        ("torch 2.8.0+cu128 is recorded once", True),
        ("numpy 2.1.0 is recorded once", True),
        ("every file is there as it was recorded", True),
        ("import torch", True),
        ("import numpy", True),
        ("version and build", True),
        ("matrix product on the CPU is exact", True),
    ]


def test_what_is_live_has_only_to_be_found_in_its_place(here: Path) -> None:
    place = Place(str(here), python(here))
    transaction = Transaction("", place, expected=EXPECTED)
    checks = verify.verify(python(here), transaction, True)
    where = str(site(here) / "torch" / "__init__.py")
    assert checks[0] == ("torch is found in its place", True, where)
    assert [name for name, passed, _ in checks if passed] == ["torch is found in its place", "numpy is found in its place"]
    assert not list(here.rglob("torch/__pycache__"))  # nothing was imported or written
    (here.parent / "elsewhere").mkdir()
    shutil.move(site(here) / "numpy", here.parent / "elsewhere")
    (site(here) / "more.pth").write_text(f"{here.parent / 'elsewhere'}\n")
    assert [name for name, passed, _ in verify.verify(python(here), transaction, True) if not passed] == [
        "numpy is found in its place"
    ]
    Path(python(here)).unlink()
    assert not any(passed for _, passed, _ in verify.verify(python(here), transaction, True))


def test_without_an_environment_there_is_nothing_to_verify() -> None:
    assert verify.verify("", Transaction("", expected=EXPECTED), False) == ()


# ---- records


def _twice(prefix: Path) -> None:
    shutil.copytree(site(prefix) / f"torch-{VERSION}.dist-info", site(prefix) / "torch-2.7.0+cu126.dist-info")
    metadata = site(prefix) / "torch-2.7.0+cu126.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace(VERSION, "2.7.0+cu126"))


def _row(prefix: Path, row: str) -> None:
    record = site(prefix) / f"torch-{VERSION}.dist-info" / "RECORD"
    record.write_text(f"{row}\n{record.read_text()}")


SPOILT: dict[str, tuple[Callable[[Path], object], str, str]] = {
    "a package is not there": (
        lambda prefix: shutil.rmtree(site(prefix) / "numpy-2.1.0.dist-info"),
        "numpy 2.1.0 is recorded once",
        "numpy is not installed",
    ),
    "a package has two records": (_twice, "torch 2.8.0+cu128 is recorded once", "torch has 2 records: 2.7.0+cu126, 2.8.0+cu128"),
    "a file is missing": (
        lambda prefix: (site(prefix) / "numpy" / "__init__.py").unlink(),
        "every file is there as it was recorded",
        "numpy: numpy/__init__.py is missing",
    ),
    "a file is cut": (
        lambda prefix: os.truncate(site(prefix) / "torch" / "__init__.py", 5),
        "every file is there as it was recorded",
        "torch: torch/__init__.py has 5 bytes",
    ),
    "the record is missing": (
        lambda prefix: (site(prefix) / f"torch-{VERSION}.dist-info" / "RECORD").unlink(),
        "every file is there as it was recorded",
        f"torch {VERSION} has no RECORD",
    ),
    "a file leads out": (
        lambda prefix: _row(prefix, "../../../../../out.txt,,4"),
        "every file is there as it was recorded",
        "outside of the environment",
    ),
    "a file is elsewhere": (
        lambda prefix: _row(prefix, "/etc/hostname,,4"),
        "every file is there as it was recorded",
        "outside of the environment",
    ),
    "pip was cut": (
        lambda prefix: (site(prefix) / "~orch").mkdir(),
        "nothing is left half done",
        "~orch",
    ),
}


@pytest.mark.parametrize(("spoil", "name", "found"), SPOILT.values(), ids=SPOILT.keys())
def test_what_an_installer_left_wrong_is_found_before_anything_runs(
    here: Path, spoil: Callable[[Path], object], name: str, found: str
) -> None:
    spoil(here)
    wrong = failed(here)
    assert found in wrong.pop(name)
    assert wrong == {}


def test_another_version_or_build_is_not_the_one_that_was_promised(here: Path) -> None:
    assert failed(here, Expected("2.8.0+cu129")) == {"torch 2.8.0+cu129 is recorded once": "torch 2.8.0+cu128"}
    assert failed(here, Expected("2.9.0+cu128")) == {"torch 2.9.0+cu128 is recorded once": "torch 2.8.0+cu128"}
    assert failed(here, Expected("", (("numpy", "2.1"),))) == {}


def test_what_had_to_go_is_told_while_it_is_there(here: Path) -> None:
    assert failed(here, Expected(absent=("NumPy", "nvidia-cublas-cu12"))) == {"NumPy is gone": "numpy 2.1.0 is still there"}


def test_what_was_amiss_before_and_is_not_touched_does_not_fail(here: Path, made: Path, tmp_path: Path) -> None:
    """Half a package and a leftover that the live environment has too; the same in a package that is promised does."""
    live = tmp_path / "live"
    shutil.copytree(made, live, symlinks=True)
    for prefix in (here, live):
        (site(prefix) / "~ld").mkdir()
        put(prefix, wheel(name="broken", version="1.0"))
        (site(prefix) / "broken" / "__init__.py").unlink()
    assert failed(here, live=live) == {}
    assert "broken/__init__.py is missing" in failed(here)["every file is there as it was recorded"]
    wanted = Expected("", (("broken", "1.0"),))
    assert "broken/__init__.py is missing" in failed(here, wanted, live)["every file is there as it was recorded"]


def test_what_is_far_larger_than_it_is_known_to_be_is_refused(here: Path) -> None:
    with (site(here) / "torch" / "bomb.bin").open("wb") as file:
        file.truncate(9 << 30)  # a hole: it takes no room
    _row(here, f"torch/bomb.bin,,{9 << 30}")
    assert failed(here) == {}
    assert (
        "9663 MB on disk, where about 1000 MB are known" in failed(here, disk_bytes=10**9)["it is not larger than it should be"]
    )
    assert failed(here, disk_bytes=5 * 10**9) == {}


# ---- what it does

BODIES: dict[str, tuple[str, str, str]] = {
    "it does not import": ("raise ImportError('libcudart.so.13: cannot open')", "import torch", "ImportError: libcudart.so.13"),
    "it says that it is another": (f"__version__ = '2.7.0+cu128'\n{TORCH}", "version and build", "2.7.0+cu128"),
    "it is another build": (f"__version__ = '2.8.0+cpu'\n{TORCH}", "version and build", "2.8.0+cpu"),
    "it was made with another CUDA": (
        f"__version__ = '2.8.0'\nclass version: cuda = '13.0'\n{TORCH}",
        "version and build",
        "CUDA 13.0; promised 2.8.0+cu128",
    ),
    "it cannot count": (
        f"__version__ = '2.8.0+cu128'\n{TORCH}\n_Tensor.tolist = lambda self: [[0.0] * 32] * 32",
        "matrix product on the CPU is exact",
        "of 1024 entries differ",
    ),
    "it has no matrices": ("__version__ = '2.8.0+cu128'", "matrix product on the CPU is exact", "has no attribute 'tensor'"),
    "it ends the process": ("import os\nprint('noise')\nos._exit(3)", "import torch", "noise"),
    "it crashes": ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "import torch", "ended by signal 11"),
}


@pytest.mark.parametrize(("text", "name", "found"), BODIES.values(), ids=BODIES.keys())
def test_a_torch_that_is_recorded_and_does_not_work(here: Path, text: str, name: str, found: str) -> None:
    torch(here, text)
    wrong = failed(here, Expected(VERSION))
    assert found in wrong[name]


def test_noise_and_forged_answers_do_not_pass_for_one(here: Path) -> None:
    """What a package prints is no answer, whatever it looks like."""
    torch(here, 'print(\'{"import:torch": {"seconds": 1, "version": "2.8.0+cu128"}}\')\nraise ImportError(\'no\')')
    assert failed(here, Expected(VERSION))["import torch"] == "ImportError: no"


def test_an_import_without_end_is_ended_with_its_children(here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "child"
    torch(
        here,
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(100)'])\n"
        f"open({str(told)!r}, 'w').write(str(child.pid))\ntime.sleep(100)",
    )
    monkeypatch.setattr(verify, "LIMIT", 3.0)
    assert "no end in 3 s" in failed(here, Expected(VERSION))["import torch"]
    assert _ends(Path(f"/proc/{told.read_text()}/stat"))


def _ends(stat: Path, seconds: float = 10.0) -> bool:
    """Whether a process that was killed is gone, as soon as the kernel comes to it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if stat.read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


GPU = """
class cuda:
    @staticmethod
    def is_available():
        return {available}
    @staticmethod
    def get_device_name(number):
        return "Fake GPU"
"""
EXACT = "matrix product on the GPU is exact"


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (TORCH + GPU.format(available=True), {}),
        (TORCH + GPU.format(available=False), {"torch sees the GPU": "torch finds none"}),
        (TORCH, {"torch sees the GPU": "torch finds none"}),
        (
            TORCH
            + GPU.format(available=True)
            + "tensor = lambda rows, dtype=None, device='cpu': 1 / (device == 'cpu') and _Tensor(rows)",
            {EXACT: "ZeroDivisionError: division by zero"},
        ),
    ],
    ids=["it counts on it", "it sees none", "it knows none", "it fails on it"],
)
def test_the_gpu_is_used_where_one_is_promised(here: Path, body: str, wrong: dict[str, str]) -> None:
    torch(here, f"__version__ = '{VERSION}'\n{body}")
    assert failed(here, Expected(VERSION, gpu=True)) == wrong
    assert failed(here, Expected(VERSION)) == {}


# ---- declared against working


def test_what_is_declared_in_vain_is_told_and_decides_nothing_while_it_works(here: Path) -> None:
    """As in a guide for WhisperX 3.4.2: it declares torch>=2.5.1 and works beside an older one."""
    put(here, wheel({"whisperx/__init__.py": ""}, name="whisperx", version="3.4.2", needs=("torch>=2.9", "numpy<3", "other")))
    told = [line for line in verify.verify(python(here), _to(here), False) if line[0].startswith("whisperx")]
    said = "whisperx 3.4.2 declares torch>=2.9, and 2.8.0+cu128 is here; it imports all the same"
    assert told == [("whisperx works beside torch 2.8.0+cu128", True, said)]


def test_what_is_declared_in_vain_and_does_not_work_stops_the_change(here: Path, made: Path, tmp_path: Path) -> None:
    broken = wheel(
        {"whisperx/__init__.py": "raise ImportError('gone')\n"}, name="whisperx", version="3.4.2", needs=("torch>=2.9",)
    )
    put(here, broken)
    assert "ImportError: gone" in failed(here)["whisperx works beside torch 2.8.0+cu128"]
    # The same package in the live environment, which has the torch that it declares, and does not import there either.
    live = tmp_path / "live"
    shutil.copytree(made, live, symlinks=True)
    put(live, broken)
    metadata = site(live) / f"torch-{VERSION}.dist-info" / "METADATA"
    metadata.write_text(metadata.read_text().replace("2.8.0", "2.9.0"))
    place = Place(str(live), python(live))
    checks = verify.verify(python(here), Transaction("", place, expected=EXPECTED), False)
    assert [(passed, "did not import before either" in found) for name, passed, found in checks if "whisperx" in name] == [
        (True, True)
    ]


@pytest.mark.parametrize(
    ("asked", "clash"),
    [
        ("numpy>=3", True),
        ("numpy >= 2.0, < 3", False),
        ("NumPy (<2)", True),
        ("numpy>=3; python_version < '3.8'", False),
        ("numpy>=3; extra == 'fast'", False),
        ("numpy[fast]>=3 ; python_version >= '3.8'", True),
        ("numpy @ https://example.org/numpy.whl", False),
        ("numpy>=3; what is this", False),
        ("torch==2.8.0", False),
        ("missing>=1", False),
        (";;;", False),
    ],
)
def test_a_requirement_that_is_not_met(here: Path, asked: str, clash: bool) -> None:
    put(here, wheel(name="asking", version="1.0", needs=(asked,)))
    found = clashes.clashes(records.read(here)[0])
    assert [each.package for each in found] == (["asking"] if clash else [])


def _to(prefix: Path) -> Transaction:
    return Transaction("", Place(str(prefix.parent / "none"), python(prefix)), expected=EXPECTED)


# ---- which module a package is


@pytest.mark.parametrize(
    ("name", "files", "module"),
    [
        ("torch", {}, "torch"),
        ("python-dateutil", {"dateutil/__init__.py": "", "dateutil/tz.py": ""}, "dateutil"),
        ("pyyaml", {"_yaml/__init__.py": "", "yaml/__init__.py": ""}, "yaml"),
        (
            "flash-attn",
            {"flash_attn/__init__.py": "", "hopper/__init__.py": "", "flash_attn_2_cuda.cpython-311-x86_64-linux-gnu.so": ""},
            "flash_attn",
        ),
        ("six", {"six.py": ""}, "six"),
        ("nvidia-cublas", {"nvidia/cublas/lib/libcublas.so.12": "", "nvidia/cublas/__init__.py": ""}, ""),
    ],
)
def test_the_module_that_is_imported(tmp_path: Path, name: str, files: dict[str, str], module: str) -> None:
    folder = tmp_path / f"{name}-1.0.dist-info"
    folder.mkdir()
    (folder / "RECORD").write_text("".join(f"{path},,\n" for path in files or {f"{name}/__init__.py": ""}))
    assert records.Distribution(name, "1.0", str(folder)).module() == module


@pytest.mark.online
def test_a_real_torch(cpu_environment: Environment) -> None:
    """Of 700 MB: its records, its import, its arithmetic."""
    prefix = cpu_environment.prefix
    version = next(each.version for each in records.read(prefix)[0] if each.name == "torch")
    assert failed(prefix, Expected(version, (("torch", version),)), prefix) == {}
    assert "torch sees the GPU" in failed(prefix, Expected(version, gpu=True), prefix)
