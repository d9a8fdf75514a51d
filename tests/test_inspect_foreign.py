"""``torchsmith inspect`` of Windows and macOS environments, wheels and files, on any machine; nothing of them runs."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.lab import foreign
from tests.lab.cache import link_tree
from tests.lab.fixtures import have
from tests.lab.wine import Windows
from torchsmith import cli

pytestmark = pytest.mark.online

SCHEMA = json.loads(resources.files("torchsmith.report").joinpath("schema/inspect-1.schema.json").read_text())


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str | Path) -> dict[str, Any]:
        cli.run(["inspect", "--json", *map(str, arguments)])
        shown = capsys.readouterr()
        assert shown.out, shown.err
        document: dict[str, Any] = json.loads(shown.out)
        jsonschema.validate(document, SCHEMA)
        return document

    return run


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site-packages for Windows that may be damaged."""
    link_tree(have(foreign.windows), tmp_path / "target")
    return tmp_path / "target"


def lost(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["subject"]: one for one in document["findings"] if one["finding"] == "missing-library"}


def unanswered(document: dict[str, Any]) -> set[str]:
    return {
        need["name"] for one in document["objects"] for need in one["needs"] if need["found"] is None and not need["optional"]
    }


def needs(document: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    (found,) = [one for one in document["objects"] if one["path"].endswith(f"/{name}")]
    return {need["name"]: need for need in found["needs"]}


TORCH = {"c10.dll", "torch_cpu.dll", "torch_python.dll", "torch.dll"}


def test_a_windows_folder(inspect: Any, site: Path) -> None:
    """All is answered but torch, which is not there: its DLLs are named, with who needs them."""
    document = inspect(site)
    missing = lost(document)
    assert set(missing) == unanswered(document) <= TORCH
    assert missing["c10.dll"]["severity"] == "degraded"
    assert "torch (pip) brings it" in missing["c10.dll"]["summary"]
    assert "torchvision/_C.pyd" in missing["c10.dll"]["evidence"]["needed by"]
    core = needs(document, "_multiarray_umath.cp312-win_amd64.pyd")
    assert core["python312.dll"] | {"shadowed": []} == {
        "name": "python312.dll",
        "found": "python312.dll",
        "how": "Python folder",
        "provider": "Python 3.12",
        "after_torch": None,
        "shadowed": [],
        "optional": False,
    }
    (blas,) = [need for name, need in core.items() if "openblas" in name]
    assert (blas["how"], Path(blas["found"]).is_file()) == ("added by numpy", True)
    assert core["KERNEL32.dll"]["found"] == "C:/Windows/System32/kernel32.dll"
    assert core["api-ms-win-crt-heap-l1-1-0.dll"]["how"] == "API set"
    (told,) = [one for one in document["findings"] if one["finding"] == "needed-of-the-machine"]
    assert (told["subject"], told["severity"]) == ("Visual C++ redistributable", "note")
    assert "msvcp140.dll" in told["evidence"]["libraries"]


def test_a_dll_that_was_removed(inspect: Any, site: Path) -> None:
    """It is named with its importers and the package that lost it."""
    (site / "h5py" / "z.dll").unlink()
    blas = next((site / "numpy.libs").glob("*openblas*"))
    blas.unlink()
    missing = lost(inspect(site))
    assert set(missing) - TORCH == {"z.dll", blas.name}
    assert "h5py (pip) brings it" in missing["z.dll"]["summary"]
    assert "h5py/hdf5.dll" in missing["z.dll"]["evidence"]["needed by"]
    assert missing[blas.name]["severity"] == "degraded"
    assert "numpy (pip) brings it" in missing[blas.name]["summary"]
    assert "_multiarray_umath" in missing[blas.name]["evidence"]["needed by"]


def test_one_file_finds_its_environment(inspect: Any, site: Path) -> None:
    module = next(site.glob("numpy/_core/_multiarray_umath.*.pyd"))
    document = inspect(module)
    assert document["objects"][0]["path"] == str(module)
    assert not unanswered(document)
    assert lost(inspect(site / "torchvision" / "_C.pyd")).keys() <= TORCH


def test_beside_torch(inspect: Any, site: Path) -> None:
    """A torch whose own DLLs are all there gives others what they need; without one of them it cannot be imported."""
    lib = site / "torch" / "lib"
    lib.mkdir(parents=True)
    (site / "torch" / "version.py").write_text("__version__ = '2.9.1+cpu'\ncuda = None\n")
    (site / "torch" / "__init__.py").write_text("")
    for name in TORCH:  # any real DLL will do: the loader looks at names
        shutil.copy(site / "torchvision" / "zlib.dll", lib / name)
    document = inspect(site)
    assert not lost(document)
    assert needs(document, "_C.pyd")["c10.dll"] | {"shadowed": []} == {
        "name": "c10.dll",
        "found": str(lib / "c10.dll"),
        "how": "loaded",
        "provider": "torch",
        "after_torch": None,
        "shadowed": [],
        "optional": False,
    }
    shutil.copy(site / "h5py" / "hdf5.dll", lib / "torch_cpu.dll")
    missing = lost(inspect(site))
    assert (missing["z.dll"]["severity"], missing["z.dll"]["evidence"]["needed by"]) == ("blocker", str(lib / "torch_cpu.dll"))


def test_windows_on_arm(inspect: Any) -> None:
    document = inspect(have(foreign.windows_arm))
    assert not unanswered(document)
    assert {one["machine"] for one in document["objects"]} <= {"aarch64", "arm64x", "arm64ec"}


def test_an_environment_as_windows_has_it(inspect: Any, site: Path, tmp_path: Path) -> None:
    """``Lib/site-packages``, and python.exe of another folder, that of the base."""
    prefix = tmp_path / "venv"
    link_tree(site, prefix / "Lib" / "site-packages")
    (prefix / "Scripts").mkdir()
    (prefix / "pyvenv.cfg").write_text("home = C:\\Python312\nversion = 3.12.4\n")
    document = inspect(prefix)
    assert document["environment"] == str(prefix)
    assert set(lost(document)) <= TORCH
    (prefix / "pyvenv.cfg").write_text("home = C:\\Python313\nversion = 3.13.1\n")
    document = inspect(prefix)
    assert lost(document)["python312.dll"]["severity"] == "degraded"
    assert "Python 3.12 brings it" in lost(document)["python312.dll"]["summary"]
    assert any(one["finding"] == "python-abi-mismatch" for one in document["findings"])


def test_a_dll_for_another_processor(inspect: Any, site: Path) -> None:
    shutil.copy(next(have(foreign.windows_arm).rglob("*.pyd")), site / "h5py" / "new.dll")
    (site / "h5py" / "z.dll").unlink()
    (site / "h5py" / "new.dll").rename(site / "h5py" / "z.dll")
    found = lost(inspect(site))["z.dll"]
    assert "it is for aarch64, the process is x86_64" in found["summary"]


def wheel_of(site: Path, made: Path, *parts: str) -> Path:
    """A wheel of what pip unpacked."""
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts:
            for path in sorted((site / part).rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(site))
    return made


def test_a_windows_wheel(inspect: Any, site: Path, tmp_path: Path) -> None:
    wheel = wheel_of(site, tmp_path / "h5py-3.16.0-cp312-cp312-win_amd64.whl", "h5py", "h5py-3.16.0.dist-info")
    document = inspect(wheel)
    (found,) = [one for one in document["objects"] if one["path"].endswith("/hdf5.dll")]
    by_name = {need["name"]: need for need in found["needs"]}
    assert by_name["z.dll"]["found"] == f"{wheel}/h5py/z.dll"
    assert by_name["KERNEL32.dll"]["how"] == "System32"
    assert by_name["VCRUNTIME140.dll"]["provider"].startswith("Visual C++ redistributable")
    assert "API set" in {need["how"] for need in by_name.values()}
    module = needs(document, "h5.cp312-win_amd64.pyd")
    assert module["python312.dll"]["how"] == "outside this wheel"
    assert module["python312.dll"]["provider"] == "Python 3.12"


def test_a_mac_folder(inspect: Any, tmp_path: Path) -> None:
    site = tmp_path / "venv" / "lib" / "python3.12" / "site-packages"
    link_tree(have(foreign.mac), site)
    document = inspect(tmp_path / "venv")
    assert set(lost(document)) == unanswered(document)
    assert all(name.startswith(("@rpath/libtorch", "@rpath/libc10")) for name in unanswered(document))
    assert "torch (pip) brings it" in lost(document)["@rpath/libc10.dylib"]["summary"]
    hows = Counter(need["how"] for one in document["objects"] for need in one["needs"])
    assert hows["system"] > 50 < hows["@loader_path"]
    assert all(one["abi"]["macos"] in {"11.0", "11.1"} for one in document["objects"])
    gone = next(site.glob("PIL/.dylibs/libtiff*"))
    gone.unlink()
    (found,) = [one for name, one in lost(inspect(site)).items() if name.endswith(gone.name)]
    assert found["severity"] == "degraded"
    assert "pillow (pip) brings it" in found["summary"]
    assert "_imaging." in found["evidence"]["needed by"]
    _, *members = inspect(wheel_of(site, tmp_path / "h5py-3.16.0-cp312-cp312-macosx_11_0_arm64.whl", "h5py"))["objects"]
    hows = Counter(need["how"] for one in members for need in one["needs"])
    assert hows["in this wheel"] > 20 < hows["system"]
    assert set(hows) == {"in this wheel", "system"}


def test_one_mac_file(inspect: Any) -> None:
    module = next(have(foreign.mac).glob("PIL/_imaging.*.so"))
    document = inspect(module)
    assert not unanswered(document)
    assert all(Path(need["found"]).is_file() for need in document["objects"][0]["needs"] if need["how"] == "@loader_path")
    universal = next(have(foreign.mac_universal).rglob("*.so"))
    assert inspect(universal)["objects"][0]["abi"]["macos"] == "11.0"


def test_binaries_of_other_systems_that_a_package_carries(inspect: Any, site: Path, tmp_path: Path) -> None:
    """A Mac's package that has a Windows DLL aboard lacks nothing for that."""
    both = tmp_path / "both" / "lib" / "python3.12" / "site-packages"
    link_tree(have(foreign.mac) / "h5py", both / "h5py")
    shutil.copy(site / "torchvision" / "_C.pyd", both / "h5py" / "carried.dll")
    document = inspect(tmp_path / "both")
    assert not lost(document)
    assert needs(document, "carried.dll")["KERNEL32.dll"]["how"] == "System32"


def test_names_are_data(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names of folders and of imported DLLs are shown, not obeyed."""
    wild = site / "wild\x1b[31m\u202e.libs"
    wild.mkdir()
    blas = next((site / "numpy.libs").glob("*openblas*"))
    blas.rename(wild / blas.name)
    module = site / "numpy" / "_core" / "wild.pyd"
    data = next(site.glob("numpy/_core/_multiarray_umath.*.pyd")).read_bytes()
    assert b"KERNEL32.dll" in data
    module.write_bytes(data.replace(b"KERNEL32.dll", b"\x1b[31m/\\..d%s"))
    for arguments in ([str(module)], ["--verbose", str(site)]):
        cli.run(["inspect", *arguments])
        shown = capsys.readouterr().out
        assert "[31m/\\..d%s" in shown
        assert "wild" in shown
        assert "\x1b" not in shown
        assert "\u202e" not in shown


@pytest.mark.slow
class TestTorch:
    """The real torch 2.8 for Windows, beside a python.exe."""

    def test_healthy(self, inspect: Any, windows_torch: Windows) -> None:
        document = inspect(windows_torch.folder)
        assert document["torch"]["version"] == "2.8.0+cpu"
        assert not lost(document)
        assert not unanswered(document)
        found = needs(document, "torch_python.dll")
        assert found["torch_cpu.dll"]["found"] == str(windows_torch.torch / "lib" / "torch_cpu.dll")
        assert found["python311.dll"]["found"] == str(windows_torch.folder / "python311.dll")

    def test_without_a_dll(self, inspect: Any, windows_torch: Windows) -> None:
        with windows_torch.without("libiomp5md.dll") as broken:
            found = lost(inspect(broken.folder))
            assert set(found) == {"libiomp5md.dll"}
            assert found["libiomp5md.dll"]["severity"] == "blocker"
            assert "torch_cpu.dll" in found["libiomp5md.dll"]["evidence"]["needed by"]
            assert "torch (pip) brings it" in found["libiomp5md.dll"]["summary"]
