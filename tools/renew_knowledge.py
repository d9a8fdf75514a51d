"""Propose renewed rows for the tables that the package index can answer.

Usage: ``python tools/renew_knowledge.py [TABLE ...]``.

It asks pip, with whatever index pip is configured for, and prints a diff; it changes no file. What it can renew:

- ``torch_releases``: the releases and their Python tags per platform (``pip index versions``);
- ``torch_pins``: what the default Linux wheel of the newest release requires (``pip install --dry-run --report``);
- ``cudnn``: the cuDNN wheels and their platforms;
- ``third_party``: releases of the other packages that no row names. What such a release asks for, ``requirements`` reads
  out of its metadata; a row that says the same takes the release on, another one begins a row.

What it cannot: builds on the PyTorch index other than the default ones, and the GPU code inside builds. A row for those
needs evidence of its own, which ``schema.toml`` names under ``renew``: the wheel itself, the build script at the
release's commit, a published lock file, or published live output. ``announced`` rows wait for the same.
"""

from __future__ import annotations

import difflib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from torchsmith.knowledge import load, third_party
from torchsmith.model import pep440
from torchsmith.model.versions import key

DATA = Path(__file__).resolve().parent.parent / "src" / "torchsmith" / "knowledge" / "data"
PLATFORMS = {
    "linux-x86_64": ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64", "linux_x86_64"),
    "linux-aarch64": ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64", "linux_aarch64"),
    "windows": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64",),
}
COLUMNS = {platform: "python_" + platform.replace("-", "_") for platform in PLATFORMS}
TAGS = ("cp38", "cp39", "cp310", "cp311", "cp312", "cp313", "cp314", "cp315", "cp313t", "cp314t", "cp315t")
CUDNN = ("nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13")


def pip(*arguments: str) -> str:
    """The output of pip; empty if it found nothing."""
    command = [sys.executable, "-m", "pip", *arguments, "--disable-pip-version-check", "--no-input"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def versions(package: str, *, python_tag: str | None = None, platforms: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The versions that the index offers to one Python on one platform, pre-releases left out."""
    options = [option for platform in platforms for option in ("--platform", platform)]
    if python_tag:
        number = python_tag.removeprefix("cp").rstrip("t")
        options += ["--python-version", f"{number[0]}.{number[1:]}", "--implementation", "cp", "--abi", python_tag]
    if options:
        options += ["--only-binary", ":all:"]
    listed = re.search(r"^Available versions: (.*)$", pip("index", "versions", package, *options), re.MULTILINE)
    found = [version.strip() for version in listed[1].split(",")] if listed else []
    # A local label comes from a directory of wheels on this machine, not from the index.
    return tuple(version for version in found if "+" not in version)


def requirements(
    version: str,
    python_tag: str,
    platforms: tuple[str, ...],
    package: str = "torch",
    wanted: str = r"(nvidia-|cuda-|triton|pytorch-triton)",
) -> tuple[str, ...]:
    """What a wheel requires of the ``wanted`` packages, for torch NVIDIA's and triton, as its metadata writes it."""
    number = python_tag.removeprefix("cp")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        options = [option for platform in platforms for option in ("--platform", platform)]
        pip(
            *("install", "--dry-run", "--quiet", "--no-deps", "--ignore-installed", "--only-binary", ":all:"),
            *("--target", folder, "--python-version", f"{number[0]}.{number[1:]}", *options),
            *("--report", str(report), f"{package}=={version}"),
        )
        if not report.exists():
            return ()
        metadata = json.loads(report.read_text("utf-8"))["install"][0]["metadata"]
    return tuple(line for line in metadata.get("requires_dist", ()) if re.match(wanted, line))


def renew_releases() -> Iterator[str]:
    """Releases that the table lacks, and rows whose Python tags differ from what the index offers.

    A wheel without an ABI tag (macOS to 2.6) is offered to free-threaded Pythons too, though it was not made for them.
    """
    asked = list(product(PLATFORMS, TAGS))
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda pair: versions("torch", python_tag=pair[1], platforms=PLATFORMS[pair[0]]), asked))
    offered = dict(zip(asked, answers, strict=True))
    if not any(answers):
        yield "the index answered nothing"
        return
    text = (DATA / "torch_releases.csv").read_text("utf-8")
    known = {str(row["torch"]): row for row in load.table("torch_releases").rows}
    proposed = text
    for release, row in known.items():
        for platform, column in COLUMNS.items():
            now = {tag for tag in TAGS if release in offered[platform, tag]}
            before = row[column] if isinstance(row[column], tuple) else ()
            asked_before = {str(tag) for tag in before} & set(TAGS)  # type: ignore[union-attr]
            if now and now != asked_before:
                yield f"{release} {platform}: the table has {sorted(asked_before)}, the index {sorted(now)}"
    everything = {version for answer in answers for version in answer}
    for release in sorted(everything - known.keys(), key=key):
        if key(release) < key(min(known, key=key)):
            continue
        tags = {column: [tag for tag in TAGS if release in offered[platform, tag]] for platform, column in COLUMNS.items()}
        cells = (" ".join(tags.get(column, ())) or "?" for column in load.table("torch_releases").columns)
        proposed += ",".join((release, *list(cells)[1:])) + "\n"
    yield from diff("torch_releases.csv", text, proposed)


def renew_pins() -> Iterator[str]:
    """Pins of the newest release that differ from the table."""
    newest = max(versions("torch"), key=key, default="")
    table = load.table("torch_pins")
    tag = str(load.table("torch_releases").rows[-1]["python_linux_x86_64"][1])  # type: ignore[index]
    required = requirements(newest, tag, PLATFORMS["linux-x86_64"]) if newest else ()
    if not required:
        yield "the index answered nothing"
        return
    listed = sorted(
        pin(str(row["requirement"]), str(row["extras"] or ""), str(row["version_spec"] or ""))
        for row in table.rows
        if row["torch"] == newest and row["platform"] == "linux-x86_64"
    )
    asked = sorted({re.sub(r"\s*;.*|\s", "", line) for line in required})
    yield from diff(f"torch_pins.csv, {newest} linux-x86_64", "\n".join(listed) + "\n", "\n".join(asked) + "\n")


def renew_cudnn() -> Iterator[str]:
    """Wheels of cuDNN that the table lacks. The upload date and the lowest GPU are not the index client's to tell."""
    rows = load.table("cudnn").rows
    for package in CUDNN:
        known = {str(row["version"]) for row in rows if row["package"] == package}
        for version in sorted(set(versions(package)) - known, key=key):
            yield f"+{package},{version},{key(version)[0]},?,?,no,?,pypi"


def renew_third_party() -> Iterator[str]:
    """Releases that no row names, with what they require of the packages that the table knows."""
    known = third_party.packages()
    platforms = (*PLATFORMS["linux-x86_64"], "manylinux_2_31_x86_64", "manylinux_2_34_x86_64", "manylinux_2_35_x86_64")
    wanted = rf"(torch|torchvision|torchaudio|{'|'.join(known)})(?![\w-])"
    for package in known:
        rows = third_party.of(package)
        named = {version for row in rows for version in (*row.versions, *row.yanked)}
        offered = {version for tag in ("cp312", "cp314") for version in versions(package, python_tag=tag, platforms=platforms)}
        offered |= set(versions(package))
        first = pep440.key(rows[0].first or "")
        for version in sorted(offered - named, key=pep440.key):
            if pep440.key(version) > first:
                asks = [line for line in requirements(version, "cp312", platforms, package, wanted) if "extra ==" not in line]
                yield f"+{package} {version}: {'; '.join(asks) or 'no requirement of these, or no metadata to be had'}"


def pin(requirement: str, extras: str, spec: str) -> str:
    """A requirement in one spelling, whatever table or metadata it comes from."""
    return f"{requirement}{f'[{extras}]' if extras else ''}{spec}".replace(" ", "")


def diff(name: str, before: str, after: str) -> Iterator[str]:
    """A unified diff, line by line."""
    yield from difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{name}", f"b/{name}", lineterm="", n=0)


RENEWALS = {
    "torch_releases": renew_releases,
    "torch_pins": renew_pins,
    "cudnn": renew_cudnn,
    "third_party": renew_third_party,
}


def main(arguments: list[str]) -> int:
    """Print proposals for the tables named, or for all that can be renewed."""
    unknown = [name for name in arguments if name not in RENEWALS]
    for name in unknown:
        reason = load.table(name).renew if name in load.tables() else "no such table"
        print(f"{name}: not renewable from the package index: {reason}", file=sys.stderr)
    for name in [name for name in arguments if name in RENEWALS] or ([] if arguments else list(RENEWALS)):
        print(f"# {name}")
        print("\n".join(RENEWALS[name]()) or "no difference")
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
