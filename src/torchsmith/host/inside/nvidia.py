"""Runs in a child process of torchsmith's own interpreter: asks NVML, then libcuda. Standard library only.

A driver call can hang, crash or print. Each library's answer is framed and flushed on its own, so that what the first one
said is kept when the second never returns.
"""

import ctypes
import os
import sys

FRAME = sys.argv[1]
WINDOWS = sys.platform == "win32"
# Which GPUs the machine has, not which ones this shell shows: the variable is judged by a rule.
for hidden in ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
    os.environ.pop(hidden, None)
os.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"


def quote(text):
    """A JSON string."""
    return '"' + "".join(c if " " <= c < "\x7f" and c not in '"\\' else "\\u%04x" % min(ord(c), 0xFFFF) for c in text) + '"'


def encode(value):
    """JSON text of plain data."""
    if isinstance(value, dict):
        return "{" + ",".join(quote(key) + ":" + encode(item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(encode(item) for item in value) + "]"
    if isinstance(value, str):
        return quote(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def say(answer):
    """Print one framed answer at once."""
    sys.stdout.write(FRAME + encode(answer) + FRAME + "\n")
    sys.stdout.flush()


def load(names):
    """The first library of ``names`` that loads, or the loader's error texts."""
    errors = []
    for name in names:
        try:
            return (ctypes.WinDLL if WINDOWS else ctypes.CDLL)(name), errors
        except OSError as error:
            errors.append(str(error))
    return None, errors


class Fabric(ctypes.Structure):
    """nvmlGpuFabricInfo_t, first version: state 1 not started, 2 in progress, 3 completed."""

    _fields_ = [
        ("cluster", ctypes.c_char * 16),
        ("status", ctypes.c_int),
        ("clique", ctypes.c_uint),
        ("state", ctypes.c_ubyte),
        ("reserve", ctypes.c_ubyte * 64),  # in case a newer library writes more
    ]


def mapped(stem):
    """The file that was mapped for a library, from /proc/self/maps."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
            for line in maps:
                path = line.rstrip("\n").partition("/")
                if path[1] and os.path.basename(path[2]).startswith(stem):
                    return "/" + path[2]
    except OSError:
        pass
    return ""


class Library:
    """Calls by name; a missing function answers None instead of failing."""

    def __init__(self, library):
        self.library = library

    def call(self, name, *arguments):
        """The status of a call, None if the library has no such function."""
        try:
            function = getattr(self.library, name)
        except AttributeError:
            return None
        function.restype = ctypes.c_int
        return function(*arguments)

    def first(self, *names_then_arguments):
        """The status of the first function that there is: NVML renamed some."""
        names = [name for name in names_then_arguments if isinstance(name, str)]
        for name in names:
            status = self.call(name, *names_then_arguments[len(names) :])
            if status is not None:
                return status
        return None

    def text(self, name, *before, size=96):
        """The string that a call writes, None if it fails."""
        buffer = ctypes.create_string_buffer(size)
        status = self.call(name, *before, buffer, ctypes.c_uint(size))
        return buffer.value.decode("utf-8", "replace") if status == 0 else None

    def number(self, name, *before, kind=ctypes.c_uint):
        """The number that a call writes, None if it fails."""
        value = kind(0)
        return value.value if self.call(name, *before, ctypes.byref(value)) == 0 else None


class Memory(ctypes.Structure):
    """nvmlMemory_t: bytes."""

    _fields_ = [("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong)]


class Pci(ctypes.Structure):
    """nvmlPciInfo_t, third version."""

    _fields_ = [
        ("legacy", ctypes.c_char * 16),
        ("domain", ctypes.c_uint),
        ("bus", ctypes.c_uint),
        ("device", ctypes.c_uint),
        ("device_id", ctypes.c_uint),
        ("subsystem_id", ctypes.c_uint),
        ("bus_id", ctypes.c_char * 32),
    ]


def nvml_device(nvml, index):
    """What NVML says of one GPU; None for what it does not say."""
    handle = ctypes.c_void_p()
    names = ("nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex")
    status = nvml.first(*names, ctypes.c_uint(index), ctypes.byref(handle))
    if status != 0:
        return {"index": index, "status": status}
    major, minor = ctypes.c_int(0), ctypes.c_int(0)
    known = nvml.call("nvmlDeviceGetCudaComputeCapability", handle, ctypes.byref(major), ctypes.byref(minor)) == 0
    memory, pci = Memory(), Pci()
    has_memory = nvml.call("nvmlDeviceGetMemoryInfo", handle, ctypes.byref(memory)) == 0
    has_pci = nvml.call("nvmlDeviceGetPciInfo_v3", handle, ctypes.byref(pci)) == 0
    current, pending = ctypes.c_uint(0), ctypes.c_uint(0)
    has_mig = nvml.call("nvmlDeviceGetMigMode", handle, ctypes.byref(current), ctypes.byref(pending)) == 0
    mig_limit = nvml.number("nvmlDeviceGetMaxMigDeviceCount", handle) if has_mig and current.value == 1 else None
    instances = []
    for instance in range(min(mig_limit or 0, 64)):
        device = ctypes.c_void_p()
        if nvml.call("nvmlDeviceGetMigDeviceHandleByIndex", handle, ctypes.c_uint(instance), ctypes.byref(device)) == 0:
            instances.append(nvml.text("nvmlDeviceGetUUID", device) or "")
    fabric = Fabric()
    has_fabric = nvml.call("nvmlDeviceGetGpuFabricInfo", handle, ctypes.byref(fabric)) == 0
    return {
        "index": index,
        "status": 0,
        "name": nvml.text("nvmlDeviceGetName", handle),
        "uuid": nvml.text("nvmlDeviceGetUUID", handle),
        "compute_capability": [major.value, minor.value] if known else None,
        "memory": memory.total if has_memory else None,
        "memory_free": memory.free if has_memory else None,
        "pci": pci.bus_id.decode("ascii", "replace") if has_pci else None,
        "pci_device": pci.device_id >> 16 if has_pci else None,
        "mig": bool(current.value) if has_mig else None,
        "mig_instances": len(instances) if has_mig and current.value == 1 and mig_limit is not None else None,
        "mig_uuids": instances,
        "compute_mode": nvml.number("nvmlDeviceGetComputeMode", handle),
        "display": nvml.number("nvmlDeviceGetDisplayActive", handle),
        "persistence": nvml.number("nvmlDeviceGetPersistenceMode", handle),
        "fabric": fabric.state if has_fabric else None,
    }


def ask_nvml():
    """Say what NVML answers."""
    library, errors = load(["nvml.dll"] if WINDOWS else ["libnvidia-ml.so.1"])
    if library is None:
        say({"nvml": {"loaded": False, "errors": errors}})
        return
    nvml = Library(library)
    answer = {"loaded": True, "path": mapped("libnvidia-ml.so")}
    answer["library"] = nvml.text("nvmlSystemGetNVMLVersion")  # answers before nvmlInit, and where that fails
    say({"nvml": dict(answer, unfinished=True)})
    answer["status"] = nvml.first("nvmlInit_v2", "nvmlInit")
    try:
        library.nvmlErrorString.restype = ctypes.c_char_p
        answer["message"] = library.nvmlErrorString(answer["status"] or 0).decode("utf-8", "replace")
    except (AttributeError, OSError):
        answer["message"] = ""
    if answer["status"] == 0:
        answer["driver"] = nvml.text("nvmlSystemGetDriverVersion")
        answer["cuda"] = nvml.number("nvmlSystemGetCudaDriverVersion_v2", kind=ctypes.c_int)
        count = nvml.number("nvmlDeviceGetCount_v2")
        if count is None:
            count = nvml.number("nvmlDeviceGetCount")
        answer["count"] = count
        answer["devices"] = [nvml_device(nvml, index) for index in range(min(count or 0, 64))]
        nvml.call("nvmlShutdown")
    say({"nvml": answer})


def cuda_device(cuda, index):
    """What libcuda says of one device."""
    device = ctypes.c_int(0)
    if cuda.call("cuDeviceGet", ctypes.byref(device), index) != 0:
        return None
    name = ctypes.create_string_buffer(96)
    named = cuda.call("cuDeviceGetName", name, 96, device) == 0
    numbers = []
    for attribute in (75, 76):  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, _MINOR
        value = ctypes.c_int(0)
        numbers.append(value.value if cuda.call("cuDeviceGetAttribute", ctypes.byref(value), attribute, device) == 0 else None)
    total = ctypes.c_size_t(0)
    has_total = cuda.call("cuDeviceTotalMem_v2", ctypes.byref(total), device) == 0
    bus = ctypes.create_string_buffer(32)
    has_bus = cuda.call("cuDeviceGetPCIBusId", bus, 32, device) == 0
    return {
        "index": index,
        "name": name.value.decode("utf-8", "replace") if named else None,
        "compute_capability": numbers if None not in numbers else None,
        "memory": total.value if has_total else None,
        "pci": bus.value.decode("ascii", "replace") if has_bus else None,
    }


def ask_cuda():
    """Say what libcuda answers."""
    names = ["nvcuda.dll"] if WINDOWS else ["libcuda.so.1"]
    library, errors = load(names)
    if library is None:
        say({"cuda": {"loaded": False, "errors": errors}})
        return
    cuda = Library(library)
    answer = {"loaded": True, "path": mapped("libcuda.so")}
    version = ctypes.c_int(0)
    answer["version"] = version.value if cuda.call("cuDriverGetVersion", ctypes.byref(version)) == 0 else None
    say({"cuda": dict(answer, unfinished=True)})
    answer["status"] = cuda.call("cuInit", 0)
    name = ctypes.c_char_p()
    if cuda.call("cuGetErrorName", answer["status"] or 0, ctypes.byref(name)) == 0 and name.value:
        answer["message"] = name.value.decode("utf-8", "replace")
    if answer["status"] == 0:
        count = ctypes.c_int(0)
        answer["count"] = count.value if cuda.call("cuDeviceGetCount", ctypes.byref(count)) == 0 else None
        answer["devices"] = [d for d in (cuda_device(cuda, i) for i in range(min(answer["count"] or 0, 64))) if d]
    say({"cuda": answer})


ask_nvml()
ask_cuda()
