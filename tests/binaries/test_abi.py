import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.binaries import samples
from torchsmith.binaries import abi, elf, numpy_abi, pe
from torchsmith.model.place import Place

GXX = shutil.which("g++")
needs_compiler = pytest.mark.skipif(GXX is None or not sys.platform.startswith("linux"), reason="builds with g++ for Linux")
OLD = b"numpy.core._multiarray_umath\0"
NEW = b"numpy._core._multiarray_umath\0"


def floor(version: str) -> bytes:
    """The message in which NumPy's headers write down the oldest NumPy that serves."""
    return f"module was compiled against NumPy C-API version 0x%x (NumPy {version}) but the running NumPy has ...\0".encode()


def read(data: bytes, name: str = "m.cpython-311-x86_64-linux-gnu.so") -> abi.Found:
    file, size = samples.opened(data)
    return abi.read(file, size, elf.read(file, size) if data[:4] == b"\x7fELF" else pe.read(file, size), name)


def read_path(path: Path) -> abi.Found:
    with path.open("rb") as file:
        size = path.stat().st_size
        return abi.read(file, size, elf.read(file, size), str(path))


def compiled(folder: Path, source: str, *flags: str, name: str = "made.so") -> Path:
    assert GXX
    path = folder / name
    command = [GXX, "-x", "c++", "-shared", "-fPIC", "-O1", *flags, "-", "-o", str(path)]
    subprocess.run(command, input=source, text=True, check=True)
    return path


@pytest.mark.parametrize(
    ("constants", "told", "oldest"),
    [
        (OLD, "1", None),
        (NEW + OLD + floor("1.23"), "both", "1.23"),
        (NEW + OLD + floor("2.0"), "2", "2.0"),
        (NEW + floor("1.20") + floor("2.3"), "2", "2.3"),
        (floor("2.0") + bytes(2 << 20) + NEW, "2", "2.0"),
        (floor("2.0"), None, None),
        (b"numpy.core.multiarray\0", None, None),
    ],
)
def test_the_constants_of_an_extension_tell_its_numpy(constants: bytes, told: str | None, oldest: str | None) -> None:
    found = read(samples.elf([(".rodata", constants)]))
    assert (found.abi.numpy, found.numpy_floor) == (told, oldest)
    assert numpy_abi.read(*samples.opened(samples.elf([(".rodata", constants)]))) == told


def test_the_place_is_where_the_text_stands() -> None:
    data = samples.elf([(".text", bytes(100)), (".rodata", b"abc\0" + NEW + b"__pybind11_internals_v11_gcc_x__\0")])
    places = dict(read(data).places)
    for field, text in (("numpy", NEW[:-1]), ("pybind11", b"__pybind11_internals_v11_gcc_x__")):
        place = places[field]
        assert place == Place(".rodata", data.index(text), len(text))


def test_numpy_itself_is_no_extension_of_it() -> None:
    data = samples.elf([(".rodata", NEW + OLD)])
    assert read(data, "site/numpy/_core/_multiarray_umath.cpython-311-x86_64-linux-gnu.so").abi.numpy is None


def test_constants_of_other_libraries_are_not_read() -> None:
    assert read(samples.elf([(".rodata", NEW)]), "libmkl_core.so.2").abi.numpy is None


def test_types_of_numpy_by_way_of_cython_are_a_warning() -> None:
    found = read(samples.elf([(".rodata", b"size changed, may indicate binary incompatibility\0dtype\0flatiter\0")]))
    assert found.abi.numpy is None
    assert len(found.warnings) == 1
    assert "Cython" in found.warnings[0]


@pytest.mark.parametrize(
    ("name", "read_for_it"), [("libtorch_python.so", True), ("libarrow_python.so.1800", True), ("libpython3.11.so.1.0", False)]
)
def test_libraries_for_python_are_read_too(name: str, read_for_it: bool) -> None:
    assert read(samples.elf([(".rodata", NEW)]), name).abi.numpy == ("both" if read_for_it else None)


def test_what_was_not_searched_is_said() -> None:
    found = read(samples.elf([(".rodata", bytes(abi.CONSTANTS_LIMIT) + NEW)]))
    assert found.abi.numpy is None
    assert len(found.warnings) == 1
    assert "were searched" in found.warnings[0]


@pytest.mark.parametrize(
    ("constants", "told"),
    [
        (b"__pybind11_internals_v4_gcc_libstdcpp_cxxabi1011__\0", "v4_gcc_libstdcpp_cxxabi1011"),
        (b"__pybind11_internals_v11_system_gxx_use_cxx11_abi_1__\0", "v11_system_gxx_use_cxx11_abi_1"),
        (b"__pybind11_internals_v5_msvc_mscver19__\0", "v5_msvc_mscver19"),
        (b"__pybind11_internals_vague\0", None),
    ],
)
def test_the_internals_of_pybind11(constants: bytes, told: str | None) -> None:
    assert read(samples.elf([(".rodata", constants)])).abi.pybind11 == told


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("a/_C.cpython-311-x86_64-linux-gnu.so", "cp311"),
        ("a\\_C.cp313t-win_amd64.pyd", "cp313t"),
        ("_C.cpython-313t-darwin.so", "cp313t"),
        ("cv2.abi3.so", "abi3"),
        ("x.abi3t.so", "abi3t"),
        ("x.pypy310-pp73-x86_64-linux-gnu.so", "pypy310"),
        ("cp311/libtorch.so.2", None),
        ("libabi3.so", None),
        ("_imaging.pyd", None),
    ],
)
def test_the_tag_in_a_file_name(name: str, tag: str | None) -> None:
    assert abi.python_tag(name) == tag


@pytest.mark.parametrize(
    ("made_for", "interpreter", "words"),
    [
        ("cp311", "cp311", ""),
        ("cp311", "cp312", "made for cp311; Python 3.12"),
        ("cp313", "cp313t", "(free-threaded)"),
        ("cp313t", "cp313", "made for cp313t"),
        ("abi3", "cp314", ""),
        ("abi3", "cp314t", "with a GIL"),
        ("abi3t", "cp315t", ""),
        ("abi3t", "cp315", ""),
        ("abi3t", "cp314t", "begins with Python 3.15"),
        (None, "cp311", ""),
    ],
)
def test_which_interpreter_can_import_it(made_for: str | None, interpreter: str, words: str) -> None:
    why = abi.importable(made_for, interpreter)
    assert bool(why) is bool(words)
    assert words in why


def test_the_dll_that_a_windows_module_imports_decides() -> None:
    for dll, tag in (("python312.dll", "cp312"), ("python3.dll", "abi3"), ("python313t.dll", "cp313t")):
        found = read(samples.pe(imports=("KERNEL32.dll", dll, "MSVCP140.dll", "VCRUNTIME140_1.dll")), "x.pyd")
        assert found.abi.python == tag
        assert found.abi.msvc == ("MSVCP140.dll", "VCRUNTIME140_1.dll")


@needs_compiler
@pytest.mark.parametrize(("flag", "new"), [("0", False), ("1", True)])
def test_the_string_of_the_cxx_library(tmp_path: Path, flag: str, new: bool) -> None:
    source = "#include <string>\nnamespace own { int length(const std::string& s) { return s.size(); } }"
    path = compiled(tmp_path, source, f"-D_GLIBCXX_USE_CXX11_ABI={flag}")
    found = read_path(path)
    assert found.abi.cxx11 is new
    place = dict(found.places)["cxx11"]
    assert path.read_bytes()[place.offset : place.offset + place.size] == (b"St7__cxx11" if new else b"RKSs")


@needs_compiler
def test_names_of_the_cxx_library_itself_prove_nothing(tmp_path: Path) -> None:
    source = "#include <sstream>\ntemplate class std::__cxx11::basic_stringbuf<char>; int own(int a) { return a; }"
    assert read_path(compiled(tmp_path, source)).abi.cxx11 is None


@needs_compiler
def test_a_module_without_a_tag_is_known_by_what_it_exports(tmp_path: Path) -> None:
    source = (
        f'extern "C" void* PyInit_made() {{ return nullptr; }} extern "C" const char* t() {{ return "{OLD[:-1].decode()}"; }}'
    )
    path = compiled(tmp_path, source)
    assert read_path(path).abi.numpy == "1"
    assert read_path(path).abi.python is None
    assert read_path(path.rename(tmp_path / "other.so")).abi.numpy is None


@needs_compiler
def test_packed_relocations_need_a_newer_glibc(tmp_path: Path) -> None:
    source = "static int x; int* table[64] = {&x, &x, &x, &x};"
    try:
        path = compiled(tmp_path, source, "-Wl,-z,pack-relative-relocs")
    except subprocess.CalledProcessError:
        pytest.skip("this linker packs no relocations")
    with path.open("rb") as file:
        needs = elf.read(file, path.stat().st_size).version_needs
    if not any(abi.RELATIVE in versions for versions in needs.values()):
        pytest.skip("this linker does not ask for it")
    assert read_path(path).abi.glibc == "2.36"


def test_modules_of_this_interpreter_are_for_it() -> None:
    modules = [path for path in samples.installed("*.cpython-*.so") if path.stat().st_size < samples.MIB]
    tag = f"cp{sysconfig.get_config_var('py_version_nodot')}"
    if not modules:
        pytest.skip("this Python has no shared modules of its own")
    assert {read_path(path).abi.python for path in modules} == {tag}


def test_damage_ends_in_the_warnings() -> None:
    data = samples.elf([(".rodata", NEW)])
    whole, size = samples.opened(data)
    cut, _ = samples.opened(data[:70])
    found = abi.read(cut, size, elf.read(whole, size), "m.abi3.so")
    assert (found.abi.python, found.abi.numpy) == ("abi3", None)
    assert found.warnings
