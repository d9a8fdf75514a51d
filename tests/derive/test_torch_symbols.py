import zlib

import pytest

from torchsmith.derive import torch_symbols
from torchsmith.knowledge import torch_symbols as table
from torchsmith.model.binding import Binding, LackingVersion, Unanswered
from torchsmith.model.inspection import Need
from torchsmith.model.mangled import readable

OLD_CHECK = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
NEW_CHECK = "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
KERNEL = "_ZN2at6native7nothingEv"


def binding(*missing: str, lacking: tuple[LackingVersion, ...] = (), unread: tuple[tuple[str, str], ...] = ()) -> Binding:
    return Binding("/site/own/_C.so", 40, tuple(Unanswered(name) for name in missing), lacking, unread)


def test_an_extension_that_finds_everything_is_no_matter() -> None:
    assert torch_symbols.judge(binding(), "2.14.1+cu130") is None


def test_the_torch_that_it_was_built_for_is_named() -> None:
    found = torch_symbols.judge(binding(OLD_CHECK), "2.14.1+cu130")
    assert found
    assert found.message == f"ImportError: /site/own/_C.so: undefined symbol: {OLD_CHECK}"
    assert found.releases[0] == "1.13.1"
    assert found.releases[-1] == "2.6.0"
    assert "torch 2.14.1+cu130 lacks c10::detail::torchCheckFail, which torch 1.13 to 2.6 export" in found.why


def test_another_cxx_abi_is_said() -> None:
    found = torch_symbols.judge(binding(NEW_CHECK), "2.6.0+cu124", cxx11=True, torch_cxx11=False)
    assert found
    assert "different C++ ABIs" in found.why
    assert "2.7" in found.why


def test_the_installed_release_is_never_the_remedy() -> None:
    found = torch_symbols.judge(binding(OLD_CHECK), "2.6.0+cpu")
    assert found
    assert "2.6.0" not in found.releases


def test_symbols_of_no_common_release() -> None:
    found = torch_symbols.judge(binding(OLD_CHECK, NEW_CHECK), "2.14.1")
    assert found
    assert found.releases == ()
    assert "no single release has all of it" in found.why


@pytest.mark.parametrize(("installed", "words"), [("2.14.1", "no release from 1.13.1 to"), ("99.0.0", "built for a newer one")])
def test_a_symbol_that_no_release_has(installed: str, words: str) -> None:
    found = torch_symbols.judge(binding("_ZN3c1014never_existedEv"), installed)
    assert found
    assert words in found.why


def test_where_the_scope_is_not_whole_only_torchs_own_count() -> None:
    names = ("strange", OLD_CHECK, KERNEL)
    whole = torch_symbols.judge(binding(*names), "2.14.1")
    partial = torch_symbols.judge(binding(*names), "2.14.1", whole=False)
    unread = torch_symbols.judge(binding(*names, unread=(("libx.so", "cut"),)), "2.14.1")
    assert whole
    assert partial
    assert whole.missing == names
    assert partial.missing == (OLD_CHECK, KERNEL)
    assert unread == partial
    assert torch_symbols.judge(binding("strange"), "2.14.1", whole=False) is None


def test_a_lacking_version_is_said_first() -> None:
    lacking = LackingVersion("GLIBCXX_3.4.32", "/lib/x86_64-linux-gnu/libstdc++.so.6")
    found = torch_symbols.judge(binding(OLD_CHECK, lacking=(lacking,)), "2.14.1")
    assert found
    assert found.message == (
        "ImportError: /lib/x86_64-linux-gnu/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by /site/own/_C.so)"
    )


def test_names_of_python_are_not_torchs_fault() -> None:
    found = torch_symbols.judge(binding("_PyGen_Send", "PyUnicode_GET_SIZE"), "2.14.1")
    assert found
    assert "this Python" in found.why
    assert found.releases == ()


def test_windows_names_no_symbol() -> None:
    missing = Unanswered("?raise@Warn@c10@@YAXXZ", "", "c10.dll")
    found = torch_symbols.judge(Binding("C:\\site\\own\\_C.pyd", 40, (missing,)), "2.8.0", whole=False)
    assert found
    assert found.message == "ImportError: DLL load failed while importing _C: The specified procedure could not be found."
    assert found.readable == ("c10::Warn::raise",)


def test_the_scope_is_all_that_the_loader_comes_to() -> None:
    needs = {
        "/own.so": (Need("libtorch.so", "/t/libtorch.so"), Need("libx.so"), Need("libnvrtc.so", "/n/libnvrtc.so", optional=True)),
        "/t/libtorch.so": (Need("libc10.so", "", after_torch="/t/libc10.so"), Need("libtorch.so", "/t/libtorch.so")),
        "/t/libc10.so": (Need("own", "/own.so"),),
    }
    assert torch_symbols.scope("/own.so", needs, ("/bin/python",)) == ("/bin/python", "/t/libtorch.so", "/t/libc10.so")


@pytest.mark.parametrize(
    ("needed", "told"),
    [
        (("libc.so.6", "libtorch_cpu.so"), True),
        (("libc10.so",), True),
        (("libc10_cuda.so",), True),
        (("KERNEL32.dll", "TORCH_PYTHON.dll"), True),
        (("libtorchaudio.so", "libc.so.6"), False),
        ((), False),
    ],
)
def test_who_needs_torch(needed: tuple[str, ...], told: bool) -> None:
    assert torch_symbols.uses_torch(needed) is told


def test_releases_are_said_as_ranges() -> None:
    known = ("2.3.1", "2.4.1", "2.5.1", "2.6.0")
    assert torch_symbols.ranges(("2.3.1", "2.4.1", "2.6.0"), known) == "2.3 to 2.4 and 2.6"
    assert torch_symbols.ranges(known, known) == "2.3 to 2.6"
    assert torch_symbols.ranges((), known) == ""


# ---- the table


def test_the_table_knows_what_changed_and_nothing_else() -> None:
    symbols = table.load()
    assert symbols.exporters(NEW_CHECK)[0] == "2.7.1"
    assert symbols.exporters("_ZNK2at6Tensor4sizeEv") == ()
    assert symbols.exporters("aoti_torch_get_dtype")[0] == "2.3.1"
    assert list(symbols.releases) == sorted(symbols.releases, key=lambda release: [int(part) for part in release.split(".")])
    whole = (1 << len(symbols.releases)) - 1
    assert all(0 < held < whole for held in symbols.rows.values())


def test_the_table_is_written_as_it_is_read() -> None:
    rows = {7: 1, 3: 5}
    packed = table.packed(("1.0", "2.0", "3.0"), rows)
    assert zlib.decompress(packed).startswith(b"1.0 2.0 3.0\n")
    symbols = table.load()
    backwards = dict(sorted(symbols.rows.items(), reverse=True))
    assert table.packed(symbols.releases, symbols.rows) == table.packed(symbols.releases, backwards)


@pytest.mark.parametrize(
    ("name", "covered"),
    [
        (OLD_CHECK, True),
        ("_ZTVN5torch8autograd4NodeE", True),
        ("_ZThn16_N5torch8autograd4NodeD1Ev", True),
        ("_ZNK3c1010TensorImpl4implEv", True),
        ("aoti_torch_empty_strided", True),
        ("THPVariable_Wrap", True),
        (KERNEL, False),
        ("_ZNSt6vectorIN2at6TensorESaIS1_EED1Ev", False),
        ("_ZN3c10", False),
        ("printf", False),
    ],
)
def test_what_the_table_covers(name: str, covered: bool) -> None:
    assert table.covers(name) is covered


# ---- names for people


@pytest.mark.parametrize(
    ("mangled", "words"),
    [
        (OLD_CHECK, "c10::detail::torchCheckFail"),
        ("_ZNK5torch8autograd4Node4nameEv", "torch::autograd::Node::name"),
        ("_ZN3c105ErrorC1ENS_14SourceLocationESs", "c10::Error::Error"),
        ("_ZN3c105ErrorD2Ev", "c10::Error::~Error"),
        ("_ZTVN5torch8autograd4NodeE", "vtable for torch::autograd::Node"),
        ("_ZNSt6vectorIiSaIiEED1Ev", "std::vector<...>"),
        ("_ZN12_GLOBAL__N_13fooEv", "(anonymous namespace)::foo"),
        ("_ZSt4cout", "std::cout"),
        ("_Z3fooi", "foo"),
        ("_ZN3c1010TensorImplB5cxx114nameEv", "c10::TensorImpl::name"),
        ("printf", "printf"),
        ("_Z", "_Z"),
        ("?raise@c10@@YAXXZ", "c10::raise"),
        ("??0Error@c10@@QEAA@XZ", "c10::Error::Error"),
        ("?", "?"),
    ],
)
def test_names_for_people(mangled: str, words: str) -> None:
    assert readable(mangled) == words
