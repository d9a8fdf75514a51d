"""What torch's own files say, in the forms that they had over the years."""

import pytest

from tests.binaries import samples
from torchsmith.binaries.errors import BinaryError
from torchsmith.binaries.torch_build import TorchVersion, arch_list, cuda_config, version_py

GIT = "39901f229520a5256505ec24782f716ee7ddc843"

VERSIONS = {
    "1.7": (
        f"__version__ = '1.7.0+cu110'\ndebug = False\ncuda = '11.0'\ngit_version = '{GIT}'\nhip = None\n",
        TorchVersion("1.7.0+cu110", "cu110", "11.0", None, None, None, GIT, debug=False),
    ),
    "2.2": (
        (
            "from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda', 'git_version', 'hip']\n"
            f"__version__ = '2.2.2+cu121'\ndebug = False\ncuda: Optional[str] = '12.1'\ngit_version = '{GIT}'\n"
            "hip: Optional[str] = None\n"
        ),
        TorchVersion("2.2.2+cu121", "cu121", "12.1", None, None, None, GIT, debug=False),
    ),
    "cpu": (
        (
            f"__version__ = '2.13.0+cpu'\ndebug = False\ncuda: Optional[str] = None\ngit_version = '{GIT}'\n"
            "hip: Optional[str] = None\nrocm: Optional[str] = None\nxpu: Optional[str] = None\n"
        ),
        TorchVersion("2.13.0+cpu", "cpu", None, None, None, None, GIT, debug=False),
    ),
    "rocm": (
        "__version__ = '2.9.0+rocm6.4'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.4.43482-0f2d60242'\n",
        TorchVersion("2.9.0+rocm6.4", "rocm6.4", None, "6.4.43482-0f2d60242", None, None, None, debug=False),
    ),
    "windows line ends, double quotes, a debug build": (
        '__version__ = "2.4.0a0+git1234567"\r\ndebug = True\r\ncuda: Optional[str] = "12.4"\r\n',
        TorchVersion("2.4.0a0+git1234567", "git1234567", "12.4", None, None, None, None, debug=True),
    ),
}


@pytest.mark.parametrize("name", VERSIONS)
def test_version_py(name: str) -> None:
    text, expected = VERSIONS[name]
    assert version_py(text) == expected


@pytest.mark.parametrize("text", ["", "cuda = '12.1'", "__version__ = None", "__version__ = ''", "\0\0\0", "x" * 100_000])
def test_a_text_without_a_version_is_refused(text: str) -> None:
    with pytest.raises(BinaryError, match="names no version"):
        version_py(text)


def test_version_py_is_not_run() -> None:
    assert version_py("__version__ = '1.0'\nraise SystemExit(1)\n").version == "1.0"


CONFIG = """#pragma once
#define AT_CUDNN_ENABLED() 1
#define AT_CUSPARSELT_ENABLED() 1
#define AT_ROCM_ENABLED() 0
#define AT_MAGMA_ENABLED() 0

// Needed for hipMAGMA to correctly identify implementation
#if (AT_ROCM_ENABLED() && AT_MAGMA_ENABLED())
#define HAVE_HIP 1
#endif

#define NVCC_FLAGS_EXTRA "@"
"""


@pytest.mark.parametrize(
    ("flags", "sass", "ptx"),
    [
        ("-gencode;arch=compute_75,code=sm_75;-gencode;arch=compute_120,code=sm_120", ("sm_75", "sm_120"), ()),
        ("-gencode;arch=compute_90,code=sm_90;-gencode;arch=compute_90,code=compute_90", ("sm_90",), ("compute_90",)),
        ("-gencode;arch=compute_90a,code=[sm_90a,compute_90a]", ("sm_90a",), ("compute_90a",)),
        ("-gencode arch=compute_100f,code=sm_100f", ("sm_100f",), ()),
        ("", (), ()),
    ],
)
def test_cuda_config(flags: str, sass: tuple[str, ...], ptx: tuple[str, ...]) -> None:
    found = cuda_config(CONFIG.replace("@", flags))
    assert (found.nvcc_flags, found.sass, found.ptx) == (flags, sass, ptx)
    assert (found.cudnn, found.cusparselt, found.magma, found.rocm) == (True, True, False, False)


def test_what_cuda_config_does_not_say_is_not_made_up() -> None:
    found = cuda_config("#pragma once\n")
    assert (found.nvcc_flags, found.sass, found.cudnn, found.rocm) == (None, (), None, None)


@pytest.mark.parametrize(
    ("constants", "expected"),
    [
        (b"\0sm_75 sm_80 sm_90a compute_90\0", ("sm_75", "sm_80", "sm_90a", "compute_90")),
        (b"\0sm_90\0other\0sm_75 sm_80\0", ("sm_75", "sm_80")),
        (b"sm_120\0", ("sm_120",)),
        (b"\0is sm_75 or newer\0", None),
        (b"\0sm_75 sm_80", None),
        (bytes((1 << 20) - 9) + b"sm_75 sm_80\0", ("sm_75", "sm_80")),
        (b"", None),
    ],
)
def test_arch_list(constants: bytes, expected: tuple[str, ...] | None) -> None:
    assert arch_list(*samples.opened(samples.elf([(".rodata", constants)]))) == expected
    assert arch_list(*samples.opened(samples.pe([(".rdata", constants)]))) == expected
