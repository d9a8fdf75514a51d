"""dyld simulated: on tables, and on real wheels laid out here."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.lab import foreign
from tests.lab.fixtures import have

from torchsmith.binaries import macho
from torchsmith.derive.macos_loader import Answer, Image, Loader, MacProcess, missing, simulate

SITE = "/env/lib/python3.12/site-packages"
PYTHON = "/env/bin/python3.12"
PROCESS = MacProcess(PYTHON)


def image(
    path: str, *needed: str, name: str | None = None, rpaths: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> Image:
    return Image(path, ("aarch64",), name, needed, optional, rpaths)


def only(answers: tuple[Answer, ...], name: str) -> Answer:
    (found,) = [answer for answer in answers if answer.name == name]
    return found


@pytest.mark.parametrize(
    ("name", "rpaths", "file", "path", "how"),
    [
        ("@loader_path/../lib/a.dylib", (), "/s/lib/a.dylib", "/s/lib/a.dylib", "loader_path"),
        ("@executable_path/../lib/a.dylib", (), "/env/lib/a.dylib", "/env/lib/a.dylib", "executable_path"),
        ("@rpath/a.dylib", ("/nowhere", "@loader_path"), "/s/x/a.dylib", "/s/x/a.dylib", "rpath"),
        ("@rpath/a.dylib", ("@executable_path/../lib",), "/env/lib/a.dylib", "/env/lib/a.dylib", "rpath"),
        ("@rpath/sub/a.dylib", ("/opt",), "/opt/sub/a.dylib", "/opt/sub/a.dylib", "rpath"),
        ("@rpath/a.dylib", (), "/s/x/a.dylib", "", ""),
        ("/opt/a.dylib", (), "/opt/a.dylib", "/opt/a.dylib", "path"),
        ("/opt/a.dylib", (), "/usr/local/lib/a.dylib", "/usr/local/lib/a.dylib", "fallback"),
        ("/usr/lib/libc++.1.dylib", (), "/s/y", "", "shared cache"),
        ("/System/Library/Frameworks/Metal.framework/Metal", (), "/s/y", "", "shared cache"),
        ("@rpath/libswiftCore.dylib", ("/usr/lib/swift",), "/s/y", "", "shared cache"),
        ("@rpath/liba.dylib", ("/usr/lib",), "/s/y", "", ""),
    ],
)
def test_what_a_name_means(name: str, rpaths: tuple[str, ...], file: str, path: str, how: str) -> None:
    answers = simulate(PROCESS, [image("/s/x/m.so", name, rpaths=rpaths), image(file)], ["/s/x/m.so"])
    found = only(answers, name)
    assert (found.path, found.how) == (path, how)
    assert found.needed_by == "/s/x/m.so"


def test_every_path_that_was_tried_is_told() -> None:
    (found,) = missing(simulate(PROCESS, [image("/s/m.so", "@rpath/a.dylib", rpaths=("/one", "@loader_path/two"))], ["/s/m.so"]))
    assert found.tried == ("/one/a.dylib", "/s/two/a.dylib", "/usr/local/lib/a.dylib")


def test_the_rpaths_of_those_that_loaded_it_count_too() -> None:
    images = [
        image(PYTHON, rpaths=("@executable_path/../lib",)),
        image("/s/m.so", "@loader_path/a.dylib", rpaths=("/of-m",)),
        image("/s/a.dylib", "@rpath/b.dylib", "@rpath/c.dylib", rpaths=("/of-a",)),
        image("/of-m/b.dylib"),
        image("/of-a/b.dylib"),
        image("/env/lib/c.dylib"),
    ]
    answers = simulate(PROCESS, images, ["/s/m.so"])
    assert only(answers, "@rpath/b.dylib").path == "/of-a/b.dylib"
    assert only(answers, "@rpath/c.dylib").path == "/env/lib/c.dylib"


def test_an_install_name_that_is_loaded_already_answers() -> None:
    lib = f"{SITE}/torch/lib/libc10.dylib"
    images = [
        image(lib, name="@rpath/libc10.dylib"),
        image(f"{SITE}/torchvision/_C.so", "@rpath/libc10.dylib", rpaths=("/build/lib",)),
    ]
    after = only(simulate(PROCESS, images, [lib, f"{SITE}/torchvision/_C.so"]), "@rpath/libc10.dylib")
    assert (after.path, after.how) == (lib, "install name")
    assert missing(simulate(PROCESS, images, [f"{SITE}/torchvision/_C.so"]))


def test_the_same_file_is_loaded_once() -> None:
    images = [image("/s/a.so", "@loader_path/z.dylib"), image("/s/b.so", "/s/z.dylib"), image("/s/z.dylib")]
    answers = simulate(PROCESS, images, ["/s/a.so", "/s/b.so"])
    assert [answer.how for answer in answers] == ["loader_path", "loaded"]


def test_optional_libraries_may_be_missing() -> None:
    loader = Loader([image("/s/m.so", optional=("/opt/gone.dylib",))], PROCESS)
    assert loader.open("/s/m.so")
    assert missing(tuple(loader.answers)) == ()
    assert loader.answers[0].optional


def test_a_failed_load_leaves_nothing_behind() -> None:
    images = [
        image("/s/m.so", "@loader_path/a.dylib", "/opt/gone.dylib"),
        image("/s/a.dylib", name="@rpath/a.dylib"),
        image("/s/n.so", "@rpath/a.dylib"),
    ]
    loader = Loader(images, PROCESS)
    assert not loader.open("/s/m.so")
    assert not loader.open("/s/n.so")


def test_library_path_comes_first_where_it_counts() -> None:
    images = [image("/s/m.so", "@loader_path/a.dylib"), image("/s/a.dylib"), image("/trap/a.dylib")]
    plain = simulate(PROCESS, images, ["/s/m.so"])[0]
    trapped = simulate(MacProcess(PYTHON, library_path=("/trap",)), images, ["/s/m.so"])[0]
    assert (plain.path, trapped.path, trapped.how) == ("/s/a.dylib", "/trap/a.dylib", "DYLD_LIBRARY_PATH")


def test_files_for_another_processor_are_passed_over_or_told() -> None:
    asker = image("/s/m.so", "@rpath/a.dylib", rpaths=("/intel", "/both"))
    intel, both = Image("/intel/a.dylib", ("x86_64",)), Image("/both/a.dylib", ("x86_64", "aarch64"))
    assert simulate(PROCESS, [asker, intel, both], ["/s/m.so"])[0].path == "/both/a.dylib"
    (found,) = missing(simulate(PROCESS, [asker, intel], ["/s/m.so"]))
    assert (found.path, found.fault) == ("/intel/a.dylib", "it is for x86_64, the process is aarch64")


def test_circles_end() -> None:
    images = [image("/s/a.dylib", "@loader_path/b.dylib"), image("/s/b.dylib", "@loader_path/a.dylib")]
    assert [answer.path for answer in simulate(PROCESS, images, ["/s/a.dylib"])] == ["/s/b.dylib", "/s/a.dylib"]


def test_a_program_that_is_not_known() -> None:
    images = [image("/s/m.so", "@executable_path/a.dylib"), image("/a.dylib")]
    assert not simulate(MacProcess(), images, ["/s/m.so"])[0].found


def described(root: Path) -> list[Image]:
    """Every image below a folder, as a Mac that has it in SITE would."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.suffix in {".so", ".dylib"}:
            size = path.stat().st_size
            with path.open("rb", buffering=0) as file:
                ours, images = macho.read(file, size), macho.slices(file, size)
            needed = tuple(d.name for d in ours.dylibs if d.how not in macho.OPTIONAL)
            optional = tuple(d.name for d in ours.dylibs if d.how in macho.OPTIONAL)
            place = f"{SITE}/{path.relative_to(root).as_posix()}"
            found.append(Image(place, tuple(i.machine for i in images), ours.name, needed, optional, ours.rpaths))
    return found


@pytest.mark.online
def test_mended_wheels_find_all_they_need_and_torchvision_needs_torch() -> None:
    images = described(have(foreign.mac))
    lost: dict[str, set[str]] = {}
    for module in (found.path for found in images if found.path.endswith(".so")):
        for answer in missing(simulate(PROCESS, images, [module])):
            lost.setdefault(answer.needed_by.removeprefix(f"{SITE}/").partition("/")[0], set()).add(answer.name)
    assert set(lost) == {"torchvision"}
    assert lost["torchvision"] <= {f"@rpath/lib{name}.dylib" for name in ("c10", "torch", "torch_cpu", "torch_python")}


@pytest.mark.online
def test_a_library_that_was_removed_is_named_with_who_needs_it() -> None:
    images = described(have(foreign.mac))
    gone = next(found.path for found in images if "/PIL/.dylibs/libtiff" in found.path)
    module = next(found.path for found in images if "/PIL/_imaging." in found.path)
    (answer,) = missing(simulate(PROCESS, [found for found in images if found.path != gone], [module]))
    assert answer.name.rpartition("/")[2] == gone.rpartition("/")[2]
    assert answer.needed_by == module
    assert gone in answer.tried
