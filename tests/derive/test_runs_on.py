"""Which GPUs a binary serves: NVIDIA's rules for one container, and one judgement over all of them.

The kernel groups below were read from the libraries that they are named after.
"""

from __future__ import annotations

import pytest
from tests.lab.environments import Environment

from torchsmith.binaries import elf, fatbin
from torchsmith.derive.gpu_coverage import coverage
from torchsmith.derive.runs_on import runs_on
from torchsmith.model.facts.gpu import Device
from torchsmith.model.gpu_code import GpuCode, Group
from torchsmith.model.inspection import RunsOn


def group(sass: str, ptx: str = "", count: int = 1, *, stub: bool = False) -> Group:
    return Group(tuple(f"sm_{arch}" for arch in sass.split()), tuple(f"compute_{arch}" for arch in ptx.split()), count, stub)


def code(*groups: Group, ptx_isa: str | None = None) -> GpuCode:
    return GpuCode((), (), (), groups, sum(one.count for one in groups), ptx_isa, ())


def judged(held: GpuCode | None, sm: int, driver: str | None = None, cuda: str | None = None) -> RunsOn:
    answer = runs_on(held, Device(0, "a GPU", sm), driver, cuda=cuda)
    assert answer
    assert answer.total == answer.native + answer.jit + answer.none
    return answer


TORCH_215 = code(group("75 80 86 90 100 120", count=414), group("75 80 86 90 100 100a 103f 120", count=62))
TORCH_ODD = code(group("50 60 70 80 90", count=328), group("50 60 70 80 90 120"))
BITSANDBYTES = code(group("75 80 86 89 90", "90", 6), group("75 80 86 89 90"), ptx_isa="7.8")
CUBLASLT_13 = code(
    group("90a 120f", count=868),
    group("100", count=780, stub=True),
    group("90a", count=273),
    group("80 89 90a 120f", count=225),
    group("100 120", "120", 176),
    group("80 90 100 120", count=81),
    group("75 80 86 90 100 120", count=160),
    ptx_isa="9.0",
)
CUSPARSELT_08 = code(
    group("120", count=66, stub=True),
    group("100 103", count=56),
    group("90a", count=48),
    group("80 86 87 89 90a 120f", "80", 23),
    group("80 87 90a", "80", 14),
    group("75 80 86 89 90 100 120", "75"),
    ptx_isa="9.0",
)
CUDNN_8_CONVOLUTIONS = code(
    group("50 60 61 70 75 80 86 90", count=432),
    group("90", count=89),
    group("50 60 61 70 75 80 86 90", "90", 77),
    group("80 90", count=40),
    group("70", count=39),
    group("75", count=37),
    group("80 86", count=23),
    ptx_isa="8.1",
)
FLASH_ATTENTION_3 = code(group("80", count=123), group("90a", count=336))


@pytest.mark.parametrize(
    ("sass", "ptx", "sm", "how"),
    [
        ("80", "", 80, "native"),
        ("80", "", 86, "native"),
        ("86", "", 80, "no"),
        ("80", "", 90, "no"),
        ("80", "", 87, "no"),  # Tegra: not with the code of servers, before CUDA 13.2
        ("90a", "", 90, "native"),
        ("90a", "", 100, "no"),
        ("100f", "", 103, "native"),
        ("100a", "", 103, "no"),
        ("120f", "", 121, "native"),
        ("100f", "", 120, "no"),
        ("", "75", 120, "jit"),
        ("", "90", 75, "no"),
        ("", "90a", 100, "no"),
        ("", "100f", 103, "jit"),
        ("80", "80", 120, "jit"),
        ("80", "80", 86, "native"),
        ("110", "", 101, "native"),
    ],
)
def test_one_container(sass: str, ptx: str, sm: int, how: str) -> None:
    assert judged(code(group(sass, ptx)), sm).how == how


def test_code_of_cuda_13_2_runs_on_tegra_too() -> None:
    assert judged(code(group("80")), 87, cuda="13.2").how == "native"
    assert judged(code(group("80", "120"), ptx_isa="9.2"), 87).how == "native"
    assert judged(code(group("80", "120"), ptx_isa="9.1"), 87).how == "no"


def test_all_of_torch() -> None:
    found = judged(TORCH_215, 120)
    assert (found.how, found.why) == ("native", "476 of 476 kernel groups have code for 12.0")
    assert (found.gpu, found.compute_capability, found.ptx_driver) == ("a GPU", "12.0", "")
    found = judged(TORCH_215, 70)
    assert (found.how, found.none, found.why) == ("no", 476, "none of 476 kernel groups has code for 7.0")


def test_one_kernel_group_for_a_gpu_is_not_support() -> None:
    found = judged(TORCH_ODD, 120)
    assert (found.how, found.why) == ("no", "only 1 of 329 kernel groups has code for 12.0")


def test_what_must_be_compiled_and_what_cannot() -> None:
    found = judged(BITSANDBYTES, 120)
    assert (found.how, found.total, found.native, found.jit, found.none) == ("jit", 7, 0, 6, 1)
    assert found.ptx_driver == "11.8"
    assert found.why == (
        "6 of 7 kernel groups are compiled for 12.0 when first used, by a driver for CUDA 11.8 or newer; "
        "one of 7 kernel groups cannot be compiled for 12.0"
    )


@pytest.mark.parametrize(
    ("isa", "driver", "how", "needs"),
    [
        ("8.8", "12.9", "jit", "12.9"),
        ("8.8", "13.0", "jit", "12.9"),
        ("8.8", "12.8", "no", "12.9"),
        ("8.8", None, "jit", "12.9"),
        ("7.8", "12.4", "jit", "11.8"),
        ("9.0", "12.9", "no", "13.0"),
        ("8.5", "12.5", "jit", "12.5"),
        ("6.4", "11.0", "jit", "10.2"),
        ("99.9", "13.0", "jit", ""),
    ],
)
def test_the_driver_that_ptx_needs(isa: str, driver: str | None, how: str, needs: str) -> None:
    found = judged(code(group("80", "80", 5), ptx_isa=isa), 120, driver)
    assert (found.how, found.ptx_driver) == (how, needs)
    if how == "no":
        assert found.why == f"the PTX needs a driver for CUDA {needs} or newer; this one supports CUDA {driver}"
        assert found.none == 5


def test_an_old_driver_matters_only_to_what_is_compiled() -> None:
    mixed = code(group("80 120", "120", 9), group("80", "80", 2), ptx_isa="9.0")
    found = judged(mixed, 120, "12.8")
    assert (found.how, found.native, found.jit, found.none) == ("native", 9, 0, 2)
    assert found.why == "9 of 11 kernel groups have code for 12.0; the PTX of 2 more needs a driver for CUDA 13.0 or newer"
    # Nothing of the newest driver would help this GPU: the driver is not to blame.
    assert judged(mixed, 75, "12.8").why == "none of 11 kernel groups has code for 7.5"


@pytest.mark.parametrize(
    ("held", "served", "not_served"),
    [
        (CUBLASLT_13, (75, 80, 86, 89, 90, 100, 103, 120, 121), (70, 110)),
        (CUSPARSELT_08, (80, 86, 87, 89, 90, 100, 103, 120), (70, 75)),
        (CUDNN_8_CONVOLUTIONS, (50, 61, 70, 75, 80, 86, 89, 90), (37,)),
        (FLASH_ATTENTION_3, (80, 86, 89, 90), (75, 100, 120)),
        (TORCH_215, (75, 80, 86, 89, 90, 100, 103, 120, 121), (61, 70, 110)),
        (TORCH_ODD, (50, 52, 60, 61, 70, 75, 80, 86, 89, 90), (35, 100, 120)),
    ],
)
def test_libraries_that_specialise_are_judged_by_what_is_for_the_gpu(
    held: GpuCode, served: tuple[int, ...], not_served: tuple[int, ...]
) -> None:
    assert [sm for sm in (*served, *not_served) if judged(held, sm, "11.0").how == "native"] == list(served)
    assert [sm for sm in not_served if judged(held, sm, "11.0").how != "no"] == []


def test_code_without_kernels_has_no_answer() -> None:
    """A library of a device link's stub alone, one of LTO code alone, one without any."""
    for held in (code(group("75", stub=True)), code(group("", count=9)), code(), None):
        assert runs_on(held, Device(0, "a GPU", 120), None) is None
    assert runs_on(TORCH_215, Device(0, "a GPU", None), None) is None


def test_hidden_code_decides_where_the_known_sections_have_no_kernel() -> None:
    """CuFFT 12 has one stub for 7.5 in .nv_fatbin and all its kernels in .ldata."""
    stub = code(group("75", stub=True))
    hidden = ((".ldata", code(group("", "75", 7189), group("120", count=420), group("", count=12728), ptx_isa="7.8")),)
    found = runs_on(stub, Device(0, "a GPU", 120), "12.8", hidden)
    assert found
    assert (found.how, found.native, found.jit, found.total) == ("native", 420, 7189, 7609)
    # torch 2.15 hides kernels for 9.0 and 10.0 alone: they take nothing from the GPUs that they are not for.
    found = runs_on(TORCH_215, Device(0, "a GPU", 86), None, ((".lrodata", code(group("90", count=29), group("100", count=29))),))
    assert found
    assert (found.how, found.total) == ("native", 476)


def test_a_gpu_without_a_name_is_told_by_its_number() -> None:
    found = runs_on(TORCH_215, Device(3, None, 90), None)
    assert found
    assert found.gpu == "GPU 3"


@pytest.mark.parametrize("held", [TORCH_215, TORCH_ODD, BITSANDBYTES])
@pytest.mark.parametrize("sm", [50, 70, 75, 86, 87, 90, 100, 110, 120, 121])
def test_check_and_inspect_count_the_same(held: GpuCode, sm: int) -> None:
    told, counted = judged(held, sm), coverage(Device(0, "a GPU", sm), sm, held.groups, None)
    assert (told.how, told.total, told.native, told.jit) == (counted.how, counted.total, counted.native, counted.jit)


@pytest.mark.online
@pytest.mark.slow
def test_the_libraries_of_a_real_environment(cuda_environment: Environment) -> None:
    """Every CUDA 13 library of NVIDIA's serves the GPUs that its release notes name, and none that they dropped."""
    judgements = {}
    for path in cuda_environment.find("nvidia/**/*.so*"):
        size = path.stat().st_size
        with path.open("rb", buffering=0) as file:
            if file.read(4) != b"\x7fELF":
                continue
            sections = elf.read(file, size).sections
            held = fatbin.scan(file, size, sections)
            elsewhere = fatbin.elsewhere(file, size, sections) if "cufft" in path.name else ()
        for sm in (70, 75, 86, 90, 100, 120):
            answer = runs_on(held, Device(0, "a GPU", sm), "13.0", elsewhere)
            if answer:
                judgements[path.name, sm] = answer.how
    libraries = {name for name, _ in judgements}
    assert {"libcublasLt.so.13", "libcufft.so.12", "libcudnn_engines_precompiled.so.9", "libcusparseLt.so.0"} <= libraries
    assert "libcufftw.so.12" not in libraries
    assert {key for key, how in judgements.items() if how != "no" and key[1] == 70} == set()
    missing = {key for key, how in judgements.items() if how == "no" and key[1] != 70}
    assert missing == {("libcusparseLt.so.0", 75)}  # it needs 8.0
