"""A DLL or an extension module that Windows does not load: by its name and the error's number, or its words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from torchsmith.engine.declare import reading
from torchsmith.model.complaint import Complaint, Pointer, Seen
from torchsmith.rules.readings.asker import asker, torch_version

# Windows' own words for its error numbers, in the languages that reports come in
_NUMBERS = (
    ("126", r"specified module could not be found|找不到指定的模块|找不到指定的模組|angegebene Modul|module sp\S{1,3}cifi"),
    (
        "126",
        r"m\S{1,2}dulo especificad|Не найден указанный модуль|モジュールが見つかりません|지정된 모듈을 찾을 수",
    ),
    ("127", r"specified procedure could not be found|找不到指定的程序|angegebene Prozedur|proc\S{1,2}dure sp\S{1,3}cifi"),
    ("127", r"proced\w{5,8} especificado|Не найдена указанная процедура|指定されたプロシージャが見つかりません"),
    ("1114", r"initialization routine failed|初始化例程失败|Initialisierungsroutine|routine d.initialisation|инициализации"),
    ("1455", r"paging file is too small|页面文件太小|頁面檔太小|Auslagerungsdatei|файл подкачки|ページング|페이징"),
    # In every language it names Win32.
    ("193", r"not a valid Win32 application|%1.{0,40}Win32|Win32.{0,40}%1"),
    ("182", r"system cannot run %1|无法运行|kann %1 nicht ausf\S{1,3}hren|no puede ejecutar %1|ex\S{1,3}cuter %1"),
)
_EXTENSION = re.compile(
    r"^_C$|^_ext$|flash_attn|_cuda$|_C\b|causal_conv1d|selective_scan|exllama|awq|gptq|torch_(?:scatter|sparse|cluster)|pytorch3d|mmcv"
    r"|detectron2|nvdiffrast|diffoctreerast|custom_rasterizer|sageattention|spconv|cumm|tinycudann|natten|gsplat|simple_knn",
    re.IGNORECASE,
)


@reading("torch-dll-error", "windows-error-alone")
def causes(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """By the DLL, then by the number."""
    library = (complaint.captured.get("library") or complaint.captured.get("asked") or "").replace("\\\\", "\\")
    name = re.split(r"[\\/]", library)[-1].lower()
    code = complaint.captured.get("code", "") or _number(complaint.text)
    if code == "1455":
        yield Pointer("windows-pagefile-too-small", 0.95)
    elif code == "193":
        yield Pointer("python-32bit", 0.4)
        yield Pointer("torch-install-incomplete", 0.4)
    elif code == "206":
        yield Pointer("windows-long-path", 0.8)
    elif re.search(r"torchvision|torchaudio", library) or (not library and asker(complaint, seen).kind == "companion"):
        yield Pointer("torchvision-mismatch", 0.8)
        yield Pointer("msvc-redist-missing", 0.15)
    elif name == "fbgemm.dll":
        yield from _fbgemm(code, seen)
    elif name.startswith("cudnn") or re.match(
        r"(?:cu(?:blas|fft|sparse|solver|rand|dart|pti)|nvrtc|nvjitlink|nvtoolsext|cupti)", name
    ):
        yield from _cuda_dll(name, code, seen)
    elif re.search(r"[\\/]torch[\\/]lib", library) or re.match(r"(?:torch|c10|shm|asmjit|caffe2|uv|libiomp|aoti)", name):
        yield from _torch_dll(name, code, seen)
    elif library:
        yield Pointer("extension-cuda-major-mismatch" if code == "126" else "extension-abi-mismatch", 0.45)
        yield Pointer("msvc-redist-missing", 0.35)
        yield Pointer("conflicting-dll-on-path", 0.25)
    else:
        yield Pointer("msvc-redist-missing", 0.45)
        yield Pointer("conflicting-dll-on-path", 0.45 if code in {"127", "1114"} or seen.has("only-in-the-program") else 0.25)


def _fbgemm(code: str, seen: Seen) -> Iterator[Pointer]:
    repaired = torch_version(seen) >= (2, 4, 1)
    bare = seen.has("fresh-windows") and not torch_version(seen)  # nothing is there yet, the redistributable neither
    yield Pointer("fbgemm-libomp140-missing", 0.45 if repaired or bare else 0.92 if code in {"126", ""} else 0.5)
    yield Pointer("msvc-redist-missing", 0.6 if bare else 0.45 if repaired else 0.3)


def _cuda_dll(name: str, code: str, seen: Seen) -> Iterator[Pointer]:
    clash = 0.65 if code in {"127", "1114", "182"} or seen.has("only-in-the-program") else 0.45
    yield Pointer("conflicting-dll-on-path", clash)
    yield Pointer("missing-cudnn" if name.startswith("cudnn") else "missing-cuda-runtime-lib", 0.35 if code == "126" else 0.15)
    yield Pointer("windows-pagefile-too-small", 0.25 if code == "1114" else 0.1)
    yield Pointer("torch-install-incomplete", 0.2)


def _torch_dll(name: str, code: str, seen: Seen) -> Iterator[Pointer]:
    program = seen.has("only-in-the-program")
    if code == "127":
        yield Pointer("conflicting-dll-on-path", 0.6)
        yield Pointer("torch-install-incomplete", 0.25)
        yield Pointer("duplicate-torch-conda-pip", 0.2)
    elif code == "1114":
        yield Pointer("conflicting-dll-on-path", 0.75 if program else 0.3)
        yield Pointer("msvc-redist-missing", 0.5 if program else 0.75)
    elif code == "182":
        yield Pointer("conflicting-dll-on-path", 0.5)
        yield Pointer("msvc-redist-missing", 0.4)
    elif name.startswith(("caffe2_nvrtc", "c10_cuda", "torch_cuda")):
        yield Pointer("conflicting-dll-on-path", 0.5)
        yield Pointer("msvc-redist-missing", 0.35)
        yield Pointer("torch-install-incomplete", 0.2)
    else:
        yield Pointer("msvc-redist-missing", 0.6 if program else 0.75)
        yield Pointer("conflicting-dll-on-path", 0.7 if program else 0.25)
        yield Pointer("torch-install-incomplete", 0.12)


@reading("dll-load-failed")
def of_module(complaint: Complaint, seen: Seen) -> Iterator[Pointer]:
    """An extension module of Python: torch's own, a companion's, or another package's."""
    module = complaint.captured.get("module", "")
    code = complaint.captured.get("code", "") or _number(complaint.text)
    who = asker(complaint, seen)
    if code == "1455":
        yield Pointer("windows-pagefile-too-small", 0.95)
    elif code == "193":
        yield Pointer("python-32bit", 0.5)
        yield Pointer("torch-install-incomplete", 0.3)
    elif module.startswith("onnxruntime"):
        yield Pointer("msvc-redist-missing", 0.75)
        yield Pointer("conflicting-dll-on-path", 0.4 if code == "1114" else 0.25)
    elif module.startswith(("libtriton", "cuda_utils")):
        yield Pointer("msvc-redist-missing", 0.6)
        yield Pointer("triton-missing-on-windows", 0.35)
    elif who.kind == "companion" or module.startswith(("torchvision", "_torchaudio", "libtorchaudio")):
        yield Pointer("torchvision-mismatch", 0.8)
    elif who.kind == "torch" or module == "torch._C":
        yield Pointer("msvc-redist-missing", 0.55)
        yield Pointer("conflicting-dll-on-path", 0.5 if code in {"127", "1114"} or seen.has("only-in-the-program") else 0.3)
    elif module.startswith("_multiarray") or "numpy" in module:
        yield Pointer("numpy-abi", 0.5)
        yield Pointer("wrong-python-environment", 0.3)
    elif who.kind == "extension" or _EXTENSION.search(module):
        yield Pointer("extension-abi-mismatch", 0.85 if code == "127" else 0.55)
        yield Pointer("extension-cuda-major-mismatch", 0.2 if code == "127" else 0.5)
        yield Pointer("msvc-redist-missing", 0.15)
    else:
        yield Pointer("msvc-redist-missing", 0.45)
        yield Pointer("conflicting-dll-on-path", 0.3)
        yield Pointer("extension-abi-mismatch", 0.25)


def _number(text: str) -> str:
    """The number of the error that Windows' words stand for."""
    named = re.search(r"[Ee]rror (?:code:? )?(126|127|182|193|1114|1455|206|998)\b", text)
    if named:
        return named[1]
    return next((number for number, words in _NUMBERS if re.search(words, text, re.IGNORECASE)), "")
