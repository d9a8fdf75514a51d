"""Symbols of real libraries, looked up as the loader does it, and import errors that are foretold to the letter."""

import ctypes
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.binaries import samples
from torchsmith.binaries import binding, elf, pe_exports, symbols
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.pe_lookup import Exports
from torchsmith.model.binding import Binding

GCC = shutil.which("gcc")
needs_compiler = pytest.mark.skipif(GCC is None or not sys.platform.startswith("linux"), reason="builds with gcc for Linux")
BASE = "int base(void) { return 1; } int data = 5; static int hidden(void) { return 2; } int uses(void) { return hidden(); }"


def compiled(path: Path, source: str, *flags: str) -> Path:
    assert GCC
    command = [GCC, "-x", "c", "-shared", "-fPIC", "-O1", f"-Wl,-soname,{path.name}", "-", "-x", "none", "-o", str(path), *flags]
    subprocess.run(command, input=source, text=True, check=True)
    return path


def library(path: Path) -> symbols.Library:
    data = path.read_bytes()
    return symbols.Library(*samples.opened(data))


def bound(extension: Path, *scope: Path) -> Binding:
    with ExitStack() as stack:
        opened = [(str(path), stack.enter_context(path.open("rb")), path.stat().st_size) for path in (extension, *scope)]
        return binding.bind(opened[0], opened[1:])


def said_by_the_loader(path: Path) -> str:
    """What dlopen with RTLD_NOW says, in a process of its own."""
    code = "import ctypes,sys\ntry: ctypes.CDLL(sys.argv[1])\nexcept OSError as error: print(error)"
    return subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout.strip()


def system(name: str) -> Path:
    return next(path for path in samples.loaded() if path.name.startswith((f"{name}.so", f"{name}-")))


@needs_compiler
def test_what_readelf_would_list_is_found_and_nothing_else() -> None:
    for path in [system("libc"), *samples.real_elf()[:20]]:
        data = path.read_bytes()
        file, size = samples.opened(data)
        parsed = elf.read(file, size)
        offered = set(elf.exports(file, size, parsed))
        asked = set(elf.undefined(file, size, parsed))
        own = library(path)
        if not offered and not asked:
            continue
        wrong = {name for name in sorted(offered)[:300] if not own.offers(name)}
        assert not {name for name in wrong if not _hidden(own, name)}, path
        assert not {name for name in sorted(asked - offered)[:300] if own.offers(name)}, path


def _hidden(own: symbols.Library, name: str) -> bool:
    """A name that only old versions have: nothing finds it without one."""
    return any(own.offers(name, version) for version in own.versions().values())


@needs_compiler
@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_either_hash_table_serves(tmp_path: Path, style: str) -> None:
    own = library(compiled(tmp_path / "libbase.so", BASE, f"-Wl,--hash-style={style}"))
    assert own.offers("base")
    assert own.offers("data")
    assert not own.offers("hidden")
    assert not own.offers("bas")
    assert not own.offers("")


@needs_compiler
def test_the_first_symbol_without_an_answer_is_named_as_the_loader_names_it(tmp_path: Path) -> None:
    base = compiled(tmp_path / "libbase.so", BASE)
    source = "int base(void); int missing(void); extern int lost; int *at = &lost; int f(void) { return base() + missing(); }"
    extension = compiled(tmp_path / "ext.so", source, str(base), "-Wl,-rpath,$ORIGIN")
    found = bound(extension, base, system("libc"))
    assert {one.name for one in found.missing} == {"missing", "lost"}
    assert said_by_the_loader(extension).endswith(f"undefined symbol: {found.missing[0].name}")


@needs_compiler
def test_weak_symbols_may_be_missing(tmp_path: Path) -> None:
    source = "__attribute__((weak)) int perhaps(void); int f(void) { return perhaps ? perhaps() : 0; }"
    extension = compiled(tmp_path / "ext.so", source)
    assert bound(extension, system("libc")).missing == ()
    assert not said_by_the_loader(extension)


@needs_compiler
def test_a_version_that_a_library_lacks_is_told_before_its_symbols(tmp_path: Path) -> None:
    script = tmp_path / "map"
    script.write_text("BASE_1 { base; }; BASE_2 { data; } BASE_1;")
    base = compiled(tmp_path / "libbase.so", BASE, f"-Wl,--version-script={script}")
    extension = compiled(tmp_path / "ext.so", "extern int data; int f(void) { return data; }", str(base), "-Wl,-rpath,$ORIGIN")
    assert bound(extension, base).missing == ()
    script.write_text("BASE_1 { base; data; };")
    compiled(base, BASE, f"-Wl,--version-script={script}")
    (lacking,) = bound(extension, base).lacking
    assert said_by_the_loader(extension) == f"{lacking.library}: version `BASE_2' not found (required by {extension})"


@needs_compiler
def test_the_version_of_a_symbol_counts(tmp_path: Path) -> None:
    libc = library(system("libc"))
    assert libc.offers("memcpy")
    assert libc.offers("memcpy", "GLIBC_2.14")
    assert libc.offers("memcpy", "GLIBC_2.2.5")
    assert not libc.offers("memcpy", "GLIBC_2.17")
    wanted = library(compiled(tmp_path / "ext.so", '#include <stdio.h>\nvoid f(void) { puts(""); }')).wanted()
    assert ("puts", "libc.so.6") in {(one.name, one.library) for one in wanted}
    assert all(one.version.startswith("GLIBC_") for one in wanted)


def test_interpreters_own_modules_find_all_that_they_ask_for() -> None:
    modules = [path for path in samples.installed("*.cpython-*.so") if path.stat().st_size < samples.MIB][:12]
    if not modules or not sys.platform.startswith("linux"):
        pytest.skip("no shared modules here")
    loaded = [path for path in samples.loaded() if path.read_bytes()[:4] == b"\x7fELF" and path.stat().st_size < 64 * samples.MIB]
    scope = dict.fromkeys((Path(sys.executable).resolve(), *loaded))
    for module in modules:
        needed = library(module).needed
        if all(any(library(path).soname == name for path in scope) for name in needed):
            assert bound(module, *scope).missing == (), module


def test_a_library_that_cannot_be_read_is_named() -> None:
    file, size = samples.opened(b"\x7fELF" + bytes(8))
    data = samples.elf_with_symbol("value", b"1234")
    own, length = samples.opened(data)
    found = binding.bind(("ext.so", own, length), [("broken.so", file, size)])
    assert [path for path, _ in found.unread] == ["broken.so"]


@given(st.binary(max_size=400), st.integers(0, 2000))
def test_damage_is_refused_or_read(noise: bytes, at: int) -> None:
    data = bytearray(samples.elf_with_symbol("value", b"1234"))
    data[at : at + len(noise)] = noise
    try:
        own = symbols.Library(*samples.opened(bytes(data)))
        own.wanted()
        own.offers("value")
        own.version_needs()
    except BinaryError:
        pass


def test_steps_along_chains_are_counted() -> None:
    steps = symbols.Steps()
    steps.left = 2
    steps.take()
    steps.take()
    with pytest.raises(BinaryError, match="steps along the chains"):
        steps.take()


def test_exports_of_a_dll_by_binary_search() -> None:
    for path in samples.real_pe():
        data = path.read_bytes()
        offered = [one for one in pe_exports.exports(*samples.opened(data)) if one.name]
        own = Exports(*samples.opened(data))
        assert all(own.offers(one.name) and own.offers_ordinal(one.ordinal) for one in offered)
        assert not own.offers("no_such_export")
        assert not own.offers_ordinal(0xFFFF)


def test_names_are_hashed_as_the_loader_does_it() -> None:
    assert symbols.gnu_hash(b"printf") == 0x156B2BB8
    assert symbols.old_hash(b"printf") == 0x077905A6
    assert symbols.gnu_hash(b"") == 5381
    assert ctypes.c_uint32(symbols.gnu_hash(b"a" * 100)).value == symbols.gnu_hash(b"a" * 100)
