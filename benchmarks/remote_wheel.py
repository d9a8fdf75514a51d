"""Requests, bytes and seconds to read torch wheels of several ages and systems on the configured index, in one run.

    .venv/bin/python -m benchmarks.remote_wheel

The index page is counted apart. The limits are those that the project has set itself: five requests and 2 MB a wheel.
"""

from __future__ import annotations

import sys
import time

from torchsmith.app import inspect, inspect_wheel
from torchsmith.host.local import LocalHost
from torchsmith.model.errors import TorchsmithError

WHEELS = (
    ("1.13.1", "linux-x86_64", "cp311"),
    ("2.2.0", "linux-x86_64", "cp311"),
    ("2.6.0", "linux-x86_64", "cp312"),
    ("2.8.0", "linux-x86_64", "cp313"),
    ("2.8.0", "win_amd64", "cp313"),
    ("2.11.0", "linux-x86_64", "cp313"),
    ("2.11.0", "linux-aarch64", "cp313"),
    ("2.13.0", "linux-x86_64", "cp313"),
    ("2.14.1", "linux-x86_64", "cp313"),
    ("2.15.0", "linux-x86_64", "cp313"),
    ("2.15.0", "linux-aarch64", "cp313"),
    ("2.15.0", "win_amd64", "cp313"),
    ("2.15.0", "macosx_14_0_arm64", "cp313"),
)
MOST_REQUESTS, MOST_BYTES = 5, 2_000_000


def main() -> int:
    """Print a row for each wheel; 1 where a limit was broken."""
    failed = 0
    print("| torch | platform | CUDA | declared | pins | requests | bytes | of | s |\n|" + " --- |" * 9)
    for version, platform, tag in WHEELS:
        begun = time.perf_counter()
        try:
            found = inspect_wheel.remote(LocalHost(), f"torch=={version}", inspect.Wanted(platform, tag), inspect.Gpus((), None))
        except TorchsmithError as error:
            print(f"| {version} | {platform} | {error} |")
            failed = 1
            continue
        seconds = time.perf_counter() - begun
        about = dict(found.entries[0].about)
        torch = found.torch
        cells = (
            torch.version if torch else version,
            platform,
            torch.cuda if torch else None,
            " ".join(about["declared"] or ()) or "none",
            len(about["pins"]),
            about["requests"],
            about["bytes_read"],
            about["size"],
            f"{seconds:.2f}",
        )
        print(f"| {' | '.join(map(str, cells))} |", flush=True)
        failed |= about["requests"] > MOST_REQUESTS or about["bytes_read"] > MOST_BYTES
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
