"""Toolkits, the host compiler and Python's headers."""

from __future__ import annotations

import pytest
from tests.probes.paper import PaperHost
from tests.rules.judging import CUDA, LINUX, WINDOWS, python

from torchsmith.model.facts.machine import Machine
from torchsmith.model.facts.python import Variables
from torchsmith.model.facts.toolkit import HostCompiler, PythonHeaders, Toolkit, Toolkits
from torchsmith.model.known import Known, Unknown
from torchsmith.probes import host_compiler, python_headers, toolkits

HEADERS = ("cuda.h", *toolkits.HEADERS)


def toolkit(root: str, version: str = "", program: str = "nvcc") -> dict[str, str]:
    """The files of a whole toolkit."""
    files = {f"{root}/bin/{program}": "", **{f"{root}/include/{name}": "" for name in HEADERS}}
    return files | ({f"{root}/version.json": f'{{"cuda" : {{"name" : "CUDA SDK", "version" : "{version}"}}}}'} if version else {})


def look(host: PaperHost, machine: Machine = LINUX, **variables: str) -> Toolkits | None:
    found = toolkits.toolkits(host, machine, python(), Variables(variables))
    assert isinstance(found, Known)
    return found.value


def test_no_toolkit_is_known_to_be_absent() -> None:
    assert look(PaperHost({"/usr/local/bin/x": ""})) is None
    assert look(PaperHost(), CUDA_HOME="/usr/local/cuda") is None


def test_the_usual_place_is_a_link() -> None:
    host = PaperHost(toolkit("/usr/local/cuda-12.4", "12.4.1"), links={"/usr/local/cuda": "/usr/local/cuda-12.4"})
    found = look(host)
    assert found is not None
    assert found.current == Toolkit("/usr/local/cuda", "12.4.1", "/usr/local/cuda/bin/nvcc")
    assert (len(found.found), found.why) == (1, "/usr/local/cuda")


def test_the_variable_comes_before_path_and_path_before_the_usual_place() -> None:
    files = toolkit("/usr/local/cuda-12.4", "12.4.1") | toolkit("/opt/cuda", "13.0.2") | toolkit("/usr/local/cuda", "11.8.0")
    host = PaperHost(files, programs={"nvcc": "/opt/cuda/bin/nvcc"})
    found = look(host, CUDA_HOME="/usr/local/cuda-12.4/")
    assert found is not None
    assert (found.active, found.why, found.on_path) == ("/usr/local/cuda-12.4", "CUDA_HOME", "/opt/cuda")
    assert {one.version for one in found.found} == {"12.4.1", "13.0.2", "11.8.0"}
    found = look(host)
    assert found is not None
    assert (found.active, found.why) == ("/opt/cuda", "PATH")


def test_a_malformed_variable_leads_to_no_toolkit() -> None:
    found = look(PaperHost(toolkit("/usr/local/cuda", "12.4.1")), CUDA_HOME=":/usr/local/cuda")
    assert found is not None
    assert (found.current, len(found.found)) == (None, 1)


def test_debian_keeps_a_toolkit_in_two_places() -> None:
    files = {"/usr/lib/nvidia-cuda-toolkit/bin/nvcc": "", **{f"/usr/include/{name}": "" for name in HEADERS}}
    files["/usr/include/cuda.h"] = "#define CUDA_VERSION 11080\n"
    host = PaperHost(files, links={"/usr/bin/nvcc": "/usr/lib/nvidia-cuda-toolkit/bin/nvcc"}, programs={"nvcc": "/usr/bin/nvcc"})
    found = look(host)
    assert found is not None
    assert found.current == Toolkit("/usr", "11.8", "/usr/bin/nvcc"), "as torch reckons it"
    assert {one.version for one in found.found} == {"11.8"}


def test_a_wrapper_on_path_is_seen_through() -> None:
    files = toolkit("/usr/local/cuda-13.0") | {"/usr/local/bin/nvcc": '#!/bin/sh\nexec /usr/local/cuda-13.0/bin/nvcc "$@"\n'}
    found = look(PaperHost(files, programs={"nvcc": "/usr/local/bin/nvcc"}))
    assert found is not None
    assert found.active == "/usr/local/cuda-13.0"
    assert found.current is not None
    assert found.current.version == "13.0"


def test_missing_headers() -> None:
    files = toolkit("/opt/cuda", "13.0.2")
    for name in ("cusparse.h", "cublas_v2.h"):
        del files[f"/opt/cuda/include/{name}"]
    found = look(PaperHost(files, programs={"nvcc": "/opt/cuda/bin/nvcc"}))
    assert found is not None
    assert found.current is not None
    assert found.current.missing == ("cublas_v2.h", "cusparse.h")


def test_an_unknown_layout_is_no_claim() -> None:
    found = look(PaperHost({"/nix/store/x-cuda_nvcc/bin/nvcc": ""}, programs={"nvcc": "/nix/store/x-cuda_nvcc/bin/nvcc"}))
    assert found is not None
    assert found.current == Toolkit("/nix/store/x-cuda_nvcc", "", "/nix/store/x-cuda_nvcc/bin/nvcc")


def test_the_wheels_of_cuda_13_make_up_a_toolkit() -> None:
    site = "/env/lib/python3.12/site-packages"
    found = look(PaperHost(toolkit(f"{site}/nvidia/cu13") | {f"{site}/nvidia/cudnn/lib/x": ""}))
    assert found is not None
    assert [one.path for one in found.found] == [f"{site}/nvidia/cu13"]
    assert found.active == ""  # builds do not look there by themselves


def test_windows() -> None:
    root = "C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA"
    files = toolkit(f"{root}/v11.8", program="nvcc.exe") | toolkit("D:/CUDA/v12.6", "12.6.2", "nvcc.exe")
    keys = {(toolkits.REGISTRY, ""): ["v12.6"], (rf"{toolkits.REGISTRY}\v12.6", "InstallDir"): "D:\\CUDA\\v12.6\\"}
    found = look(PaperHost(files, registry=keys), WINDOWS, CUDA_PATH="D:\\CUDA\\v12.6")
    assert found is not None
    assert (found.active, found.why) == ("D:/CUDA/v12.6", "CUDA_PATH")
    assert sorted(one.version for one in found.found) == ["11.8", "12.6.2"]


@pytest.mark.parametrize(
    ("texts", "path", "version"),
    [
        (
            ('{"cuda" : {"name" : "CUDA SDK", "version" : "12.4.1"}, "cuda_nvcc": {"version": "12.4.131"}}', "", ""),
            "/opt/cuda",
            "12.4.1",
        ),
        (("", "CUDA Version 11.0.228\n", ""), "/usr/local/cuda-11.0", "11.0.228"),
        (("", "", "#define CUDA_VERSION 12080\n"), "/opt/conda/targets", "12.8"),
        (("", "", ""), "/usr/local/cuda-12.9", "12.9"),
        (("", "", ""), "C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA/v11.8", "11.8"),
        (("{not json", "nothing", "#define CUDA_VERSION 7\n"), "/usr", ""),
    ],
)
def test_versions_without_running_nvcc(texts: tuple[str, str, str], path: str, version: str) -> None:
    assert toolkits.parse_version(*texts, path) == version


# ---- host compiler

ONE = Toolkits((Toolkit("/usr/local/cuda", "12.4", "/usr/local/cuda/bin/nvcc"),), "/usr/local/cuda", "PATH")


def compiler(host: PaperHost, machine: Machine = LINUX) -> HostCompiler | None:
    found = host_compiler.host_compiler(host, machine, ONE, CUDA)
    assert isinstance(found, Known)
    return found.value


def test_the_name_says_the_version() -> None:
    host = PaperHost(
        {"/usr/bin/x86_64-linux-gnu-gcc-12": ""},
        links={"/usr/bin/gcc": "/usr/bin/x86_64-linux-gnu-gcc-12"},
        programs={"gcc": "/usr/bin/gcc"},
    )
    assert compiler(host) == HostCompiler("gcc", "/usr/bin/gcc", "12", "PATH")
    assert not [request for request in host.asked if request[0] == "run"]


def test_the_only_gcc_that_is_installed() -> None:
    files = {"/usr/bin/gcc": "", "/usr/lib/gcc/x86_64-redhat-linux/14/x": ""}
    host = PaperHost(files, programs={"gcc": "/usr/bin/gcc"})
    assert compiler(host) == HostCompiler("gcc", "/usr/bin/gcc", "14", "PATH")


def test_else_the_compiler_is_asked_once() -> None:
    host = PaperHost({"/opt/gcc/bin/gcc": ""}, programs={"gcc": "/opt/gcc/bin/gcc"}, ran={"/opt/gcc/bin/gcc": "15.1.0\n"})
    assert compiler(host) == HostCompiler("gcc", "/opt/gcc/bin/gcc", "15.1.0", "PATH")
    assert len([request for request in host.asked if request[0] == "run"]) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"NVCC_CCBIN": "/usr/bin/g++-11"}, HostCompiler("gcc", "/usr/bin/g++-11", "11", "NVCC_CCBIN")),
        ({"CC": "ccache clang-17"}, HostCompiler("clang", "/usr/bin/clang-17", "17", "CC")),
        (
            {"NVCC_PREPEND_FLAGS": "-O3 -ccbin /usr/bin/gcc-10"},
            HostCompiler("gcc", "/usr/bin/gcc-10", "10", "NVCC_PREPEND_FLAGS"),
        ),
        ({"NVCC_PREPEND_FLAGS": "-O3"}, None),
    ],
)
def test_variables_name_another_one(variables: dict[str, str], expected: HostCompiler | None) -> None:
    host = PaperHost(
        {"/usr/bin/g++-11": "", "/usr/bin/clang-17": "", "/usr/bin/gcc-10": ""},
        variables=variables,
        programs={"clang-17": "/usr/bin/clang-17"},
    )
    assert compiler(host) == expected


def test_a_compiler_that_does_not_answer() -> None:
    host = PaperHost({"/opt/gcc": ""}, programs={"gcc": "/opt/gcc"})
    assert isinstance(host_compiler.host_compiler(host, LINUX, ONE, CUDA), Unknown)


def test_without_nvcc_no_compiler_is_looked_for() -> None:
    host = PaperHost(programs={"gcc": "/usr/bin/gcc"})
    headers = Toolkits((Toolkit("/opt/cuda", "12.4"),), "/opt/cuda", "CUDA_HOME")
    assert host_compiler.host_compiler(host, LINUX, headers, CUDA) == Known(None, "no nvcc would call one")
    assert not host.asked


STUDIO = "C:/Program Files/Microsoft Visual Studio/2022/Community/VC/Tools/MSVC"


def test_visual_studio() -> None:
    files = {f"{STUDIO}/14.29.30133/bin/x": "", f"{STUDIO}/14.40.33807/bin/x": ""}
    newest = HostCompiler("msvc", f"{STUDIO}/14.40.33807", "14.40", "the newest toolset of Visual Studio")
    assert compiler(PaperHost(files), WINDOWS) == newest
    prompt = PaperHost(files, variables={"VCToolsVersion": "14.29.30133"})
    assert compiler(prompt, WINDOWS) == HostCompiler("msvc", "", "14.29", "VCToolsVersion")
    path = f"{STUDIO}/14.38.33130/bin/Hostx64/x64/cl.exe"
    assert compiler(PaperHost(files, programs={"cl": path}), WINDOWS) == HostCompiler("msvc", path, "14.38", "PATH")
    assert compiler(PaperHost(), WINDOWS) is None


# ---- headers


@pytest.mark.parametrize(
    ("machine", "interpreter", "path"),
    [
        (LINUX, python("3.12.4"), "/usr/include/python3.12/Python.h"),
        (LINUX, python("3.14.0", free_threaded=True, base_prefix="/opt/py"), "/opt/py/include/python3.14t/Python.h"),
        (WINDOWS, python("3.11.9", base_prefix="C:\\Python311"), "C:\\Python311/include/Python.h"),
    ],
)
def test_where_headers_belong(machine: Machine, interpreter: object, path: str) -> None:
    gcc = HostCompiler("gcc", "/usr/bin/gcc", "12", "PATH")
    for files, present in (({path: ""}, True), ({}, False)):
        found = python_headers.python_headers(PaperHost(files), machine, interpreter, gcc)  # type: ignore[arg-type]
        assert isinstance(found, Known)
        assert found.value == PythonHeaders(path, present)
