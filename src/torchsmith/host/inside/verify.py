"""Runs inside an environment that is about to be used: imports what was installed and counts. Standard library, Python 3.8.

Each part's answer is framed and flushed on its own: what was found before a crash is kept. ``sys.argv`` is the frame, then
the parts, in order: ``import:MODULE``, ``exact:DEVICE``, or ``find:MODULE``, which imports nothing.
"""

import json
import os
import sys
import time

FRAME = sys.argv[1]
# The folder of this script holds modules of its own, whose names others bear too.
sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != os.path.dirname(os.path.abspath(__file__))]


def tell(name, facts):
    """One framed answer."""
    sys.stdout.write(FRAME + json.dumps({name: facts}) + FRAME + "\n")
    sys.stdout.flush()


def imported(module):
    """Import it, timed; what torch says of itself besides."""
    import importlib

    begun = time.perf_counter()
    loaded = importlib.import_module(module)
    told = {"seconds": time.perf_counter() - begun, "version": str(getattr(loaded, "__version__", ""))}
    if module == "torch":
        version = getattr(loaded, "version", None)
        told.update({name: getattr(version, name, None) for name in ("cuda", "hip", "xpu")})
        told["knows"] = version is not None
    return told


def found(module):
    """Where an import would find it."""
    import importlib.util

    told = importlib.util.find_spec(module)
    return {"place": str(told.origin or next(iter(told.submodule_search_locations or ()), "")) if told else ""}


def exact(device):
    """Whether a product on the device is that of whole numbers: float32 holds every sum exactly, and Python counts it out."""
    import torch

    if device != "cpu":
        kind = getattr(torch, device, None)
        if kind is None or not kind.is_available():
            return {"available": False}
        tell("exact:" + device, {"available": True, "name": str(kind.get_device_name(0))})
    size = 32
    left = [[(7 * row + 3 * column) % 11 - 5 for column in range(size)] for row in range(size)]
    right = [[(5 * row + 2 * column) % 13 - 6 for column in range(size)] for row in range(size)]
    product = torch.tensor(left, dtype=torch.float32, device=device) @ torch.tensor(right, dtype=torch.float32, device=device)
    result, wrong = product.cpu().tolist(), 0
    for row in range(size):
        for column in range(size):
            wrong += result[row][column] != sum(left[row][at] * right[at][column] for at in range(size))
    return {"wrong": wrong, "entries": size * size}


PARTS = {"import": imported, "exact": exact, "find": found}


def main():
    """Each part by itself; after a failed one the others are still tried. What is told of a part is one answer in the end."""
    for part in sys.argv[2:]:
        kind, _, of = part.partition(":")
        try:
            tell(part, PARTS[kind](of))
        except BaseException as error:
            tell(part, {"error": ("%s: %s" % (type(error).__name__, error))[:500]})


if __name__ == "__main__":
    main()
