"""What whole Windows and macOS environments are given: tables; real ones are in ``test_inspect_foreign``."""

from __future__ import annotations

from torchsmith.derive.macos_loader import Image, MacProcess
from torchsmith.derive.macos_needs import MacSite, macos_needs
from torchsmith.derive.windows_loader import Pool
from torchsmith.derive.windows_needs import WindowsSite, commonest_machine, windows_needs
from torchsmith.model.library_needs import LibraryNeeds
from torchsmith.model.windows_process import Added, Dll, WindowsProcess

SITE = "C:/py/Lib/site-packages"
LIB = f"{SITE}/torch/lib"


def windows(*dlls: Dll, site: WindowsSite | None = None) -> LibraryNeeds:
    return windows_needs(site or WindowsSite(WindowsProcess(program="C:/py")), Pool(dlls), {dll.path: dll.path for dll in dlls})


def dll(path: str, *needed: str, later: tuple[str, ...] = ()) -> Dll:
    return Dll(path, "x86_64", needed, later)


TORCH = WindowsSite(WindowsProcess(program="C:/py"), torch=f"{SITE}/torch", torch_added=(LIB,))


def test_what_torch_loaded_answers_others() -> None:
    """A library that fails alone and not after torch is no fault of torch's."""
    found = windows(dll(f"{LIB}/cudart64_12.dll"), dll(f"{SITE}/b/b.dll", "cudart64_12.dll"), site=TORCH)
    (need,) = found.of(f"{SITE}/b/b.dll").needs  # type: ignore[union-attr]
    assert (need.found, need.after_torch) == ("", f"{LIB}/cudart64_12.dll")
    assert found.missing[0].after_torch == f"{LIB}/cudart64_12.dll"
    assert not found.torch_fails


def test_what_keeps_torch_from_being_imported() -> None:
    found = windows(dll(f"{LIB}/torch_cpu.dll", "gone.dll"), dll(f"{SITE}/x/x.pyd", "torch_cpu.dll"), site=TORCH)
    assert found.torch_fails == ("gone.dll",)
    (lost,) = found.missing
    assert set(lost.stops) == {f"{LIB}/torch_cpu.dll", f"{SITE}/x/x.pyd"}
    assert lost.needed_by == (f"{LIB}/torch_cpu.dll",)


def test_delay_loads_are_optional() -> None:
    found = windows(dll(f"{SITE}/x.pyd", later=("late.dll",)))
    assert [(need.name, need.found, need.optional) for need in found.objects[0].needs] == [("late.dll", "", True)]
    assert found.missing[0].later


def test_a_package_adds_for_itself() -> None:
    site = WindowsSite(WindowsProcess(), own=((f"{SITE}/a", Added(f"{SITE}/a/deps", "a")),))
    found = windows(dll(f"{SITE}/a/deps/d.dll"), dll(f"{SITE}/a/sub/x.pyd", "d.dll"), dll(f"{SITE}/ab/y.pyd", "d.dll"), site=site)
    assert [one.needs[0].how for one in found.objects[1:]] == ["added by a", ""]


def test_of_a_redistributable_the_newest_counts() -> None:
    found = windows(dll(f"{SITE}/x.pyd", "MSVCP140.dll", "VCRUNTIME140_THREADS.dll"), dll(f"{SITE}/y.pyd", "MSVCP140.dll"))
    (condition,) = found.conditions
    assert (condition.by, condition.since) == ("Visual C++ redistributable", "14.38")
    assert condition.names == ("msvcp140.dll", "vcruntime140_threads.dll")
    assert set(condition.needed_by) == {f"{SITE}/x.pyd", f"{SITE}/y.pyd"}


def test_another_module_answers_where_it_was_imported_before() -> None:
    found = windows(dll(f"{SITE}/a/x.pyd", "y.pyd"), dll(f"{SITE}/b/y.pyd"))
    assert found.missing[0].later
    assert found.missing[0].elsewhere == (f"{SITE}/b/y.pyd",)


def test_the_processor_of_most() -> None:
    assert commonest_machine(["x86", "arm64x", "aarch64"]) == "aarch64"
    assert commonest_machine([]) == "x86_64"


def mac(*images: Image, site: MacSite) -> tuple[LibraryNeeds, frozenset[str]]:
    return macos_needs(site, {image.path: image for image in images}, {image.path: image.path for image in images})


def test_an_install_name_that_torch_loaded() -> None:
    lib = Image("/s/torch/lib/libc10.dylib", name="@rpath/libc10.dylib")
    core = Image("/s/torch/_C.so", needed=("@loader_path/lib/libc10.dylib",))
    own, other = Image("/s/v/_C.so", needed=("@rpath/libc10.dylib",)), Image("/s/w/w.so", needed=("@rpath/gone.dylib",))
    found, tried = mac(lib, core, own, other, site=MacSite(MacProcess(), ("/s/torch/_C.so",), "/s/torch"))
    assert [(one.needs[0].found, one.needs[0].how) for one in found.objects[1:3]] == [
        (lib.path, "@loader_path"),
        (lib.path, "loaded"),
    ]
    assert [(lost.name, lost.needed_by) for lost in found.missing] == [("@rpath/gone.dylib", ("/s/w/w.so",))]
    assert tried == {"/usr/local/lib/gone.dylib"}


def test_what_asks_for_too_much_is_told_and_not_followed() -> None:
    names = [f"d{number}.dll" for number in range(4000)]
    hostile = [dll(f"{SITE}/{name}", *names) for name in names[:20]]
    found = windows(*hostile)
    assert (found.objects, found.skipped) == ((), 20)
    images = [Image(one.path, needed=one.needed) for one in hostile]
    assert mac(*images, site=MacSite(MacProcess()))[0].skipped == 20
