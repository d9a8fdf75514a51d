"""Runs inside an environment with torch: verifies a matrix product and measures. Standard library and torch, Python 3.8.

Each part's answer is framed and flushed on its own: what was found before a crash is kept. ``sys.argv`` is the frame, the
seconds for each measurement, and the packages to import besides.
"""

import json
import os
import sys
import time

FRAME = sys.argv[1]
# The folder of this script holds modules of its own, whose names others bear too.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != os.path.dirname(os.path.abspath(__file__))]


def tell(**facts):
    """One framed answer."""
    sys.stdout.write(FRAME + json.dumps(facts) + FRAME + "\n")
    sys.stdout.flush()


def attempt(name, function, *arguments):
    """Tell what ``function`` finds, or how it failed."""
    try:
        tell(**function(*arguments))
    except BaseException as error:
        tell(**{name + "_error": ("%s: %s" % (type(error).__name__, error))[:500]})


def imported():
    """Import torch, timed."""
    begun = time.perf_counter()
    import torch

    seconds = time.perf_counter() - begun
    version = getattr(torch, "version", None)
    return {
        "import_seconds": seconds,
        "torch": str(torch.__version__),
        "cuda": getattr(version, "cuda", None),
        "hip": getattr(version, "hip", None),
        "python": "%d.%d.%d" % sys.version_info[:3],
    }


def threads():
    """How many threads a product on the CPU uses."""
    import torch

    return {"threads": torch.get_num_threads()}


def beside(names):
    """Import the packages that came with it."""
    import importlib

    found = {}
    for name in names:
        try:
            found[name] = [True, str(getattr(importlib.import_module(name), "__version__", "imported"))]
        except BaseException as error:
            found[name] = [False, ("%s: %s" % (type(error).__name__, error))[:300]]
    return {"beside": found}


def matrices(device):
    """Two matrices of small whole numbers: float32 holds every sum of their products exactly."""
    import torch

    size = 256
    left = [[(7 * row + 3 * column) % 11 - 5 for column in range(size)] for row in range(size)]
    right = [[(5 * row + 2 * column) % 13 - 6 for column in range(size)] for row in range(size)]
    product = torch.tensor(left, dtype=torch.float32, device=device) @ torch.tensor(right, dtype=torch.float32, device=device)
    return left, right, product.cpu().tolist()


def exact(device):
    """Whether a product on the device is that of whole numbers, which Python itself counts out."""
    left, right, product = matrices(device)
    size, wrong = len(left), 0
    for row in range(size):
        for column in range(row % 8, size, 8):
            wrong += product[row][column] != sum(left[row][at] * right[at][column] for at in range(size))
    return {"exact_" + device: [wrong == 0, "%d of %d entries differ" % (wrong, size * size // 8)]}


def best(function, wait, seconds):
    """The shortest of the runs that fit into so many seconds, at least three."""
    function()
    wait()
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or (time.perf_counter() < end and len(times) < 1000):
        begun = time.perf_counter()
        function()
        wait()
        times.append(time.perf_counter() - begun)
    return min(times)


def speed(device, size, copied, seconds):
    """GFLOP/s of a float32 product, and GB/s of a copy, read and write counted."""
    import torch

    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    left, right = torch.rand(size, size, device=device), torch.rand(size, size, device=device)
    product = best(lambda: torch.mm(left, right), wait, seconds)
    source = torch.ones(copied // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    copy = best(lambda: target.copy_(source), wait, seconds)
    return {device + "_gflops": 2.0 * size**3 / product / 1e9, device + "_copy_gbs": 2.0 * copied / copy / 1e9}


def gpu():
    """Whether torch can use a GPU, and which."""
    import torch

    available = bool(torch.cuda.is_available())
    return {"available": available, "gpu": torch.cuda.get_device_name(0) if available else ""}


def main():
    """Import, verify, measure."""
    seconds = float(sys.argv[2])
    attempt("import", imported)
    if "torch" not in sys.modules or seconds <= 0:
        return
    attempt("threads", threads)
    attempt("beside", beside, sys.argv[3:])
    attempt("exact_cpu", exact, "cpu")
    attempt("gpu", gpu)
    attempt("cpu", speed, "cpu", 1024, 64 << 20, seconds)
    if hasattr(sys.modules["torch"], "cuda") and sys.modules["torch"].cuda.is_available():
        attempt("exact_cuda", exact, "cuda")
        attempt("cuda", speed, "cuda", 4096, 256 << 20, seconds)


if __name__ == "__main__":
    main()
