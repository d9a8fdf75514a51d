"""``torchsmith plan`` for several machines, beside ``python -c pass`` and ``uv pip compile torch``, in one run.

    .venv/bin/python -m benchmarks.plan_speed [--repeat N]

Three tables. The whole command, of an installed torchsmith, for assumed machines: wall and CPU time, against
``python -c pass`` (limit: 8 times). The same question to uv, from the package index and a warm cache. And the decision alone,
after start-up: the whole catalogue judged, every rejection recorded with its reasons, by the process' own CPU time (limit:
60 ms), in a child for each machine, so that nothing is warm that would not be.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from tests.lab import environments
from tests.lab.tools import uv

from benchmarks.check_speed import installed, medians, nothing, table

MACHINES = {
    "RTX 5070 Ti, Windows": ("gpu=RTX 5070 Ti", "driver=581.57", "os=windows", "python=3.13"),
    "GTX 1080 Ti, driver 550": ("gpu=GTX 1080 Ti", "driver=550.54", "os=linux", "python=3.11", "glibc=2.35"),
    "H100, torch 2.6 to be changed": ("gpu=H100", "driver=570.86", "os=linux", "python=3.12", "torch=2.6.0+cu124", "glibc=2.35"),
    "no GPU": ("gpu=none", "os=linux", "python=3.12", "glibc=2.35"),
    "sm_120 on driver 470: no option": ("gpu=RTX 5090", "driver=470.57", "os=linux", "python=3.12", "glibc=2.35"),
    "two GPUs, whisperx needed": ("gpu=RTX 5090", "gpu=GTX 1080 Ti", "driver=580.65", "os=linux", "python=3.12", "glibc=2.35"),
}
MORE = {"two GPUs, whisperx needed": ("--need", "whisperx==3.4.2")}

# The decision as `plan` takes it, between facts and text. Garbage of the start-up is not its: it is collected before.
DECISION = """
import gc, json, sys, time
import argparse
from torchsmith.app import plan
from torchsmith.cli_plan import _question, plan_options
from torchsmith.choose import decide
parser = argparse.ArgumentParser()
plan_options(parser)
options = parser.parse_args()
host, assumed, wished = _question(options, None)
asked, _ = plan.look(host, assumed, wished)
gc.collect()
begun = time.process_time()
choice = decide.decide(asked)
first = time.process_time() - begun
times = []
for _ in range(5):
    begun = time.process_time()
    choice = decide.decide(asked)
    times.append(time.process_time() - begun)
judged = decide.judged(asked)
reasons = sum(len(rejected.reasons) for rejected in choice.rejected)
print(json.dumps([first, min(times), len(judged.rows), len(choice.options), len(choice.rejected), reasons]))
"""


def arguments(name: str) -> list[str]:
    """The command line of a machine."""
    return [*(word for fact in MACHINES[name] for word in ("--assume", fact)), *MORE.get(name, ())]


def whole(torchsmith: str, python: str, folder: Path, repeat: int) -> None:
    """The whole command, and uv's answer to a simpler question."""
    wanted = folder / "requirements.in"
    wanted.write_text("torch\n")
    compiling = [uv("plan_speed"), "pip", "compile", "--quiet", "--python", python, str(wanted)]
    subprocess.run(compiling, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # its cache is warm now
    contenders: dict[str, Sequence[str]] = {"python -c pass": [python, "-c", "pass"]}
    contenders |= {f"plan: {name}": [torchsmith, "plan", *arguments(name)] for name in MACHINES}
    contenders["plan --all --json: GTX 1080 Ti"] = [torchsmith, "plan", "--all", "--json", *arguments("GTX 1080 Ti, driver 550")]
    contenders["why-not cu130: GTX 1080 Ti"] = [torchsmith, "why-not", "cu130", *arguments("GTX 1080 Ti, driver 550")]
    contenders["uv pip compile torch (index, warm cache)"] = compiling
    limits = {f"plan: {name}": "at most 8" for name in MACHINES}
    table("Whole command", medians(contenders, folder, repeat, nothing), "python -c pass", limits)


def decisions(python: str, folder: Path, repeat: int) -> None:
    """The decision alone, in an interpreter of the installed torchsmith."""
    print("\n### Decision after start-up\n")
    print("| machine | CPU ms, first | CPU ms, again | candidates | options | rejections | reasons | limit |")
    print("|" + " --- |" * 8)
    for name in MACHINES:
        runs = []
        for _ in range(repeat):
            command = [python, "-c", DECISION, *arguments(name)]
            ran = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
            runs.append(json.loads(ran.stdout))
        first, again = (1000 * median(run[column] for run in runs) for column in (0, 1))
        counts = " | ".join(str(count) for count in runs[0][2:])
        print(f"| {name} | {first:.1f} | {again:.1f} | {counts} | at most 60 |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    with ExitStack() as stack:
        torchsmith = installed(stack)
        python = str(torchsmith.with_name("python"))
        folder = Path(stack.enter_context(environments.variant(environments.empty(), "folder")).prefix)
        whole(str(torchsmith), python, folder, options.repeat)
        decisions(python, folder, options.repeat)
    load = os.getloadavg()[0]
    print(f"\nPython {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f}, medians of {options.repeat}.")


if __name__ == "__main__":
    main()
