"""``torchsmith inspect NAME==VERSION``: over a real server, and online over the configured index."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.binaries import samples
from tests.binaries.samples import container, entry
from tests.lab.package_server import Package, Server, serving

FILENAME = "torch-2.15.0+cu132-cp313-cp313-manylinux_2_28_x86_64.whl"
FLAGS = "-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_90,code=sm_90;-gencode;arch=compute_90,code=compute_90"
GPU_CODE = b"".join(container(entry(2, 75), entry(2, 90)) for _ in range(5))
MEMBERS: dict[str, str | bytes] = {
    "torch/version.py": "__version__ = '2.15.0+cu132'\ncuda = '13.2'\ngit_version = 'abc'\n",
    "torch/include/ATen/cuda/CUDAConfig.h": f'#define NVCC_FLAGS_EXTRA "{FLAGS}"\n',
    "torch/lib/libtorch_cuda.so": samples.elf([(".nv_fatbin", GPU_CODE), (".rodata", bytes(range(256)) * 9000)]),
    "torch/lib/libtorch_python.so": samples.elf([(".rodata", b"\0sm_75 sm_90\0")]),
    "torch/lib/libgomp-a34b3233.so.1": samples.elf([(".text", b"x")]),
    "torch-2.15.0+cu132.dist-info/METADATA": "Name: torch\nVersion: 2.15.0+cu132\nRequires-Dist: cuda-toolkit==13.2.2\n",
    "torch-2.15.0+cu132.dist-info/WHEEL": "Tag: cp313-cp313-manylinux_2_28_x86_64\nRoot-Is-Purelib: false\n",
}


def made() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(
                name, content, zipfile.ZIP_STORED if "gomp" in name else zipfile.ZIP_DEFLATED if "cuda.so" not in name else None
            )
    return file.getvalue()


WHEEL = made()


def inspect(*arguments: str, server: Server | None = None) -> tuple[int, dict[str, Any], str]:
    options = ["--index-url", server.index] if server else []
    done = subprocess.run(
        [sys.executable, "-m", "torchsmith", "inspect", "--json", *options, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


HERE = ("torch==2.15.0", "--platform", "linux-x86_64", "--python-tag", "cp313")


def test_a_wheel_from_afar() -> None:
    with serving(Package(FILENAME, WHEEL, requires_python=">=3.11")) as server:
        code, found, said = inspect(*HERE, server=server)
        assert server.sent < len(WHEEL) / 2
    assert code == 0, said
    wheel = found["objects"][0]
    assert (wheel["path"], wheel["format"], wheel["cuda_runtime"], wheel["version"]) == (
        FILENAME,
        "wheel",
        "13.2",
        "2.15.0+cu132",
    )
    assert wheel["declared"] == ["sm_75", "sm_90", "compute_90"]
    assert wheel["pins"] == {"cuda-toolkit": "13.2.2"}
    assert wheel["native_libraries"][0]["bundled"] == "libgomp.so.1"
    assert wheel["requests"] <= 5
    assert len(found["objects"]) == 1
    assert "was not read (the declared architectures are those of CUDAConfig.h); --deep fetches" in wheel["warnings"][0]


def test_deep_is_as_local(tmp_path: Path) -> None:
    (tmp_path / FILENAME).write_bytes(WHEEL)
    with serving(Package(FILENAME, WHEEL)) as server:
        remote = inspect(*HERE, "--deep", server=server)[1]
        assert remote["objects"][0]["bytes_read"] <= len(WHEEL)
    code, local, said = inspect(str(tmp_path / FILENAME))
    assert code == 0, said
    assert json.dumps(remote["objects"][1:]) == json.dumps(local["objects"][1:]).replace(f"{tmp_path}/", "")
    assert remote["findings"]
    assert [f["finding"] for f in local["findings"]][: len(remote["findings"])] == [f["finding"] for f in remote["findings"]]
    cuda = next(o for o in local["objects"] if o["path"].endswith("libtorch_cuda.so"))
    assert (cuda["gpu_code"]["sass"], cuda["gpu_code"]["ptx"], cuda["gpu_code"]["containers"]) == (["sm_75", "sm_90"], [], 5)
    assert {f["finding"] for f in local["findings"]} == {"declared-ptx-missing", "arch-lists-differ"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("torch==2.15.0", "--platform", "win_amd64", "--python-tag", "cp313"), f"there are: {FILENAME}"),
        (("torch==9.9", "--platform", "win_amd64", "--python-tag", "cp313"), "it has 2.15.0+cu132"),
        (("nothing==1", "--platform", "win_amd64", "--python-tag", "cp313"), "has no project called nothing"),
        (("torch==2.15.0", "--platform", "amiga", "--python-tag", "cp313"), "`amiga` is no platform"),
        (("torch==2.15.0", "--platform", "win_amd64", "--python-tag", "x"), "`x` is no Python tag"),
    ],
)
def test_what_cannot_be_had(arguments: tuple[str, ...], words: str) -> None:
    with serving(Package(FILENAME, WHEEL)) as server:
        code, _, said = inspect(*arguments, server=server)
    assert code == 2
    assert words in said


def test_a_server_without_ranges_and_what_to_do_then() -> None:
    with serving(Package(FILENAME, WHEEL), ranges="no") as server:
        code, _, said = inspect(*HERE, server=server)
    assert code == 2
    assert "whole files only" in said
    assert "pip download --no-deps torch==2.15.0+cu132" in said


def test_no_password_is_shown() -> None:
    with serving(Package(FILENAME, WHEEL), user=("me", "hidden")) as server:
        url = server.index.replace("//", "//me:hidden@")
        code, found, said = inspect(*HERE, "--index-url", url)
        wrong = inspect(*HERE, "--index-url", url.replace("hidden", "hiddenn"))
    assert code == 0, said
    assert (wrong[0], "asks for user and password" in wrong[2]) == (2, True)
    assert "hidden" not in f"{found}{said}{wrong}"


@pytest.mark.online
def test_the_configured_index() -> None:
    code, found, said = inspect("markupsafe==3.0.2", "--platform", "linux-x86_64", "--python-tag", "cp313")
    if code == 2 and "name is not known" in said:
        pytest.skip(said)
    assert code == 0, said
    wheel = found["objects"][0]
    assert (wheel["name"], wheel["requests"]) == ("MarkupSafe", 1)
    deep = inspect("markupsafe==3.0.2", "--platform", "linux-x86_64", "--python-tag", "cp313", "--deep")[1]
    assert deep["objects"][1]["abi"]["python"] == "cp313"
