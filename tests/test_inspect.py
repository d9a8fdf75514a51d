"""``torchsmith inspect`` on real environments: what a user reads, and the document that a program reads."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.lab.environments import Environment, VariantFactory
from torchsmith import cli

SCHEMA = json.loads(resources.files("torchsmith.report").joinpath("schema/inspect-1.schema.json").read_text())
RTX_5070_TI = ("--assume", "gpu=RTX 5070 Ti", "--assume", "driver=581.57")


@pytest.fixture
def inspect(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*arguments: str | Path) -> tuple[int, dict[str, Any]]:
        code = cli.run(["inspect", "--json", *map(str, arguments)])
        shown = capsys.readouterr()
        assert shown.out, shown.err
        document = json.loads(shown.out)
        jsonschema.validate(document, SCHEMA)
        return code, document

    return run


def findings(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["finding"], one["severity"]) for one in document["findings"]}


def by_name(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in document["objects"] if one["path"].endswith(f"/{name}"))


@pytest.mark.online
@pytest.mark.slow
class TestCuda:
    """torch 2.14.1+cu130 and all of NVIDIA's wheels."""

    def test_environment(self, inspect: Any, cuda_environment: Environment) -> None:
        code, document = inspect(*RTX_5070_TI, cuda_environment.prefix)
        assert code == 0
        assert document["torch"]["version"] == cuda_environment.torch_version()
        assert document["torch"]["declared"] == ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
        assert document["runs_on"]["object"].endswith("/torch/lib/libtorch_cuda.so")
        assert document["runs_on"]["how"] == "native"
        assert document["runs_on"]["containers"] == {"total": 475, "native": 475, "jit": 0, "none": 0}
        assert not {finding for finding in findings(document) if finding[1] != "note"}
        assert not document["unread"]
        paths = [one["path"] for one in document["objects"]]
        assert paths == sorted(paths)
        assert by_name(document, "libtorch_cuda_linalg.so")["gpu_code"] != by_name(document, "libtorch_cuda.so")["gpu_code"]
        assert by_name(document, "libcudnn_graph.so.9")["cudnn"].startswith("9.")
        needs = {need["name"]: need for need in by_name(document, "libtorch_cuda.so")["needs"]}
        assert needs["libcudnn.so.9"]["provider"] == "nvidia-cudnn-cu13"
        assert needs["libcudnn.so.9"]["found"].startswith(str(cuda_environment.site))

    def test_gpu_without_code(self, inspect: Any, cuda_environment: Environment) -> None:
        code, document = inspect("--assume", "gpu=GTX 1080 Ti", "--assume", "gpu=RTX 4090", cuda_environment.prefix)
        assert code == 1
        assert ("no-gpu-code", "blocker") in findings(document)
        assert [(one["compute_capability"], one["how"]) for one in document["runs_on"]["gpus"]] == [
            ("6.1", "no"),
            ("8.9", "native"),
        ]
        assert document["runs_on"]["how"] == "no"

    def test_all_missing_libraries_are_named(self, inspect: Any, cuda_environment: Environment, variant: VariantFactory) -> None:
        copy = variant(cuda_environment)
        copy.remove("nvidia/cudnn/lib/*")
        copy.remove("nvidia/nccl/lib/*")
        code, document = inspect(copy.prefix)
        missing = {one["subject"]: one for one in document["findings"] if one["finding"] == "missing-library"}
        assert code == 1
        assert missing["libcudnn.so.9"]["severity"] == missing["libnccl.so.2"]["severity"] == "blocker"
        assert "libtorch_cuda.so" in missing["libnccl.so.2"]["evidence"]["needed by"]
        assert "nvidia-nccl-cu13" in missing["libnccl.so.2"]["summary"]
        assert ("files-missing", "blocker") in findings(document)

    def test_cut_off_library(self, inspect: Any, cuda_environment: Environment, variant: VariantFactory) -> None:
        copy = variant(cuda_environment)
        library = copy.site / "torch" / "lib" / "libtorch_cuda_linalg.so"
        data = library.read_bytes()
        library.unlink()
        library.write_bytes(data[: len(data) * 3 // 4])
        _, document = inspect(library)
        found = document["objects"][0]
        assert "sm_120" in found["gpu_code"]["sass"]
        assert any("outside the file" in warning for warning in found["warnings"])
        _, document = inspect(copy.prefix)
        assert any(what == "files-shorter" for what, _ in findings(document))

    def test_text_on_80_columns(self, cuda_environment: Environment, capsys: pytest.CaptureFixture[str]) -> None:
        assert cli.run(["inspect", *RTX_5070_TI, str(cuda_environment.prefix)]) == 0
        shown = capsys.readouterr().out
        assert "475 of 475 kernel groups have code for 12.0" in " ".join(shown.split())
        assert not [line for line in shown.splitlines() if len(line) > 80 and " " in line.strip()]


@pytest.mark.online
@pytest.mark.slow
def test_numpy_1_torch_beside_numpy_2(inspect: Any, cu121_environment: Environment) -> None:
    code, document = inspect(cu121_environment.prefix)
    assert code == 0
    assert ("numpy-abi-mismatch", "degraded") in findings(document)
    assert by_name(document, "libtorch_python.so")["abi"]["numpy"] == "1"
    assert by_name(document, "libc10.so")["abi"]["cxx11"] is False


@pytest.mark.online
@pytest.mark.slow
def test_cpu_environment(inspect: Any, cpu_environment: Environment) -> None:
    code, document = inspect(*RTX_5070_TI, cpu_environment.prefix)
    assert code == 0
    assert document["runs_on"] is None
    assert document["torch"]["cuda"] is None
    assert by_name(document, "libc10.so")["abi"]["cxx11"] is True


@pytest.mark.online
@pytest.mark.slow
def test_an_extension_of_another_torch(inspect: Any, cpu_environment: Environment, variant: VariantFactory) -> None:
    """The symbol that the loader would complain of, and the releases that have it, before anything is imported."""
    copy = variant(cpu_environment)
    copy.install("torchtext==0.17.2", dependencies=False)
    code, document = inspect(copy.prefix)
    assert code == 0
    assert ("undefined-symbol", "degraded") in findings(document)
    found = by_name(document, "_torchtext.so")["abi"]["torch"]
    assert found["missing"][0] in found["message"]
    assert "2.2.2" in found["releases"]
    assert "2.13.0" not in found["releases"]


@pytest.mark.online
@pytest.mark.slow
def test_a_library_of_torch_that_is_none(inspect: Any, cpu_environment: Environment, variant: VariantFactory) -> None:
    copy = variant(cpu_environment)
    library = copy.site / "torch" / "lib" / "libtorch_cpu.so"
    library.unlink()
    library.write_bytes(b"")
    code, document = inspect(copy.prefix)
    assert code == 1
    assert ("unreadable-library", "blocker") in findings(document)
    assert {"path": str(library), "reason": "an empty file"} in document["unread"]


GCC = shutil.which("gcc")


@pytest.mark.skipif(not GCC, reason="needs gcc")
class TestSmall:
    """Files made here."""

    @pytest.fixture
    def library(self, tmp_path: Path) -> Path:
        source = tmp_path / "a.c"
        source.write_text("#include <math.h>\ndouble f(double x) { return cos(x); }\n")
        made = tmp_path / "liba.so.1"
        subprocess.run([str(GCC), "-shared", "-fPIC", "-Wl,-soname,liba.so.1", "-o", made, source, "-lm"], check=True)
        return made

    def test_one_object(self, inspect: Any, library: Path) -> None:
        code, document = inspect(library)
        (found,) = document["objects"]
        assert code == 0
        assert (found["format"], found["soname"], found["gpu_code"]) == ("elf", "liba.so.1", {"sass": [], "ptx": []})
        assert {need["name"] for need in found["needs"]} >= {"libm.so.6"}
        assert all(need["found"] for need in found["needs"])
        assert found["compiler"].startswith("GCC")
        assert found["places"]["needed"]["section"] == ".dynamic"

    def test_several(self, inspect: Any, library: Path, tmp_path: Path) -> None:
        """One that cannot be read does not cost the others."""
        (tmp_path / "list").write_text(f"{library}\n{tmp_path}/nothing.so\n")
        code, document = inspect("--list", tmp_path / "list")
        assert code == 2
        assert [one["path"] for one in document["objects"]] == [str(library)]
        assert [one["path"] for one in document["unread"]] == [f"{tmp_path}/nothing.so"]

    def test_folder(self, inspect: Any, library: Path) -> None:
        (library.parent / "broken.so").write_bytes(b"\x7fELF\2\1" + b"\xff" * 20)
        _, document = inspect(library.parent)
        assert [one["path"] for one in document["objects"]] == [str(library)]
        assert [one["path"] for one in document["unread"]] == [str(library.parent / "broken.so")]

    def test_missing_library(self, inspect: Any, library: Path, tmp_path: Path) -> None:
        user = tmp_path / "libuser.so"
        subprocess.run([str(GCC), "-shared", "-fPIC", "-o", user, tmp_path / "a.c", "-Wl,--no-as-needed", library], check=True)
        _, document = inspect(user)
        (need,) = [need for need in document["objects"][0]["needs"] if need["name"] == "liba.so.1"]
        assert need["found"] is None
        assert ("missing-library", "note") in findings(document)

    def test_damaged_member_of_an_archive(self, inspect: Any, tmp_path: Path) -> None:
        """It costs itself, not those behind it."""
        source = tmp_path / "a.c"
        source.write_text("int f(void) { return 1; }\n")
        subprocess.run([str(GCC), "-c", "-o", tmp_path / "a.o", source], check=True)
        (tmp_path / "b.o").write_bytes(b"\x7fELF" + bytes(60))
        shutil.copy(tmp_path / "a.o", tmp_path / "c.o")
        subprocess.run(["ar", "rc", "all.a", "a.o", "b.o", "c.o"], check=True, cwd=tmp_path)
        _, document = inspect(tmp_path / "all.a")
        assert [one["path"] for one in document["objects"]] == [f"{tmp_path}/all.a{name}" for name in ("", "(a.o)", "(c.o)")]
        assert document["objects"][0]["warnings"]

    def test_debian_names_the_folder_of_packages_otherwise(self, inspect: Any, library: Path, tmp_path: Path) -> None:
        site = tmp_path / "usr" / "lib" / "python3.12" / "dist-packages"
        site.mkdir(parents=True)
        shutil.copy(library, site / "module.cpython-310-x86_64-linux-gnu.so")
        _, document = inspect(tmp_path / "usr")
        assert document["environment"] == str(tmp_path / "usr")
        assert ("python-abi-mismatch", "degraded") in findings(document)

    def test_debug_files_are_whole(self, inspect: Any, library: Path, tmp_path: Path) -> None:
        """objcopy leaves out what the program headers still name."""
        subprocess.run(["objcopy", "--only-keep-debug", library, tmp_path / "libdebug.so"], check=True)
        code, document = inspect(tmp_path / "libdebug.so")
        assert code == 0
        assert not any(what == "file-cut-short" for what, _ in findings(document))

    def test_a_pipe_in_place_of_a_record(self, inspect: Any, library: Path, tmp_path: Path) -> None:
        site = tmp_path / "env" / "lib" / "python3.12" / "site-packages"
        (site / "name-1.0.dist-info").mkdir(parents=True)
        os.mkfifo(site / "name-1.0.dist-info" / "RECORD")
        shutil.copy(library, site / "liba.so")
        _, document = inspect(tmp_path / "env")
        assert ("record-unreadable", "note") in findings(document)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("no-such-file.so", "No such file"),
        ("/dev/null", "no regular file"),
        (__file__, "none of the formats"),
        ("bad\x00name", "null"),
    ],
)
def test_unreadable(argument: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", argument]) == 2
    shown = capsys.readouterr()
    assert not shown.out
    assert says in shown.err
    assert shown.err.count("\n") == 1


def test_nothing_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither an empty folder nor an empty list means this environment."""
    (tmp_path / "list").write_text("\n")
    assert cli.run(["inspect", str(tmp_path)]) == 2
    assert cli.run(["inspect", "--list", str(tmp_path / "list")]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_credentials_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["inspect", "https://user:s3cret@example.org/x.whl"]) == 2
    assert cli.run(["inspect", "name==1", "--index-url", "user:s3cret@example.org/simple"]) == 2
    assert "s3cret" not in capsys.readouterr().err


def test_names_are_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file name full of escape codes is shown, not obeyed."""
    wild = tmp_path / "lib\x1b[31m\u202etxt.so"
    wild.write_bytes(b"\x7fELF" + bytes(100))
    cli.run(["inspect", str(tmp_path)])
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
